"""Conflicts: copies that were labelled differently, and what exactly differs.

Among exact copies whatever differs in the offsets of the normal form is a conflict; so is what
several people submitted for one document without agreeing, which leaves it without gold.

Near copies differ in their text, so only what they share is held against each other: their normal
forms are aligned, and an entity counts when it lies inside one piece that is the same in both. One
that touches a difference is left out, with whatever it overlaps in the other text.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import Levenshtein
from sqlalchemy.orm import Session

from backend.db.claims import Claim, exact_claims, near_claims
from backend.db.projects import settings_of
from backend.db.tables import GoldSource, Project
from backend.workflow.correct import changes
from backend.workflow.duplicates.normal_form import normal_entities, normal_form
from ml_backend.contract.entity import Entity

_BEST_FIRST = (GoldSource.DECISION, GoldSource.PERSON, GoldSource.IMPORTED, GoldSource.RULE)

Said = frozenset[Entity]  # in the offsets of a normal form
Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One entity in which a variant differs from the first: what became of it, and its surface."""

    kind: str  # added, removed, moved, relabelled
    before: str | None  # `surface/label`
    after: str | None
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which the copies were labelled: by whom, where, and against the first way."""

    documents: list[str]
    who: list[str]  # addresses, or the source where nobody is known
    votes: int
    entities: list[dict[str, Any]]  # as its first document has them
    differences: list[Difference]
    claims: Sequence[Claim]

    @property
    def first(self) -> Claim:
        """That of its first document."""
        return self.claims[0]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A group of copies with several variants, the one with most votes first.

    `majority` says whether it has more votes than any other. The name and text are those of the
    first variant's first document.
    """

    kind: str  # exact, near
    name: str
    text: str
    majority: bool
    variants: list[Variant]

    @property
    def subject(self) -> str:
        """What names the group: an exact one's key, or `near` and its number."""
        its = self.variants[0].first
        return its.group_key if self.kind == "exact" else f"near {its.near_id}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "kind": self.kind,
            "document": self.name,
            "text": self.text,
            "majority": self.majority,
            "variants": [
                {
                    "documents": variant.documents,
                    "annotators": variant.who,
                    "votes": variant.votes,
                    "entities": variant.entities,
                    "differences": [
                        {"kind": one.kind, "before": one.before, "after": one.after}
                        for one in variant.differences
                    ],
                }
                for variant in self.variants
            ],
        }


def exact_conflicts(
    session: Session, project: Project, group_keys: Sequence[str] | None = None
) -> Iterator[Conflict]:
    """Conflicts among exact copies, in the order of their keys, which is that of every machine."""
    casefold = settings_of(project).casefold
    for claims in exact_claims(session, project.id, group_keys):
        conflict = conflict_among(claims, casefold)
        if conflict is not None:
            yield conflict


def near_conflicts(
    session: Session, project: Project, near_ids: Sequence[int] | None = None
) -> Iterator[Conflict]:
    """Conflicts among near copies, oldest group first."""
    casefold = settings_of(project).casefold
    for claims in near_claims(session, project.id, near_ids):
        conflict = near_conflict_among(claims, casefold)
        if conflict is not None:
            yield conflict


def conflict_among(claims: Sequence[Claim], casefold: bool) -> Conflict | None:
    """The conflict of an exact group's claims, if there is one."""
    ways: dict[Said, list[Claim]] = defaultdict(list)
    for claim in claims:
        ways[_said(claim, casefold)].append(claim)
    if len(ways) < 2:
        return None
    form = normal_form(claims[0].text, casefold)
    ordered = sorted(ways.items(), key=lambda way: (-len(way[1]), _best(way[1])))
    first = ordered[0][0]
    variants = [_variant(its, _differences(first, said, form, form)) for said, its in ordered]
    return _conflict("exact", variants, ordered[0][1][0])


