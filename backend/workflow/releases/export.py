"""Gold written in any format that can be written, with everything told that the format lost."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from backend.workflow.formats.format import ExportDocument, Loss, WritableFormat, WriteOptions

LOSSES = ".losses.jsonl"  # put after the name of the file that was written


@dataclass(slots=True)
class Exported:
    """How many documents were written, and what the format could not hold of them."""

    documents: int = 0
    losses: int = 0
    first_losses: tuple[str, ...] = ()
    losses_file: Path | None = None


def export_documents(
    documents: Iterable[ExportDocument],
    format: WritableFormat,
    out: Path,
    options: WriteOptions,
    *,
    shown: int = 20,
    advance: Callable[[int], None] = lambda documents: None,
) -> Exported:
    """Write documents to a file that appears when it is complete, in constant memory.

    Every loss is written to a file beside it, one JSON object a line; with none there is no such
    file.
    """
    exported = Exported()
    partial, losses = _beside(out, ".part"), _beside(out, ".losses")
    told = out.with_name(out.name + LOSSES)
    try:
        with partial.open("wb") as file, losses.open("wb") as beside:
            for loss in format.write(_counted(documents, exported, advance), file, options):
                exported.losses += 1
                if exported.losses <= shown:
                    exported.first_losses += (str(loss),)
                beside.write(orjson.dumps(loss_record(loss), option=orjson.OPT_APPEND_NEWLINE))
        if exported.losses:
            losses.replace(told)
            exported.losses_file = told
        else:
            told.unlink(missing_ok=True)  # of an earlier export
        partial.replace(out)
    finally:
        for path in (partial, losses):
            with suppress(FileNotFoundError):
                path.unlink()
    return exported


def _counted(
    documents: Iterable[ExportDocument], exported: Exported, advance: Callable[[int], None]
) -> Iterator[ExportDocument]:
    for document in documents:
        exported.documents += 1
        advance(1)
        yield document


def loss_record(loss: Loss) -> dict[str, object]:
    """A loss as JSON."""
    entity = None if loss.entity is None else loss.entity.to_dict()
    return {"id": loss.document_id, "entity": entity, "reason": loss.reason}


def _beside(out: Path, ending: str) -> Path:
    return out.with_name(f".{out.name}{ending}")
