"""What the list of the autolabel queue asks for, and how its items are shown."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from backend.admin.charts.coloured import Piece, Shown, coloured
from backend.admin.words.wording import score
from backend.db.autolabel_queue import BY_PEOPLE, OPEN, Reason, Row, Wanted
from backend.db.tables_of_autolabel import Audit, AutolabelState, PromiseState
from backend.loop.autolabel_decisions import Decision

LISTS: Mapping[str, LazyString] = {
    AutolabelState.PENDING: _l("Pending"),
    AutolabelState.BY_RULE: _l("Accepted by rule"),
    AutolabelState.BY_PERSON: _l("Accepted by a person"),
    AutolabelState.REJECTED: _l("Rejected"),
    AutolabelState.SENT: _l("Sent to Label Studio"),
    AutolabelState.RECALLED: _l("Recalled"),
}
AUDITS: Mapping[str, LazyString] = {
    Audit.WRONG: _l("Audit: wrong"),
    Audit.RIGHT: _l("Audit: right"),
    Audit.OPEN: _l("Audit: open"),
}
REASONS: Mapping[Reason, LazyString] = {
    Reason.UNSURE: _l("less sure than promised"),
    Reason.CHANCE: _l("left to chance"),
    Reason.BLIND: _l("labelled blind"),
    Reason.PEOPLE: _l("labelled in Label Studio"),
    Reason.CURATOR: _l("decided here"),
}
PROMISE_STATES: Mapping[str, LazyString] = {
    PromiseState.IN_FORCE: _l("in force"),
    PromiseState.LACKING: _l("lacking gold"),
    PromiseState.STOPPED: _l("stopped"),
    PromiseState.REPLACED: _l("replaced"),
}
DECISIONS: Mapping[str, tuple[Decision, ...]] = {
    AutolabelState.PENDING: (Decision.ACCEPT, Decision.REJECT, Decision.SEND),
    AutolabelState.RECALLED: (Decision.ACCEPT, Decision.REJECT, Decision.SEND),
    AutolabelState.REJECTED: (Decision.ACCEPT, Decision.SEND),
    AutolabelState.BY_RULE: (Decision.REJECT,),
    AutolabelState.BY_PERSON: (Decision.REJECT,),
    AutolabelState.SENT: (),
}


@dataclass(frozen=True, slots=True)
class ShownItem:
    """An item as the page draws it; `people` is what people said of it blind.

    `seen` names the item as it is now: a decision is refused when it has changed since.
    """

    row: Row
    seen: str
    version: str
    text: list[str | Piece]
    people: list[str | Piece] | None
    reason: str
    decisions: tuple[Decision, ...]


def wanted_from(query: Mapping[str, str], threshold: float | None, border: str) -> Wanted:
    """The filters of an address; what it does not say, or says wrongly, is left open."""
    name = query.get("list", AutolabelState.PENDING)
    audit = Audit(name.removeprefix("audit-")) if name in audit_names() else None
    state = AutolabelState(name) if name in LISTS else AutolabelState.PENDING
    reason = query.get("reason", "")
    return Wanted(
        state=None if audit is not None else state,
        audit=audit,
        label=query.get("label", ""),
        least=_share(query.get("least"), 0.0),
        most=_share(query.get("most"), 1.0),
        reason=Reason(reason) if reason in list(Reason) else None,
        surest_first=query.get("order") != "unsure",
        threshold=threshold,
        border=border,
    )


def audit_names() -> list[str]:
    """The lists of audited items, as addresses name them."""
    return [f"audit-{audit}" for audit in AUDITS]


def list_name(wanted: Wanted) -> str:
    """The name of a list, as addresses have it."""
    return f"audit-{wanted.audit}" if wanted.audit is not None else str(wanted.state)


def shown_item(
    row: Row,
    version: str,
    labels: Sequence[str],
    *,
    judging: Collection[int],
    said: str,
    threshold: float | None,
) -> ShownItem:
    """An item; `judging` are documents that only chance may choose, `said` is its last reason."""
    people = None
    differs: dict[tuple[int, int, str], str] = {}
    if row.audit == Audit.WRONG and row.audit_entities is not None:
        differs = _differences(row.entities, row.audit_entities)
        people = coloured(row.text, [_shown(one, differs) for one in row.audit_entities], labels)
    text = coloured(row.text, [_shown(one, differs) for one in row.entities], labels)
    decided = row.changed_by == BY_PEOPLE
    free = row.state not in OPEN or not (row.is_with_people or row.document_id in judging)
    return ShownItem(
        row,
        f"{row.document_id}@{row.changed_at.isoformat()}",
        version,
        text,
        people,
        _reason(row, row.document_id in judging, said, threshold),
        DECISIONS[row.state] if free and not decided else (),
    )


def seen_from(values: Sequence[str]) -> dict[int, datetime]:
    """Documents and when their items had last changed, as forms send them; raises ValueError."""
    found = {}
    for value in values:
        number, _at, time = value.partition("@")
        found[int(number)] = datetime.fromisoformat(time)
        if found[int(number)].tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
    return found


def _differences(
    said: Sequence[Mapping[str, Any]], gold: Sequence[Mapping[str, Any]]
) -> dict[tuple[int, int, str], str]:
    ours, theirs = {_key(one) for one in said}, {_key(one) for one in gold}
    spurious = dict.fromkeys(ours - theirs, "spurious")
    return spurious | dict.fromkeys(theirs - ours, "missed")


def _key(entity: Mapping[str, Any]) -> tuple[int, int, str]:
    return entity["start"], entity["end"], entity["label"]


def _shown(entity: Mapping[str, Any], differs: Mapping[tuple[int, int, str], str]) -> Shown:
    probability = entity.get("probability")
    note = score(probability) if probability is not None else ""
    left_out = "left_out" if entity.get("rejected") else ""
    return Shown(*_key(entity), differs.get(_key(entity), left_out), note)


def _reason(row: Row, judges: bool, said: str, threshold: float | None) -> str:
    told: str = said
    if row.changed_by == BY_PEOPLE and row.audit is not None:
        told = _("People labelled it blind.")
    elif row.changed_by == BY_PEOPLE:
        told = _("People labelled it in Label Studio.")
    elif row.state in OPEN and judges:
        told = _("Only chance may choose it: it may be drawn to judge models.")
    elif row.state in OPEN and row.is_with_people:
        told = _("People have it in Label Studio.")
    elif row.state == AutolabelState.PENDING:
        told = _pending_reason(row, threshold)
    elif row.audit == Audit.OPEN:
        told = _("Drawn for the audit: people label it blind.")
    return told


def _pending_reason(row: Row, threshold: float | None) -> str:
    told: str = _("Sure enough; a person has rejected what an earlier version said.")
    if any(one.get("rejected") for one in row.entities):
        told = _("It suggests again what people have rejected in this text or one like it.")
    elif threshold is None:
        told = _("Nothing is promised of its version now.")
    elif row.confidence < threshold:
        told = _("Less sure than the %(least)s that the promise asks.", least=score(threshold))
    return told


def _share(written: str | None, otherwise: float) -> float:
    try:
        value = float(written or otherwise)
    except ValueError:
        return otherwise
    return value if 0 <= value <= 1 else otherwise
