"""Stage 1: documents from files, each text kept exactly, every refused line told.

Reading and checking happen outside any transaction (ready_documents.py); one transaction holds
the writing of one chunk, so that annotators' events never wait long for the database.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import Text, bindparam, cast, select, update
from sqlalchemy.orm import Session

from backend.db.bulk import insert_rows, is_one_of, looked_up, new_ids
from backend.db.document_counts import add_states, state
from backend.db.gold import FirstGold, NewGold, put_first_gold, put_gold
from backend.db.projects import settings_of
from backend.db.tables import Document, Gold, GoldSource, Project, now
from backend.db.versions import locked_project
from backend.workflow.dedupe import copies_changed
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.formats.naming import name_apart
from backend.workflow.imports.groups import (
    GoldAs,
    Groups,
    New,
    Place,
    Role,
    groups_of,
    places_of,
    roles_of,
)
from backend.workflow.imports.present import Present
from backend.workflow.imports.ready_documents import ReadyDocument
from backend.workflow.imports.report import ImportReport


def import_lines(
    session: Session,
    project_id: int,
    ready: Sequence[ReadyDocument],
    gold: GoldAs | None,
    *,
    casefold: bool = False,
    present: Present | None = None,
) -> ImportReport:
    """Write one chunk; documents that are there already are left as they are.

    With `gold`, entities become imported gold of documents that have none: "train" sets their
    duplicate group aside for training, "random" says that they were drawn at random and may
    judge models, their part decided by hash. A group that has a role keeps it. All the refused
    lines of a chunk are in its report. A text without an id to which a file has given other gold
    before is a document of its own, a copy: the two annotations are a conflict. A document with an
    id keeps its gold, and the report counts it. `casefold` says how the chunk's keys were made:
    they are made anew when the project has been set otherwise since. `present` goes through all
    chunks of an import, whose transactions must not be tried twice.
    """
    present = present or Present()
    project = locked_project(session, project_id)
    in_force = settings_of(project).casefold
    if in_force != casefold:
        ready = [one._replace(group_key=group_key(one.text, in_force)) for one in ready]
    report = ImportReport()
    ids = new_ids(session, Document, len(ready))
    present.catch_up(session, project, ids)
    known = _known(session, project_id, present, ready)
    if gold is not None and (apart := _told_apart(ready, known)):
        ready = [apart.get(one.external_id, one) for one in ready]
        known |= _known(session, project_id, present, apart.values())
    fresh: dict[str, ReadyDocument] = {}
    wanting_gold: dict[str, ReadyDocument] = {}
    report.notes = [str(one.refuse(one.note)) for one in ready if one.note]
    for document in ready:
        name = document.external_id
        there = known.get(name) or fresh.get(name)
        if there is None:
            fresh[name] = document
        elif there.text != document.text:
            reason = f"id {name!r} is already that of another text"
            report.refused.append(document.refuse(reason))
            continue
        else:
            report.already_there += 1
        if document.entities is not None:
            if gold is None:
                report.entities_unused += 1
            elif name in wanting_gold:
                report.other_gold += _differ(wanting_gold[name].entities, document.entities)
            elif isinstance(there, _Known) and there.has_gold:
                report.other_gold += _differ(there.entities, document.entities)
            else:
                wanting_gold[name] = document
    touched = [*fresh.values(), *wanting_gold.values()]
    keys = {document.group_key for document in touched}
    groups = groups_of(session, project_id, present.among(keys))
    roles = roles_of(session, project_id, groups, wanting_gold.values(), gold)
    if wanting_gold:
        project.gold_revision += 1
    used = ids[len(ids) - len(fresh) :]  # the last ones, so that the next chunk's follow them
    report.copies = _insert(session, project, used, fresh, groups, roles, wanting_gold)
    present.add(used, fresh.values())
    if report.copies:
        copies_changed(project)
    _give_gold(session, project, wanting_gold, known)
    report.added, report.with_gold = len(fresh), len(wanting_gold)
    report.refused_lines = len(report.refused)
    return report


class _Known(NamedTuple):
    """A document that is there; `entities` is its gold as JSON."""

    id: int
    text: str
    source: str | None
    entities: str | None

    @property
    def has_gold(self) -> bool:
        """What a file brings stands above its original's gold, and above what a rule made gold."""
        return self.source not in (None, GoldSource.COPIED, GoldSource.RULE)


