"""The frozen snapshot of a project's gold: what a run trains on, and what it is judged on."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from sqlalchemy.orm import Session

from backend.db import runs
from backend.db.groups import near_groups, split_key
from backend.db.projects import settings_of
from backend.db.tables import GoldSource, Part, Project
from backend.errors import ConflictError
from backend.workflow.labels.label_rules import LabelRules, rules_of
from backend.workflow.versions.pseudo_labels import pseudo_labelled
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument, Manifest, write_snapshot

SNAPSHOT_PARTS = (Part.DEV, Part.GATE, Part.TRAIN)  # the small ones first: see `kept_apart`

# of a group's gold, whose word counts most
SOURCES = (
    GoldSource.DECISION,
    GoldSource.PERSON,
    GoldSource.IMPORTED,
    GoldSource.RULE,
    GoldSource.COPIED,
)


class NothingToTrainError(ConflictError):
    """No label has enough gold to be trained."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What was frozen: the gold up to `gold_revision`."""

    manifest: Manifest
    gold_revision: int


def freeze(session: Session, project: Project, folder: Path) -> Frozen:
    """Write the snapshot of a project's gold as this session sees it, under the rules of labels.

    Held-out groups go to their part and nowhere else, near copies with them; a group of several
    gold documents (copies) is there once, by a person's gold rather than an imported one, by the
    canonical rather than a copy. What a version labelled judges no version: it is left out of
    held-out parts. Pseudo-labels come in where the project's settings ask for them, no more than
    there is gold to learn from. The session must see one moment of the database (SQLite always
    does, PostgreSQL from REPEATABLE READ on). No more than a thousand texts are held at once.

    Raises NothingToTrainError when no label has enough gold to be trained.
    """
    rules = rules_of(session, project)
    if not rules.labels:
        raise NothingToTrainError(f"no label has the {rules.minimum} gold entities it needs")
    near = near_groups(session, project.id)
    roles = _roles(session, project, near)
    chosen, groups = _chosen(session, project, near, roles)
    held_out: dict[str, str] = {}
    parts: dict[str, Iterator[GoldDocument]] = {
        part.value: kept_apart(part, documents_of(session, chosen[part], rules, groups), held_out)
        for part in SNAPSHOT_PARTS
    }
    least, most = settings_of(project).pseudo_confidence, len(chosen[Part.TRAIN])
    if least < 1:
        parts["pseudo"] = pseudo_labelled(
            session, project, rules, near, roles, groups, least=least, most=most
        )
    manifest = write_snapshot(
        folder,
        parts,
        LabelSet(rules.labels),
        mapping=rules.mapping.targets,
        left_out=rules.left_out,
    )
    return Frozen(manifest, project.gold_revision)


def held_out_roles(parts: Mapping[str, set[str]]) -> dict[str, Part]:
    """The held-out part of each group that has one; should it have two, the most secret wins."""
    order = (Part.TEST, Part.CERTIFY, Part.GATE, Part.DEV)
    roles = {}
    for group_key, named in parts.items():
        part = next((part for part in order if part in named), None)
        if part is not None:
            roles[group_key] = part
    return roles


def kept_apart(
    part: Part, documents: Iterable[GoldDocument], held_out: dict[str, str]
) -> Iterator[GoldDocument]:
    """Gold is never trained on and tested on: no duplicate group stands in two parts.

    `held_out` is where the groups of the parts before this one stood; training comes last.
    """
    for document in documents:
        before = held_out.get(document.group, part)
        assert before == part, (
            f"{part} {document.id} and a duplicate in {before} are both in the snapshot"
        )
        if part != Part.TRAIN:
            held_out[document.group] = part
        yield document


def _roles(session: Session, project: Project, near: Mapping[str, int]) -> dict[str, Part]:
    """The held-out part of each group that has one, near copies together, by split key."""
    named: dict[str, set[str]] = defaultdict(set)
    for group_key, parts in runs.group_parts(session, project.id).items():
        named[split_key(group_key, near.get(group_key))] |= parts
    return held_out_roles(named)


def _chosen(
    session: Session, project: Project, near: Mapping[str, int], roles: Mapping[str, Part]
) -> tuple[dict[Part, list[int]], dict[str, str]]:
    """The documents of each part, by the documents' own ids: one of each duplicate group.

    Also the name of the near group of each that is in one: the lowest key of those chosen, which
    is the same in every database that holds the same gold.
    """
    chosen: dict[Part, list[tuple[str, int]]] = {part: [] for part in SNAPSHOT_PARTS}
    nearly: dict[int, str] = {}
    heads = runs.gold_heads(session, project.id)
    for group_key, group in groupby(heads, key=lambda head: head.group_key):
        near_id = near.get(group_key)
        part = roles.get(split_key(group_key, near_id), Part.TRAIN)
        if part in chosen:
            best = min(group, key=preference)
            if part == Part.TRAIN or best.source != GoldSource.RULE:
                chosen[part].append((best.external_id, best.document_id))
                if near_id is not None:
                    nearly[near_id] = min(group_key, nearly.get(near_id, group_key))
    ids = {part: [number for _, number in sorted(found)] for part, found in chosen.items()}
    return ids, {key: nearly[near_id] for key, near_id in near.items() if near_id in nearly}


def preference(head: runs.GoldHead) -> tuple[int, bool, str]:
    """By what the gold of a duplicate group is chosen: the least counts most."""
    return (SOURCES.index(GoldSource(head.source)), not head.canonical, head.external_id)


def documents_of(
    session: Session, ids: list[int], rules: LabelRules, groups: Mapping[str, str]
) -> Iterator[GoldDocument]:
    """The gold of documents as a training sees it; `groups` names their near groups by key."""
    labels = frozenset(rules.labels)
    for row in runs.gold_rows(session, ids):
        length = len(row.text)
        entities = rules.trained(Entity.from_dict(one, length=length) for one in row.entities)
        missing = rules.not_annotated(row.not_annotated, row.revision, row.source, row.version_name)
        group = groups.get(row.group_key, row.group_key)
        yield GoldDocument(row.external_id, group, row.text, entities, missing & labels)
