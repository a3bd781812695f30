"""What a format is: a module of this package with these names.

To add one, write the module and list it in registry.py: detection, the commands, the table of
formats and the tests of round trips find it there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol, runtime_checkable

from backend.workflow.formats.checks import NOT_ANNOTATED
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source
from ml_backend.contract.entity import Entity


@dataclass(frozen=True, slots=True)
class ExportDocument:
    """One gold document on its way out; `entities` in order, offsets in code points.

    Of the labels in `not_annotated` the entities say nothing: nobody looked for them.
    """

    id: str
    text: str
    entities: list[Entity]
    meta: dict[str, Any] = field(default_factory=dict)
    not_annotated: tuple[str, ...] = ()

    @property
    def data(self) -> dict[str, Any]:
        """`meta`, and in it what was not annotated: `checks.document` takes it out again."""
        if not self.not_annotated:
            return self.meta
        return {**self.meta, NOT_ANNOTATED: list(self.not_annotated)}


@dataclass(frozen=True, slots=True)
class Loss:
    """What a format could not hold: one entity, or with None all of a document or part of it.

    `beside` is of what stands beside text and entities, which the format holds of no document.
    """

    document_id: str
    entity: Entity | None
    reason: str
    beside: bool = False

    def __str__(self) -> str:
        what = (
            f" [{self.entity.start}, {self.entity.end}) {self.entity.label!r}"
            if (self.entity)
            else ""
        )
        return f"document {self.document_id!r}{what}: {self.reason}"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What some formats want to know beforehand.

    `labels` is the label set in order; `label_config` the Label Studio configuration.
    """

    labels: tuple[str, ...] = ()
    label_config: str | None = None


class Format(Protocol):
    """A format that can be read."""

    @property
    def NAME(self) -> str:
        """As `--format` and messages call it."""

    @property
    def DESCRIPTION(self) -> str:
        """One line for the table of formats."""

    @property
    def EXTENSIONS(self) -> tuple[str, ...]:
        """File name extensions in lower case with their dot, the usual one first."""

    def detect(self, head: str, name: str) -> float:
        """How sure it is that a file is of this format: 0 for no, 1 for certainly.

        `head` is the decoded beginning (64 KiB) and `name` the file's. See detection.py for what
        the numbers do.
        """

    def read(self, source: Source) -> Iterator[DocumentRecord | RefusedLine]:
        """The documents in order, good and refused, in constant memory.

        Documents are made with `checks.document`, which refuses what cannot be one.
        """


@runtime_checkable
class WritableFormat(Format, Protocol):
    """A format that can be written too."""

    def write(
        self,
        documents: Iterable[ExportDocument],
        out: BinaryIO,
        options: WriteOptions = WriteOptions(),
    ) -> Iterator[Loss]:
        """Write the documents while the losses are drawn: nothing is lost in silence.

        The caller exhausts the iterator; what it reads back is what was written, less the losses.
        """
