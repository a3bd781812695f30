"""Prove that a release is what it says, from its files alone: every fault by file, line, document.

Every byte is held by the manifest's hashes, the manifest's own by its seal, and every line by its
checksum; each entity is compared with its text, the counts are made again, the digest is rebuilt,
and duplicates (by the normal form, computed anew) are looked for across the splits.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson

from backend.errors import GoldloopError, InvalidInputError
from backend.workflow.duplicates.normal_form import normal_form
from backend.workflow.release import ReleaseError, spans
from backend.workflow.releases.card import card_of
from backend.workflow.releases.content import SPLITS, gold_file, provenance_file
from backend.workflow.releases.counts import SplitCounts
from backend.workflow.releases.manifest import (
    MANIFEST,
    Manifest,
    digest_of,
    is_sealed,
    read_manifest,
)
from backend.workflow.releases.near_leaks import NearLeaks, Place

CARD = "card.json"
MOST_FAULTS = 1000  # kept; the others are counted

_UNREADABLE = (ArithmeticError, AttributeError, GoldloopError, LookupError, TypeError, ValueError)

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: a file, a line of it, the document there."""

    file: str
    reason: str
    line: int | None = None
    document: str | None = None

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        what = "" if self.document is None else f" document {self.document!r}:"
        return f"{where}:{what} {self.reason}"


@dataclass(slots=True)
class Verified:
    """What was found; `faults` holds the first of them, `wrong` is how many there are."""

    digest: str = ""
    documents: int = 0
    entities: int = 0
    faults: list[Fault] = field(default_factory=list)
    wrong: int = 0

    def add(self, fault: Fault) -> None:
        """Take note of a fault."""
        self.wrong += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)


def verify_files(
    folder: Path, *, near: bool = True, advance: Advance = lambda documents: None
) -> Verified:
    """Verify a release's folder; `near` looks for near copies across the splits, too."""
    found = Verified()
    try:
        manifest = read_manifest(folder)
    except InvalidInputError as error:
        found.add(Fault(MANIFEST, str(error)))
        return found
    if is_sealed(folder, manifest):
        _prove(folder, manifest, found, near=near, advance=advance)
        return found
    found.add(Fault(MANIFEST, "was changed: it is not what its seal says"))
    with suppress(*_UNREADABLE):  # what can still be read of it is held against the files
        _prove(folder, manifest, found, near=near, advance=advance)
    return found


def _prove(
    folder: Path, manifest: Manifest, found: Verified, *, near: bool, advance: Advance
) -> None:
    hashes = _check_files(folder, manifest, found)
    duplicates = manifest["duplicates"]
    leaks = NearLeaks(**duplicates) if near else None
    seen: dict[bytes, Place] = {}
    for split in SPLITS:
        if gold_file(split) not in hashes:
            continue
        counts = SplitCounts()
        for document in _documents(folder, split, manifest, found):
            counts.add([tuple([entity["label"] for entity in document.record["entities"]])])
            form = normal_form(document.record["text"], duplicates["casefold"])
            key = hashlib.sha256(form.encode()).digest()[:16]
            first = seen.setdefault(key, document.place)
            if first.split != split:
                found.add(_leak(document.place, first, "a copy of"))
            elif first is document.place and leaks is not None:
                leaks.add(document.record["text"], document.place)
            advance(1)
        counts.sum_up()
        found.documents += counts.documents
        found.entities += counts.entities
        for name, number in counts.to_dict().items():
            stated = manifest["splits"][split].get(name)
            if stated != number:
                reason = f"says {name} of {split} is {stated}; its file has {number}"
                found.add(Fault(MANIFEST, reason))
    if leaks is not None:
        for one, other in leaks.found():
            found.add(_leak(one, other, "nearly a copy of"))
    _check_card(folder, manifest, found)
    _check_digest(manifest, hashes, found)


@dataclass(frozen=True, slots=True)
class _Document:
    place: Place
    record: dict[str, Any]