_THERE = (
    select(Document.external_id, Document.id, Document.text, Gold.source, cast(Gold.entities, Text))
    .outerjoin(Gold, Gold.document_id == Document.id)
    .where(Document.project_id == bindparam("project"))
)


def _known(
    session: Session, project_id: int, present: Present, ready: Iterable[ReadyDocument]
) -> dict[str, _Known]:
    names = present.among([one.external_id for one in ready])
    rows = looked_up(session, _THERE, Document.external_id, names, project=project_id)
    return {row[0]: _Known(*row[1:]) for row in rows}


def _told_apart(
    ready: Iterable[ReadyDocument], known: Mapping[str, _Known]
) -> dict[str, ReadyDocument]:
    """By their names, the documents without an id that a file has annotated otherwise before."""
    return {
        name: one._replace(external_id=name_apart(name, one.entities.encode()))
        for one in ready
        if not one.named
        and one.entities is not None
        and (there := known.get(name := one.external_id)) is not None
        and there.source == GoldSource.IMPORTED
        and _differ(there.entities, one.entities)
    }


def _differ(entities: str | None, others: str | None) -> bool:
    """Whether two documents of one text have other gold; None says nothing of it."""
    if entities is None or others is None or entities == others:
        return False
    return bool(orjson.loads(entities) != orjson.loads(others))


_COLUMNS = (
    "id",
    "project_id",
    "external_id",
    "text",
    "meta",
    "file",
    "group_key",
    "canonical_id",
    "deduped",
    "not_annotated",
    "arm",
    "part",
    "created_at",
)


def _insert(
    session: Session,
    project: Project,
    ids: Sequence[int],
    fresh: Mapping[str, ReadyDocument],
    groups: Groups,
    roles: Mapping[str, Role],
    with_gold: Mapping[str, ReadyDocument],
) -> int:
    """Insert documents with the roles and the places of their groups, and the gold that they get;
    how many are copies.
    """
    new, gold = [], []
    for number, (name, document) in zip(ids, fresh.items(), strict=True):
        source = with_gold.get(name)
        entities = None if source is None else source.entities
        new.append(New(number, document.group_key, document.text, entities))
        if source is not None and entities is not None:
            gold.append(FirstGold(number, entities, source.labels))
    places = list(places_of(groups, new, settings_of(project).casefold))
    project_id, created_at, no_role = project.id, now(), (None, None)
    rows = [
        (
            number,
            project_id,
            name,
            document.text,
            orjson.Fragment(document.meta),
            document.file,
            document.group_key,
            place.canonical_id,
            place.sure,
            with_gold[name].not_annotated if name in with_gold else None,
            *roles.get(document.group_key, no_role),
            created_at,
        )
        for number, (name, document), place in zip(ids, fresh.items(), places, strict=True)
    ]
    insert_rows(session, Document, _COLUMNS, rows)
    put_first_gold(session, project, GoldSource.IMPORTED, gold)
    copies = sum(place.canonical_id is not None for place in places)
    add_states(session, project_id, Counter(map(_state, new, places)))
    return copies


def _state(new: New, place: Place) -> str:
    source = None if new.entities is None else GoldSource.IMPORTED
    return state(place.canonical_id, source, None, deduped=place.sure)


def _give_gold(
    session: Session,
    project: Project,
    wanting_gold: Mapping[str, ReadyDocument],
    known: Mapping[str, _Known],
) -> None:
    """Give documents that were there already their gold."""
    revision, updated_at = project.gold_revision, now()
    rows: list[NewGold] = []
    told: dict[tuple[str, tuple[str, ...] | None], list[int]] = {}
    for name in known.keys() & wanting_gold.keys():
        document, number = wanting_gold[name], known[name].id
        entities = orjson.loads(document.entities or "[]")
        rows.append(NewGold(number, entities, GoldSource.IMPORTED, revision, updated_at))
        lacking = tuple(document.not_annotated) if document.not_annotated else None
        told.setdefault((document.file, lacking), []).append(number)
    put_gold(session, project, rows)
    for (file, lacking), its in told.items():
        # a copy that brings gold may become the canonical one: let dedupe look again
        session.execute(
            update(Document)
            .where(is_one_of(session, Document.id, its))
            .values(deduped=False, file=file, not_annotated=lacking and list(lacking))
        )
