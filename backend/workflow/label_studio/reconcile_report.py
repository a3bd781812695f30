"""What a reconciliation reports: shown by `goldloop sync`, kept as JSON with the project."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

DETAILS_KEPT = 50


@dataclass(slots=True)
class Report:
    """What was compared and what was put right; `gold_changed` and `new_tasks` ask for more."""

    checked: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    details: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    gold_changed: bool = False
    new_tasks: bool = False

    def add(self, name: str, detail: Any) -> None:
        """Count one difference; the first of each kind are kept by number."""
        self.found[name] += 1
        if len(self.details[name]) < DETAILS_KEPT:
            self.details[name].append(detail)

    def note(self, name: str, detail: Any) -> None:
        """Keep something that is worth knowing and that nothing is done about."""
        if len(self.notes[name]) < DETAILS_KEPT:
            self.notes[name].append(detail)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "checked": dict(self.checked),
            "found": {name: count for name, count in self.found.items() if count},
            "details": dict(self.details),
            "notes": dict(self.notes),
        }