def _check_files(folder: Path, manifest: Manifest, found: Verified) -> dict[str, str]:
    """The SHA-256 of the files that are there; those that are not what they should be are told."""
    files = manifest["files"]
    there = {path.name for path in folder.iterdir()} - {MANIFEST}
    for name in sorted(there - files.keys()):
        found.add(Fault(name, "is not in the manifest"))
    hashes = {}
    for name, its in files.items():
        if name not in there:
            found.add(Fault(name, "is missing"))
            continue
        with (folder / name).open("rb") as file:
            hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
        if hashes[name] != its["sha256"]:
            found.add(Fault(name, f"is not what the manifest says: SHA-256 {hashes[name]}"))
    return hashes


def _check_card(folder: Path, manifest: Manifest, found: Verified) -> None:
    """The card was made of the manifest, and is itself held by its hash there."""
    try:
        said = orjson.loads((folder / CARD).read_bytes())
        agree = said == orjson.loads(orjson.dumps(card_of(manifest)))
    except FileNotFoundError:
        return  # told already
    except (KeyError, TypeError, ValueError, AttributeError):
        agree = False
    if not agree:
        found.add(Fault(MANIFEST, "does not say what card.json says"))


def _documents(
    folder: Path, split: str, manifest: Manifest, found: Verified
) -> Iterator[_Document]:
    """The documents of a split that can be read, each checked by itself."""
    name, beside = gold_file(split), folder / provenance_file(split)
    labels = set(manifest["labels"])
    last = b""
    with (folder / name).open("rb") as file, _opened(beside) as provenance:
        for number, (line, its) in enumerate(zip_longest(file, provenance, fillvalue=b""), 1):
            try:
                record = orjson.loads(line)
                stored = spans(record["id"], record["text"], record["entities"])
            except orjson.JSONDecodeError as error:
                found.add(Fault(name, f"not JSON: {error}", number, _id_of(its)))
                continue
            except ReleaseError as error:
                found.add(Fault(name, error.reason, number, error.document))
                continue
            except (KeyError, TypeError, AttributeError) as error:
                found.add(Fault(name, f"not a document: {error!r}", number, _id_of(its)))
                continue
            for reason in _wrong(
                line, its, last, record, {label for _, _, label in stored} - labels
            ):
                found.add(Fault(name, reason, number, record["id"]))
            last = line
            yield _Document(Place(split, number, record["id"]), record)


def _wrong(
    line: bytes, its: bytes, last: bytes, record: dict[str, Any], unknown: set[str]
) -> Iterator[str]:
    if line <= last:
        yield "not in order, or there twice"
    if unknown:
        yield f"labels that are not in the label set: {', '.join(sorted(unknown))}"
    if any("text" not in entity for entity in record["entities"]):
        yield "an entity does not state its text"
    body, comma, rest = its.rpartition(b',"crc":"')
    if not comma:
        yield "no provenance beside it"
    elif rest != b'%08x"}\n' % zlib.crc32(body, zlib.crc32(line.removesuffix(b"\n"))):
        yield "the line or its provenance was changed: the checksum of both is another"
    elif _id_of(its) != record["id"]:
        yield f"the provenance beside it is that of {_id_of(its)!r}"


def _check_digest(manifest: Manifest, hashes: dict[str, str], found: Verified) -> None:
    if all(gold_file(split) in hashes for split in SPLITS):
        found.digest = digest_of(manifest["labels"], hashes)
        if found.digest != manifest["digest"]:
            reason = f"says the digest is {manifest['digest']}; the files give {found.digest}"
            found.add(Fault(MANIFEST, reason))


def _leak(place: Place, other: Place, what: str) -> Fault:
    where = f"{gold_file(other.split)}:{other.line} document {other.document!r}"
    reason = f"{what} {where}: a group straddles {other.split} and {place.split}"
    return Fault(gold_file(place.split), reason, place.line, place.document)


def _id_of(provenance: bytes) -> str | None:
    try:
        return str(orjson.loads(provenance)["id"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _opened(path: Path) -> Any:
    return path.open("rb") if path.exists() else Path("/dev/null").open("rb")
