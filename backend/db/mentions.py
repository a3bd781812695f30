"""Questions about the strings that gold holds, answered from the table that a job keeps up.

What is told is gold as it was when the job last looked: seconds ago. What has no gold any more is
gone at once (see `forget_mentions`). Gold that a rule made of a version's own words, and that of
copies, is not read: it would be no evidence.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from backend.db.bulk import insert_rows, is_one_of, new_ids
from backend.db.tables import Document, Project
from backend.db.tables_of_evidence import Mention, MentionForm, MentionGram, MentionMark


class NewMention(NamedTuple):
    """An entity of a document's gold, by the form of its string."""

    form: str
    label: str
    document_id: int
    start: int
    stop: int


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
    grams: Mapping[str, Collection[str]],
) -> None:
    """Give documents these mentions in place of those they had; the project's row must be held.

    `grams` are those of every form; rows of a document with the same form, label and start are one.
    """
    forget_mentions(session, document_ids)
    known = _forms(session, project_id, grams)
    fresh = sorted(grams.keys() - known.keys())
    numbers = dict(zip(fresh, new_ids(session, MentionForm, len(fresh)), strict=True))
    insert_rows(
        session,
        MentionForm,
        ("id", "project_id", "form"),
        [(number, project_id, form) for form, number in numbers.items()],
    )
    insert_rows(
        session,
        MentionGram,
        ("project_id", "gram", "form_id"),
        sorted(
            (project_id, gram, number) for form, number in numbers.items() for gram in grams[form]
        ),
    )
    known |= numbers
    rows = {(known[one.form], one.label, one.document_id, one.start): one.stop for one in mentions}
    columns = ("form_id", "label", "document_id", "start", "stop")
    insert_rows(session, Mention, columns, [(*key, stop) for key, stop in rows.items()])


def forget_mentions(session: Session, document_ids: Collection[int]) -> None:
    """Take a document's mentions away: it has no gold any more, or other gold."""
    its = is_one_of(session, Mention.document_id, document_ids)
    session.connection().execute(delete(Mention).where(its))


def forms_of(session: Session, project_id: int, forms: Collection[str]) -> dict[str, int]:
    """The numbers of those forms that gold holds, or has held."""
    return _forms(session, project_id, forms)


def alike(
    session: Session, project_id: int, grams: Mapping[str, Collection[str]], limit: int
) -> dict[str, list[tuple[int, str]]]:
    """For each form some others by number and form, those that share most of its grams first.

    One query for all: `grams` are those of each form by which it is looked up.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    for form, its in grams.items():
        for gram in its:
            wanted[gram].append(form)
    found: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    rows = session.execute(
        select(MentionGram.gram, MentionGram.form_id).where(
            MentionGram.project_id == project_id, is_one_of(session, MentionGram.gram, wanted)
        )
    )
    for gram, number in rows:
        for form in wanted[gram]:
            found[form][number] += 1
    best = {
        form: sorted(its, key=lambda number: (-its[number], number))[:limit]
        for form, its in found.items()
    }
    ids = {number for its in best.values() for number in its}
    told = session.execute(
        select(MentionForm.id, MentionForm.form).where(is_one_of(session, MentionForm.id, ids))
    )
    names = {number: form for number, form in told}
    return {form: [(one, names[one]) for one in its] for form, its in best.items()}


def label_counts_of(
    session: Session, form_ids: Collection[int], *, without: int
) -> dict[int, dict[str, int]]:
    """How often gold has each label on these forms, but in one document; the commonest first."""
    count = func.count()
    rows = session.execute(
        select(Mention.form_id, Mention.label, count)
        .where(is_one_of(session, Mention.form_id, form_ids), Mention.document_id != without)
        .group_by(Mention.form_id, Mention.label)
        .order_by(count.desc(), Mention.label)
    )
    found: dict[int, dict[str, int]] = {}
    for form, label, number in rows:
        found.setdefault(form, {})[label] = number
    return found


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


def _forms(session: Session, project_id: int, forms: Iterable[str]) -> dict[str, int]:
    rows = session.execute(
        select(MentionForm.form, MentionForm.id).where(
            MentionForm.project_id == project_id,
            is_one_of(session, MentionForm.form, list(forms)),
        )
    )
    return {form: number for form, number in rows}
