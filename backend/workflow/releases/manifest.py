"""manifest.json: what a release is and what each of its files holds; written last.

`digest` names the gold: SHA-256 over the label set and the SHA-256 of each split's file, and over
nothing else. The same gold has the same digest on any machine, whenever it was released and
whoever vouches for it. Provenance, card and everything else are held by the hashes in `files`, and
the manifest itself by `seal`, the SHA-256 of all of it that stands before.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from backend.errors import InvalidInputError, NotFoundError
from backend.workflow.releases.content import SPLITS, gold_file

VERSION = 2
SEALED_FROM = 2  # the first version that has a seal
MANIFEST = "manifest.json"
SEAL = "seal"

Manifest = dict[str, Any]

_MADE = ("number", "made_at", "made_by", "note", "licence", "gold_revision")
_READ = ("digest", "labels", "left_out", "mapping", "filters", "duplicates", "splits", "files")
_COPIES = {"casefold", "near_threshold"}
_CARD = ("card.md", "card.json")


def digest_of(labels: Sequence[str], files: Mapping[str, str]) -> str:
    """The name of the gold, hexadecimal; `files` is the SHA-256 of each split's file."""
    content = {
        "goldloop_release": 1,  # of what is digested: the same for the same gold ever since
        "labels": sorted(labels),
        "splits": {split: files[gold_file(split)] for split in SPLITS},
    }
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def sealed(manifest: Manifest) -> bytes:
    """The bytes of a manifest's file, its seal made anew."""
    its = {key: value for key, value in manifest.items() if key != SEAL}
    return _json(its | {SEAL: hashlib.sha256(_json(its)).hexdigest()})


def is_sealed(folder: Path, manifest: Manifest) -> bool:
    """Whether a folder's manifest is to the byte what its seal says; the first had none."""
    if manifest["goldloop_release"] < SEALED_FROM:
        return SEAL not in manifest
    return (folder / MANIFEST).read_bytes() == sealed(manifest)


def write_json(path: Path, content: Mapping[str, Any]) -> bytes:
    """Write an object to a new file, for people to read; returns what was written."""
    written = _json(content)
    with path.open("xb") as file:
        file.write(written)
    return written


def _json(content: Mapping[str, Any]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a release; raises InvalidInputError when there is none that can be read."""
    try:
        manifest: Manifest = orjson.loads((folder / MANIFEST).read_bytes())
        if manifest["goldloop_release"] not in range(1, VERSION + 1):
            raise ValueError(f"it is of version {manifest['goldloop_release']!r}")
        for key in _READ:
            manifest[key]
        if manifest["duplicates"].keys() != _COPIES:
            raise ValueError("it does not say what copies are")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"no release that can be read in {folder}: {error}") from error
    return manifest


def file_of_release(folder: Path, name: str) -> Path:
    """One of a release's files by its name; raises NotFoundError for any other."""
    if name != MANIFEST and name not in read_manifest(folder)["files"]:
        raise NotFoundError("file in the release", name)
    return folder / name


def same_content(one: Manifest, other: Manifest) -> bool:
    """Whether two releases hold the same but for their number, when, by whom and what was said."""
    return _content(one) == _content(other)


def _content(manifest: Manifest) -> Manifest:
    apart = (*_MADE, SEAL, "goldloop_release")
    kept = {key: value for key, value in manifest.items() if key not in apart}
    files = {name: its for name, its in manifest["files"].items() if name not in _CARD}
    return kept | {"files": files}
