"""What every import format gives: documents, and the lines that cannot be one."""

from dataclasses import dataclass, field
from typing import Any, Literal

from ml_backend.contract.entity import Entity

Unit = Literal["line", "record"]  # what is counted from 1: lines, or elements of an array or rows


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """One document as a file has it; `entities` is None where the file says nothing of them.

    `labels` is the file's own label set where it declares one, or where a person does: the
    project's other labels were not annotated in this document; and neither were those that
    `not_annotated` names. `note` is what people should know
    of a document that is taken all the same.
    """

    file: str
    line: int
    text: str
    external_id: str | None = None
    entities: list[Entity] | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, Any] | str = field(default_factory=dict, repr=False)
    labels: tuple[str, ...] | None = None
    unit: Unit = "line"
    note: str | None = None
    not_annotated: tuple[str, ...] = ()

    def refuse(self, reason: str) -> "RefusedLine":
        """The same line, refused for a reason found later."""
        return RefusedLine(self.file, self.line, reason, self.raw, self.unit)


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not imported, where it stands and why; `raw` is what it held.

    An object is written to a file of JSON Lines to be mended, a string as the lines it was.
    Line 0 stands for the whole file.
    """

    file: str
    line: int
    reason: str
    raw: dict[str, Any] | str = field(default="", repr=False)
    unit: Unit = "line"

    def __str__(self) -> str:
        if self.line == 0:
            return f"{self.file}: {self.reason}"
        where = f":{self.line}" if self.unit == "line" else f": record {self.line}"
        return f"{self.file}{where}: {self.reason}"
