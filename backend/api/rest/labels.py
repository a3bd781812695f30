"""Labels: their balance, what would change, new names, merges, and new labels."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from backend.api.rest.asking import asked_by
from backend.api.rest.fields import Json, Key, Page, Paged, Sentence, Strict, Told, Word, page
from backend.api.rest.operation import Operations
from backend.db.label_mappings import newest_mappings
from backend.db.projects import project_by_key
from backend.db.versions import locked_project
from backend.loop.add_labels import add_labels
from backend.opened import opened
from backend.workflow.labels import map_labels
from backend.workflow.labels.balance import Balance
from backend.workflow.labels.balance import balance as balance_of
from backend.workflow.labels.what_if import WhatIf
from backend.workflow.labels.what_if import what_if as foresee

labels = Operations("Labels")


class Pair(Strict):
    """A label, and what it becomes."""

    label: Word
    into: Word


class Thought(Strict):
    """What to think changed; merges are thought done before new names."""

    min_support: Annotated[int | None, Field(ge=0, le=10**9)] = None
    merges: Annotated[tuple[Pair, ...], Field(max_length=200)] = ()
    renames: Annotated[tuple[Pair, ...], Field(max_length=200)] = ()


class Mapping(Pair):
    """One label's change; `reason` is kept with it."""

    reason: Sentence = ""


class Restored(Strict):
    """An earlier mapping to put in force again."""

    number: Annotated[int, Field(ge=0, le=10**9, description="0 maps nothing")]
    reason: Sentence = ""


class MappingTold(Told):
    """A version of what labels become in training and releases; gold keeps its own."""

    number: int
    mapping: Json
    names: Json
    made_by: str
    reason: str
    created_at: datetime


class NewLabels(Strict):
    """Labels to add."""

    labels: Annotated[list[Word], Field(min_length=1, max_length=200)]


class Labels(Told):
    """Labels that were added."""

    labels: list[str]


@labels.get("/projects/{key}/labels")
def label_balance(key: Key) -> Balance:
    """Each label's gold, corrections, predictions and autolabels, and what it is trained as."""
    with opened().database.read() as session:
        return balance_of(session, project_by_key(session, key))


@labels.post("/projects/{key}/labels", status=201)
def add(key: Key, body: NewLabels) -> Labels:
    """Add labels, in Label Studio too; all gold of before says nothing of them."""
    return Labels(labels=add_labels(opened(), key, body.labels, by=asked_by()))


@labels.post("/projects/{key}/labels/what-if")
def what_if(key: Key, body: Thought) -> WhatIf:
    """What a minimum support, merges and new names would change; changes nothing."""
    with opened().database.read() as session:
        return foresee(
            session,
            project_by_key(session, key),
            min_support=body.min_support,
            merges=[(one.label, one.into) for one in body.merges],
            renames=[(one.label, one.into) for one in body.renames],
        )


@labels.get("/projects/{key}/mappings")
def list_mappings(key: Key, query: Paged) -> Page[MappingTold]:
    """Every version of the mapping, the newest first; the first is in force."""
    with opened().database.read() as session:
        number = project_by_key(session, key).id
        found = newest_mappings(session, number, query.limit + 1, before=query.start)
        return page(found, query.limit, key=lambda one: one.number, told=MappingTold.model_validate)


@labels.post("/projects/{key}/labels/rename", status=201)
def rename_label(key: Key, body: Mapping) -> MappingTold:
    """Call a label otherwise in training and releases; gold and Label Studio keep its name."""
    with opened().database.write() as session:
        held = locked_project(session, project_by_key(session, key).id)
        made = map_labels.rename(
            session, held, body.label, body.into, by=asked_by(), reason=body.reason
        )
        return MappingTold.model_validate(made)


@labels.post("/projects/{key}/labels/merge", status=201)
def merge_label(key: Key, body: Mapping) -> MappingTold:
    """Make a label a part of another in training and releases; gold keeps it."""
    with opened().database.write() as session:
        held = locked_project(session, project_by_key(session, key).id)
        made = map_labels.merge(
            session, held, body.label, body.into, by=asked_by(), reason=body.reason
        )
        return MappingTold.model_validate(made)


@labels.post("/projects/{key}/mappings/restore", status=201)
def restore_mapping(key: Key, body: Restored) -> MappingTold:
    """Put an earlier mapping in force again, as a new version."""
    with opened().database.write() as session:
        held = locked_project(session, project_by_key(session, key).id)
        made = map_labels.restore(session, held, body.number, by=asked_by(), reason=body.reason)
        return MappingTold.model_validate(made)
