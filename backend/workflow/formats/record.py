"""What every import format gives: documents, and the lines that cannot be one."""

from dataclasses import dataclass, field
from typing import Any

from ml_backend.contract.entity import Entity


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """One document as a file has it; `entities` is None where the file says nothing of them."""

    file: str
    line: int
    text: str
    external_id: str | None = None
    entities: list[Entity] | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    def refuse(self, reason: str) -> "RefusedLine":
        """The same line, refused for a reason found later."""
        return RefusedLine(self.file, self.line, reason, self.raw)


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not imported, where it stands and why; `raw` is what it held."""

    file: str
    line: int
    reason: str
    raw: dict[str, Any] | str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"
