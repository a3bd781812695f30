"""Questions about the strings that gold holds, answered from the table that a job keeps up.

What is told is gold as it was when the job last looked: seconds ago. What has no gold any more is
gone at once (see `forget_mentions`). Gold that a rule made of a version's own words, and that of
copies, is not read: it would be no evidence.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from heapq import nsmallest
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from backend.db.bulk import insert_rows, is_one_of, new_ids
from backend.db.tables import Document, Gold, Project
from backend.db.tables_of_evidence import Mention, MentionForm, MentionGram, MentionMark


class NewMention(NamedTuple):
    """An entity of a document's gold, by the form of its string."""

    form: str
    label: str
    document_id: int
    start: int
    stop: int


class Counted(NamedTuple):
    """A form, and how often gold has each label on it, the commonest first."""

    id: int
    form: str
    labels: dict[str, int]


class Example(NamedTuple):
    """A mention with the text that it is in."""

    form_id: int
    label: str
    start: int
    stop: int
    document_id: int
    external_id: str
    text: str


def mark_of(session: Session, project_id: int) -> MentionMark:
    """How far a project's gold has been read; the row is made where there is none."""
    mark = session.get(MentionMark, project_id)
    if mark is None:
        mark = MentionMark(project_id=project_id, revision=0, document_id=0)
        session.add(mark)
    return mark


def is_behind(session: Session, project: Project) -> bool:
    """Whether gold has changed since it was read."""
    mark = session.get(MentionMark, project.id)
    return project.gold_revision > (mark.revision if mark is not None else 0)


def replace_mentions(
    session: Session,
    project_id: int,
    document_ids: Collection[int],
    mentions: Sequence[NewMention],
    known: Mapping[str, int],
    fresh: Mapping[str, Collection[str]],
) -> None:
    """Give documents these mentions in place of those they had; the project's row must be held.

    `known` are the numbers of forms that are there, `fresh` the grams of the others. Mentions of a
    document with the same form, label and start are one.
    """
    forget_mentions(session, document_ids)
    numbers = dict(zip(fresh, new_ids(session, MentionForm, len(fresh)), strict=True))
    insert_rows(
        session,
        MentionForm,
        ("id", "project_id", "form"),
        [(number, project_id, form) for form, number in numbers.items()],
    )
    grams = [(project_id, gram, numbers[form]) for form, its in fresh.items() for gram in its]
    insert_rows(session, MentionGram, ("project_id", "gram", "form_id"), sorted(grams))
    ids = {**known, **numbers}
    rows = {(ids[one.form], one.label, one.document_id, one.start): one.stop for one in mentions}
    columns = ("form_id", "label", "document_id", "start", "stop")
    insert_rows(session, Mention, columns, [(*key, stop) for key, stop in rows.items()])


def forget_mentions(session: Session, document_ids: Collection[int]) -> None:
    """Take a document's mentions away: it has no gold any more, or other gold."""
    its = is_one_of(session, Mention.document_id, document_ids)
    session.connection().execute(delete(Mention).where(its))


def forms_of(session: Session, project_id: int, forms: Collection[str]) -> dict[str, int]:
    """The numbers of those forms that gold holds, or has held."""
    rows = session.execute(
        select(MentionForm.form, MentionForm.id).where(
            MentionForm.project_id == project_id, is_one_of(session, MentionForm.form, forms)
        )
    )
    return {form: number for form, number in rows}


