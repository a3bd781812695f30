"""From a frozen snapshot to what the trainer reads."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument, Manifest, read_part
from ml_backend.tagger.heads.scheduling import first_conflict
from ml_backend.tagger.windows import WINDOW

LEAST_DEV = 20  # dev documents below which a tenth of train is held out instead


class TrainingDataError(Exception):
    """Gold that nothing can be trained from; the message says which document and why."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text, or a piece of a long one, and its gold."""

    text: str
    entities: list[Entity]
    missing: frozenset[str] = frozenset()  # labels that were not annotated
    weight: float = 1.0  # of its loss
    group: str = ""  # shared by its document's duplicates
    document: str = ""  # its document's id
    start: int = 0  # where it begins in its document


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What is learned from and what the best weights are chosen on."""

    labels: LabelSet
    train: list[Example]
    dev: list[GoldDocument]
    documents: int  # that train came from
    mapping: Mapping[str, str] = field(default_factory=dict)  # what labels were called → are now


def load(
    snapshot: Path, manifest: Manifest, *, nested: bool = False, pseudo_weight: float = 1.0
) -> TrainingData:
    """Read the train, dev and pseudo parts of a snapshot; raises TrainingDataError as below."""
    train, dev, pseudo = (_part(snapshot, manifest, part) for part in ("train", "dev", "pseudo"))
    data = from_documents(
        train, dev, manifest.labels, nested=nested, pseudo=pseudo, pseudo_weight=pseudo_weight
    )
    return replace(data, mapping=manifest.mapping)


def from_documents(
    train: Sequence[GoldDocument],
    dev: Sequence[GoldDocument],
    labels: LabelSet,
    *,
    nested: bool = False,
    pseudo: Sequence[GoldDocument] = (),
    pseudo_weight: float = 1.0,
) -> TrainingData:
    """What a training reads; raises TrainingDataError for gold that cannot be learned from.

    With too small a dev part, a tenth of train by group is set aside in its place, so that what
    is chosen on was never trained on. Entities may overlap only if `nested`.

    `pseudo` documents, which a tagger labelled, are learned from with their weight, but for copies
    of what is in train or dev.
    """
    for document in (*train, *dev, *pseudo):
        _check(document, labels, nested)
    train, dev = list(train), list(dev)
    if len(dev) < LEAST_DEV:
        kept = [document for document in train if not _held_out(document.group)]
        held_out = [document for document in train if _held_out(document.group)]
        if kept and held_out:
            train, dev = kept, dev + held_out
    examples = [piece for document in train for piece in _pieces(document)]
    if not examples:
        raise TrainingDataError("there is no text to train on")
    if not any(example.entities for example in examples):
        raise TrainingDataError("no document to train on holds an entity")
    known = {document.group for document in (*train, *dev)}
    guessed = [document for document in pseudo if document.group not in known]
    examples += [piece for document in guessed for piece in _pieces(document, pseudo_weight)]
    return TrainingData(labels, examples, dev or train, len(train) + len(guessed))


def _part(snapshot: Path, manifest: Manifest, part: str) -> list[GoldDocument]:
    return list(read_part(snapshot, part)) if part in manifest.files else []


def _check(document: GoldDocument, labels: LabelSet, nested: bool) -> None:
    conflict = first_conflict(document.entities, nested=nested)
    if conflict is not None:
        raise TrainingDataError(
            f"document {document.id}: {conflict[0].key} and {conflict[1].key} cannot both be"
        )
    for entity in document.entities:
        if entity.label not in labels:
            raise TrainingDataError(
                f"document {document.id}: label {entity.label!r} is not in the label set"
            )


def _held_out(group: str) -> bool:
    return hashlib.sha256(f"dev {group}".encode()).digest()[0] < 26


def _pieces(document: GoldDocument, weight: float = 1.0) -> Iterator[Example]:
    """The document in pieces of about a window, none of which cuts an entity."""
    text, entities, start = document.text, document.entities, 0
    while start < len(text):
        end = _cut(text, entities, start)
        inside = [e for e in entities if start <= e.start < end]
        moved = [Entity(e.start - start, e.end - start, e.label) for e in inside]
        yield Example(
            text[start:end],
            moved,
            document.missing,
            weight,
            group=document.group,
            document=document.id,
            start=start,
        )
        start = end


def _cut(text: str, entities: Sequence[Entity], start: int) -> int:
    """Where the piece that begins at `start` ends: after white space if there is some."""
    end = start + WINDOW
    if end >= len(text):
        return len(text)
    barred = {place for e in entities for place in range(max(e.start + 1, start), e.end)}
    free = [place for place in range(start + WINDOW // 2, end + 1) if place not in barred]
    spaced = [place for place in free if text[place - 1].isspace()]
    if spaced or free:
        return (spaced or free)[-1]
    return max(e.end for e in entities if e.start < end)
