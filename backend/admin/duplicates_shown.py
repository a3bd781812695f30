"""Groups of copies as the page shows them: readings side by side, members, what was decided."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import ngettext

from backend.admin.charts.coloured import Piece, Shown, around, coloured
from backend.admin.words.words import word
from backend.db.claims import Claim
from backend.db.duplicates import Member
from backend.workflow.duplicates.conflicts import Conflict
from backend.workflow.duplicates.normal_form import ProjectionError, project_entities
from backend.workflow.gold.side_by_side import Reading, Side, side_by_side
from ml_backend.contract.entity import Entity, read_entities

LONG = 600  # characters of a text from which on only what is around its differences is shown
MARGIN = 120  # characters around them


@dataclass(frozen=True, slots=True)
class ShownVariant:
    """One reading: its number, who gave it, and its text beside the first one's."""

    number: int
    documents: list[str]
    who: str
    votes: str
    text: list[str | Piece]
    first_text: list[str | Piece]  # the first variant's, with what differs from this one
    differences: set[str]


@dataclass(frozen=True, slots=True)
class Choice:
    """An entity that one of the readings has, for putting a decision together."""

    value: str
    surface: str
    label: str
    votes: int
    checked: bool


@dataclass(frozen=True, slots=True)
class ShownMember:
    """A document of the group, with what its text has and the one asked for has not."""

    member: Member
    text: list[str | Piece]


def shown_variants(conflict: Conflict, labels: Sequence[str], casefold: bool) -> list[ShownVariant]:
    """Every variant, beside the first; the first stands beside itself, unmarked."""
    first = _reading(conflict.variants[0].first)
    shown = []
    for number, variant in enumerate(conflict.variants, start=1):
        left, right = side_by_side(first, _reading(variant.first), casefold)
        within = [_range(side) for side in (left, right)]
        shown.append(
            ShownVariant(
                number,
                variant.documents,
                ", ".join(map(word, variant.who)),
                ngettext("%(num)d document", "%(num)d documents", variant.votes),
                _text(right, labels, within[1]),
                _text(left, labels, within[0]),
                {*left.differences.values(), *right.differences.values()},
            )
        )
    return shown


def choices(
    claims: Sequence[Claim], number: int, text: str, casefold: bool
) -> tuple[list[Choice], int]:
    """The entities that exact copies have, in a document's text, and how many found no place there.

    `number` is the document's. What most of them have is checked.
    """
    votes: dict[Entity, int] = {}
    lost = 0
    own = [claim for claim in claims if claim.document_id == number]
    for claim in [*own, *(claim for claim in claims if claim.document_id != number)]:
        for entity in read_entities(claim.entities, claim.text):
            try:
                (its,) = project_entities([entity], claim.text, text, casefold)
            except ProjectionError:
                lost += 1
                continue
            votes[its] = votes.get(its, 0) + 1
    found = [
        Choice(
            f"{one.start}-{one.end}-{one.label}",
            text[one.start : one.end],
            one.label,
            count,
            2 * count > len(claims),
        )
        for one, count in sorted(votes.items(), key=lambda its: its[0].key)
    ]
    return found, lost


def shown_members(members: Sequence[Member], text: str, labels: Sequence[str]) -> list[ShownMember]:
    """Each member with the characters marked that the document asked for has not."""
    reading = Reading(text, ())
    shown = []
    for member in members:
        _, side = side_by_side(reading, Reading(member.text, ()), casefold=False)
        shown.append(ShownMember(member, _text(side, labels, _range(side))))
    return shown


def _reading(claim: Claim) -> Reading:
    return Reading(claim.text, read_entities(claim.entities, claim.text))


def _range(side: Side) -> tuple[int, int]:
    """What of a text is shown: all of a short one, of a long one what is around its differences."""
    text = side.reading.text
    if len(text) <= LONG:
        return 0, len(text)
    its = [(one.start, one.end) for one in side.differences] + side.changed
    return around(text, its or [(0, 1)], MARGIN)


def _text(side: Side, labels: Sequence[str], within: tuple[int, int]) -> list[str | Piece]:
    entities = [
        Shown(one.start, one.end, one.label, side.differences.get(one, ""))
        for one in side.reading.entities
    ]
    return coloured(side.reading.text, entities, labels, changed=side.changed, within=within)
