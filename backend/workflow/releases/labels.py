"""The labels of a release: after the mapping, less those that were not asked for."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy.orm import Session

from backend.db.tables import Project
from backend.errors import InvalidInputError
from backend.workflow.labels.label_rules import LabelRules, rules_of
from ml_backend.contract.entity import Entity

REMEMBERED = 4096  # answers that many documents share


class ReleasedLabels:
    """What a project's labels are called in a release, and which were not annotated where.

    `names` is the label set, sorted, and `left_out` those of it that training leaves out now:
    they are released all the same. `plain` labels are called in gold as they are here. Raises
    InvalidInputError when a label is asked for that there is not.
    """

    def __init__(self, rules: LabelRules, chosen: Sequence[str] | None = None):
        self.names = tuple(sorted(rules.support))
        unknown = sorted(set(chosen or ()) - set(self.names))
        if unknown:
            raise InvalidInputError(
                f"no label {', '.join(map(repr, unknown))}; there are {', '.join(self.names)}"
            )
        self.taken = frozenset(self.names if chosen is None else chosen)
        self.left_out = tuple(sorted(rules.left_out))
        self.mapping = dict(sorted(rules.mapping.targets.items()))
        self._not_taken = frozenset(self.names) - self.taken
        self._rules = replace(rules, minimum=0)  # every label has its say
        self._name: dict[str, str | None] = {}
        self.plain = frozenset(name for name in self.taken if self.name_of(name) == name)
        self.not_annotated = lru_cache(REMEMBERED)(self._not_annotated)

    def name_of(self, label: str) -> str | None:
        """What a label of gold is called; None where the release does not take it."""
        if label not in self._name:
            name = self._rules.apply([Entity(0, 1, label)])[0].label
            self._name[label] = name if name in self.taken else None
        return self._name[label]

    def _not_annotated(
        self, stored: str | None, revision: int, source: str, version_name: str | None
    ) -> list[str]:
        """Labels whose absence says nothing, sorted; `stored` is the document's column."""
        own: Any = orjson.loads(stored) if stored else None
        silent = self._rules.not_annotated(own, revision, source, version_name)
        return sorted(silent & self.taken | self._not_taken)


def released_labels(
    session: Session, project: Project, chosen: Sequence[str] | None = None
) -> ReleasedLabels:
    """The labels of a release of a project's gold as it is now."""
    return ReleasedLabels(rules_of(session, project), chosen)