def alike(
    session: Session, project_id: int, grams: Mapping[str, Collection[str]], limit: int
) -> dict[str, list[int]]:
    """For each form some others by number, those that share most of its grams first.

    One query for all: `grams` are those of each form by which others are looked up.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    for form, its in grams.items():
        for gram in its:
            wanted[gram].append(form)
    if not wanted:
        return {}
    shared: dict[str, Counter[int]] = {form: Counter() for form in grams}
    rows = session.execute(
        select(MentionGram.gram, MentionGram.form_id).where(
            MentionGram.project_id == project_id, is_one_of(session, MentionGram.gram, wanted)
        )
    )
    of_gram: dict[str, list[int]] = defaultdict(list)
    for gram, number in rows:
        of_gram[gram].append(number)
    for gram, numbers in of_gram.items():
        for form in wanted[gram]:
            shared[form].update(numbers)
    best = {
        form: nsmallest(limit, ((-count, number) for number, count in its.items()))
        for form, its in shared.items()
    }
    return {form: [number for _, number in its] for form, its in best.items()}


def counted_forms(
    session: Session, project_id: int, forms: Collection[str], *, without: int
) -> dict[str, Counted]:
    """How often gold has each label on these forms, but in one document."""
    its = and_(MentionForm.project_id == project_id, is_one_of(session, MentionForm.form, forms))
    return {one.form: one for one in _counted(session, its, without)}


def counted(session: Session, form_ids: Collection[int], *, without: int) -> dict[int, Counted]:
    """The same of forms by their numbers."""
    if not form_ids:
        return {}
    its = is_one_of(session, MentionForm.id, form_ids)
    return {one.id: one for one in _counted(session, its, without)}


class InCopy(NamedTuple):
    """A mention in a group of copies, and when its document's gold last changed."""

    form: str
    label: str
    start: int
    stop: int
    document_id: int
    group_key: str
    near_id: int | None
    updated_at: datetime


def in_copies(
    session: Session,
    project_id: int,
    forms: Collection[str],
    group_keys: Collection[str],
    near_ids: Collection[int],
    since: datetime,
) -> list[InCopy]:
    """Where gold that changed after `since` has these forms in groups of copies, newest first."""
    rows = session.execute(
        select(
            MentionForm.form,
            Mention.label,
            Mention.start,
            Mention.stop,
            Document.id,
            Document.group_key,
            Document.near_id,
            Gold.updated_at,
        )
        .select_from(MentionForm)
        .join(Mention, Mention.form_id == MentionForm.id)
        .join(Document, Document.id == Mention.document_id)
        .join(Gold, Gold.document_id == Document.id)
        .where(
            MentionForm.project_id == project_id,
            is_one_of(session, MentionForm.form, forms),
            or_(
                is_one_of(session, Document.group_key, group_keys),
                is_one_of(session, Document.near_id, near_ids),
            ),
            Gold.updated_at > since,
        )
        .order_by(Gold.updated_at.desc(), Mention.document_id, Mention.start)
    )
    return [InCopy(*row) for row in rows]


def examples(
    session: Session, form_ids: Collection[int], limit: int, *, without: int
) -> dict[int, list[Example]]:
    """The newest mentions of each label of these forms, up to `limit`, but those of one document.

    By form, the newest first.
    """
    order = func.row_number().over(
        partition_by=(Mention.form_id, Mention.label),
        order_by=(Mention.document_id.desc(), Mention.start),
    )
    its = (Mention.form_id, Mention.label, Mention.start, Mention.stop, Mention.document_id)
    ranked = (
        select(*its, order.label("place"))
        .where(is_one_of(session, Mention.form_id, form_ids), Mention.document_id != without)
        .subquery()
    )
    rows = session.execute(
        select(
            ranked.c.form_id,
            ranked.c.label,
            ranked.c.start,
            ranked.c.stop,
            Document.id,
            Document.external_id,
            Document.text,
        )
        .join(Document, Document.id == ranked.c.document_id)
        .where(ranked.c.place <= limit)
        .order_by(Document.id.desc(), ranked.c.start)
    )
    found: dict[int, list[Example]] = {}
    for row in rows:
        found.setdefault(row.form_id, []).append(Example(*row))
    return found


def _counted(session: Session, which: ColumnElement[bool], without: int) -> Iterable[Counted]:
    count = func.count()
    rows = session.execute(
        select(Mention.form_id, MentionForm.form, Mention.label, count)
        .join(MentionForm, MentionForm.id == Mention.form_id)
        .where(which, Mention.document_id != without)
        .group_by(Mention.form_id, MentionForm.form, Mention.label)
        .order_by(count.desc(), Mention.label)
    )
    found: dict[int, Counted] = {}
    for number, form, label, times in rows:
        found.setdefault(number, Counted(number, form, {})).labels[label] = times
    return found.values()
