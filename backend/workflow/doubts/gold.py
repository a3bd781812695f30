"""All of a project's gold, frozen for a doubts job: held-out roles too.

The models of such a job are thrown away, so that nothing which judges others is learned from. Which
gold stands for a duplicate group, and under which labels, is as in any snapshot.
"""

from itertools import groupby
from pathlib import Path

from sqlalchemy.orm import Session

from backend.db import runs
from backend.db.groups import near_groups
from backend.db.releases import count_gold
from backend.db.tables import Part, Project
from backend.errors import ConflictError
from backend.workflow.labels.label_rules import rules_of
from backend.workflow.versions.snapshot import documents_of, preference
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import Manifest, write_snapshot

LEAST = 20  # documents


class TooLittleGoldError(ConflictError):
    """There is too little gold for models to doubt it."""

    def __init__(self, count: int):
        self.count = count
        super().__init__(f"looking for doubts needs {LEAST} gold documents, there are {count}")


def check_enough(session: Session, project: Project) -> None:
    """Raise TooLittleGoldError where there is surely too little gold."""
    count = count_gold(session, project.id)
    if count < LEAST:
        raise TooLittleGoldError(count)


def freeze_all(session: Session, project: Project, folder: Path) -> Manifest:
    """Write all gold of a project, one document of each duplicate group, as the part `train`.

    The session must see one moment of the database, as for any snapshot. Raises TooLittleGoldError.
    """
    rules = rules_of(session, project)
    ids, groups = _chosen(session, project)
    if len(ids) < LEAST or not rules.labels:
        raise TooLittleGoldError(len(ids))
    return write_snapshot(
        folder,
        {Part.TRAIN.value: documents_of(session, ids, rules, groups)},
        LabelSet(rules.labels),
        mapping=rules.mapping.targets,
        left_out=rules.left_out,
    )


def _chosen(session: Session, project: Project) -> tuple[list[int], dict[str, str]]:
    """One document of each exact group, by the documents' own ids; and the near groups' names.

    A near group is read whole by one model: it has the least key of its groups as its name.
    """
    near = near_groups(session, project.id)
    chosen: list[tuple[str, int]] = []
    names: dict[int, str] = {}
    for group_key, group in groupby(
        runs.gold_heads(session, project.id), key=lambda head: head.group_key
    ):
        best = min(group, key=preference)
        chosen.append((best.external_id, best.document_id))
        near_id = near.get(group_key)
        if near_id is not None:
            names[near_id] = min(group_key, names.get(near_id, group_key))
    named = {key: names[near_id] for key, near_id in near.items() if near_id in names}
    return [number for _, number in sorted(chosen)], named
