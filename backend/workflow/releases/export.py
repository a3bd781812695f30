"""Gold written in any format that can be written, with everything told that the format lost."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import orjson

from backend.workflow.formats.format import ExportDocument, Loss, WritableFormat, WriteOptions
from backend.workflow.whole_file import whole_file

T = TypeVar("T")
Advance = Callable[[int], None]  # is told how many more documents were written

LOSSES = ".losses.jsonl"  # put after the name of the file that was written


@dataclass(slots=True)
class Exported:
    """How many documents were written, and what the format could not hold of them.

    `beside` counts the documents of which it did not hold what stands beside text and entities,
    by what that is; `first_losses` are of all else.
    """

    documents: int = 0
    losses: int = 0
    beside: dict[str, int] = field(default_factory=dict)
    first_losses: tuple[str, ...] = ()
    losses_file: Path | None = None


def export_documents(
    documents: Iterable[ExportDocument],
    format: WritableFormat,
    out: Path,
    options: WriteOptions,
    *,
    shown: int = 20,
    advance: Advance = lambda documents: None,
) -> Exported:
    """Write documents to a file that appears when it is complete, in constant memory.

    Every loss is written to a file beside it, one JSON object a line; with none there is no such
    file.
    """
    exported = Exported()
    told = out.with_name(out.name + LOSSES)
    with whole_file(out) as file, whole_file(told) as beside:
        for loss in format.write(_counted(documents, exported, advance), file, options):
            exported.losses += 1
            if loss.beside:
                exported.beside[loss.reason] = exported.beside.get(loss.reason, 0) + 1
            elif len(exported.first_losses) < shown:
                exported.first_losses += (str(loss),)
            beside.write(orjson.dumps(loss_record(loss), option=orjson.OPT_APPEND_NEWLINE))
    if exported.losses:
        exported.losses_file = told
    else:
        told.unlink()
    return exported


def write_lines(
    lines: Iterable[bytes], out: Path, advance: Advance = lambda documents: None
) -> Exported:
    """Write documents that are lines already, in the same way."""
    exported = Exported()
    with whole_file(out) as file:
        for line in _counted(lines, exported, advance):
            file.write(line)
    return exported


def _counted(documents: Iterable[T], exported: Exported, advance: Advance) -> Iterator[T]:
    for document in documents:
        exported.documents += 1
        advance(1)
        yield document


def loss_record(loss: Loss) -> dict[str, object]:
    """A loss as JSON."""
    entity = None if loss.entity is None else loss.entity.to_dict()
    return {"id": loss.document_id, "entity": entity, "reason": loss.reason}
