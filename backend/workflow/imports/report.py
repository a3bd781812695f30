"""What became of the lines of a file that was imported."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend.workflow.formats.record import RefusedLine

KEPT_REFUSALS = 100  # in a report; all of them are in the chunks


@dataclass(slots=True)
class ImportReport:
    """What became of the lines; `entities_unused` had entities that nobody asked to take.

    `other_gold` are there already with other gold than the file's: it stays. `copies` were set
    aside at once; dedupe finds the others. `refused` are the first of `refused_lines`, and `notes`
    of what people should know of documents that were taken. `read_as` says what the file was found
    to be, and `to_mend` are the files that were written beside it.
    """

    added: int = 0
    already_there: int = 0
    with_gold: int = 0
    copies: int = 0
    entities_unused: int = 0
    other_gold: int = 0
    refused_lines: int = 0
    refused: list[RefusedLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    read_as: str = ""
    to_mend: list[Path] = field(default_factory=list)

    def add(self, other: "ImportReport") -> None:
        """Sum another chunk's report into this one."""
        self.added += other.added
        self.already_there += other.already_there
        self.with_gold += other.with_gold
        self.copies += other.copies
        self.entities_unused += other.entities_unused
        self.other_gold += other.other_gold
        self.refuse(other.refused)
        self.notes += other.notes[: max(0, KEPT_REFUSALS - len(self.notes))]

    def refuse(self, refused: Sequence[RefusedLine]) -> None:
        """Count refused lines, and keep them while they are few."""
        self.refused_lines += len(refused)
        self.refused += refused[: max(0, KEPT_REFUSALS - len(self.refused))]
