"""Read gold for the strings that it holds, in the order of its changes.

Not at gold's own door (db/gold.py): an import of half a million documents would write five million
rows more under the project's lock, and nothing that decides needs them at that moment. Gold names
its revision, so what was not read yet is found by it, be it one document or all.
"""

from sqlalchemy.orm import Session

from backend.db.differences import GoldToCompare, gold_after
from backend.db.mentions import NewMention, forms_of, mark_of, replace_mentions
from backend.db.tables import Project
from backend.workflow.evidence.mention_forms import form_of, grams_of

CHUNK = 500  # documents a transaction: annotations wait meanwhile
ALL = 2**62  # no document has so high a number


def read_gold(session: Session, project: Project, limit: int = CHUNK) -> int:
    """Read some of the gold that is new or has changed; how many documents, 0 when all is read.

    The project's row must be locked.
    """
    mark = mark_of(session, project.id)
    rows = gold_after(session, project.id, mark.revision, mark.document_id, limit)
    if not rows:
        mark.revision, mark.document_id = project.gold_revision, ALL  # the last took gold away
        return 0
    mentions = [one for row in rows for one in _mentions(row)]
    forms = {one.form for one in mentions}
    known = forms_of(session, project.id, forms)
    fresh = {form: grams_of(form) for form in sorted(forms - known.keys())}
    ids = [row.document.id for row in rows]
    replace_mentions(session, project.id, ids, mentions, known, fresh)
    last = rows[-1].gold
    mark.revision, mark.document_id = last.revision, last.document_id
    return len(rows)


def _mentions(row: GoldToCompare) -> list[NewMention]:
    text, number = row.document.text, row.document.id
    found = []
    for one in row.gold.entities:
        start, stop = one["start"], one["end"]
        found.append(NewMention(form_of(text[start:stop]), one["label"], number, start, stop))
    return found