def near_conflict_among(claims: Sequence[Claim], casefold: bool) -> Conflict | None:
    """The conflict of a near group's claims, if there is one.

    Each exact group speaks with its best claim. All are held against that of the best gold, or
    the oldest; those that differ from it in the same way are one variant.
    """
    groups: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        groups[claim.group_key].append(claim)
    spoken = sorted((min(group, key=_rank) for group in groups.values()), key=_rank)
    reference, others = spoken[0], spoken[1:]
    form, said = normal_form(reference.text, casefold), _said(reference, casefold)
    agreeing = [reference]
    ways: dict[tuple[Said, Said], list[Claim]] = defaultdict(list)
    for other in others:
        ours, theirs = common(form, said, normal_form(other.text, casefold), _said(other, casefold))
        if ours == theirs:
            agreeing.append(other)
        else:
            ways[ours - theirs, theirs - ours].append(other)
    if not ways:
        return None
    variants = [_variant(agreeing, [])]
    for (ours, theirs), its in sorted(ways.items(), key=lambda way: (-len(way[1]), _best(way[1]))):
        variants.append(_variant(its, _differences(ours, theirs, form, form)))
    return _conflict("near", variants, reference)


def common(form: str, said: Said, other_form: str, other_said: Said) -> tuple[Said, Said]:
    """What two near copies say of the text that they share, in the offsets of the first."""
    ours, theirs = shared(form, said, other_form, other_said)
    return ours, frozenset(theirs.values())


def shared(
    form: str, said: Said, other_form: str, other_said: Said
) -> tuple[Said, dict[Entity, Entity]]:
    """The same, with each entity of the other beside what it is in the offsets of the first."""
    blocks = same_pieces(form, other_form)
    whole = {one for one in said if any(s <= one.start and one.end <= e for s, e, _ in blocks)}
    moved: dict[Entity, Entity] = {}
    touching: list[tuple[int, int]] = []  # what the other says across a difference
    for one in other_said:
        for start, end, begins in blocks:
            shift = start - begins
            left, right = max(start, one.start + shift), min(end, one.end + shift)
            if left < right and (left, right) == (one.start + shift, one.end + shift):
                moved[one] = Entity(left, right, one.label)
            elif left < right:
                touching.append((left, right))
    across = [(one.start, one.end) for one in said - whole]
    ours = frozenset(one for one in whole if not _touches(one, touching))
    return ours, {one: its for one, its in moved.items() if not _touches(its, across)}


def same_pieces(text: str, other: str) -> list[tuple[int, int, int]]:
    """What two texts share: start and end in the first, and start in the other."""
    return [
        (block.src_start, block.src_end, block.dest_start)
        for block in Levenshtein.opcodes(text, other)
        if block.tag == "equal"
    ]


def _touches(entity: Entity, spans: Spans) -> bool:
    return any(start < entity.end and entity.start < end for start, end in spans)


def _said(claim: Claim, casefold: bool) -> Said:
    entities = (Entity.from_dict(one, length=len(claim.text)) for one in claim.entities)
    found = normal_entities(entities, claim.text, casefold)
    return frozenset(Entity(start, end, label) for start, end, label in found)


def _rank(claim: Claim) -> tuple[int, int]:
    known = claim.source in _BEST_FIRST
    return (_BEST_FIRST.index(GoldSource(claim.source)) if known else 9, claim.document_id)


def _best(claims: Iterable[Claim]) -> tuple[int, int]:
    return min(map(_rank, claims))


def _differences(before: Said, after: Said, form: str, other_form: str) -> list[Difference]:
    found = changes(sorted(before), sorted(after))

    def told(entity: Entity, text: str) -> str:
        return f"{text[entity.start : entity.end]}/{entity.label}"

    differences = [
        Difference("removed", told(one, form), None, frozenset({one.label}))
        for one in found.removed
    ]
    differences += [
        Difference("added", None, told(one, other_form), frozenset({one.label}))
        for one in found.added
    ]
    for kind, pairs in (("moved", found.moved), ("relabelled", found.relabelled)):
        differences += [
            Difference(
                kind, told(one, form), told(other, other_form), frozenset({one.label, other.label})
            )
            for one, other in pairs
        ]
    return differences


def _variant(claims: Sequence[Claim], differences: list[Difference]) -> Variant:
    return Variant(
        list(dict.fromkeys(claim.name for claim in claims)),
        sorted({claim.who or claim.source for claim in claims}),
        len(claims),
        claims[0].entities,
        differences,
        claims,
    )


def _conflict(kind: str, variants: list[Variant], first: Claim) -> Conflict:
    votes = [variant.votes for variant in variants]
    return Conflict(kind, first.name, first.text, votes[0] > max(votes[1:]), variants)
