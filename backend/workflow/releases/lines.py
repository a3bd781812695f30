"""The lines of a release: gold as it is stored, verified against its text, and its canonical JSON.

Canonical is: these keys in this order, no white space, nothing escaped that need not be. msgspec
checks the types of what it reads and writes the same bytes as orjson, in two thirds of the time.
"""

import zlib
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from typing import Any, Literal

import orjson
from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType, defstruct
from msgspec.json import Decoder, Encoder

from backend.workflow.release import Span

_NONE = "\0"  # in place of labels where there are none


class ReleasedEntity(Struct, gc=False, forbid_unknown_fields=True):
    """An entity as a release has it; gold is stored without its text."""

    start: int
    end: int
    label: str
    text: str = ""


class ReleasedGold(Struct, gc=False):
    """A document as a release has it; `encode` makes its line, without a newline."""

    id: str
    text: str
    entities: list[ReleasedEntity]
    not_annotated: list[str] | UnsetType
    meta: Raw | UnsetType


encode = Encoder().encode


class StoredEntities:
    """Reads gold as nearly all of it is stored: in order, apart, nothing but these labels."""

    def __init__(self, labels: Collection[str]):
        stored: Any = defstruct(
            "StoredEntity",
            [("label", Literal[*sorted(labels), _NONE]), ("text", Literal[""], "")],
            bases=(ReleasedEntity,),
            gc=False,
            forbid_unknown_fields=True,
        )
        self._read: Callable[[str], list[ReleasedEntity]] = Decoder(list[stored]).decode

    def read(self, text: str, stored: str) -> list[ReleasedEntity] | None:
        """The entities with their text; None for what needs a closer look."""
        try:
            entities = self._read(stored)
        except DecodeError:
            return None
        last = 0
        for entity in entities:
            start, end = entity.start, entity.end
            if not last <= start < end:
                return None
            entity.text = text[start:end]
            last = end
        return entities if last <= len(text) else None


def entities_of(text: str, spans: Iterable[Span]) -> list[ReleasedEntity]:
    """Spans of a text as a release has them."""
    return [ReleasedEntity(start, end, label, text[start:end]) for start, end, label in spans]


def own_data(meta: str) -> Raw | UnsetType:
    """A document's own data with its keys in order; many documents have the same, most none."""
    return UNSET if meta == "{}" else _canonical(meta)


def with_crc(line: bytes, beside: bytes) -> bytes:
    """An open line of provenance, closed with the checksum of both lines."""
    return b'%b,"crc":"%08x"}' % (beside, zlib.crc32(beside, zlib.crc32(line)))


@lru_cache(256)
def _canonical(meta: str) -> Raw:
    return Raw(orjson.dumps(orjson.loads(meta), option=orjson.OPT_SORT_KEYS))
