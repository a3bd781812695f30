"""The regions of a Label Studio annotation as entities of its text, and back.

A region that can be read in one way only is an entity; every other makes the whole document
refused, because gold with a part left out would look complete. `value.text` is only compared
leniently: Label Studio writes line ends as `\\n` and folds spaces (LABEL_STUDIO.md, 7); what
counts is the slice of the task's text. Results that are no labels of a span (choices, relations)
are kept in the document's `meta`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.workflow.formats.checks import RecordError, checked_entities
from ml_backend.contract.entity import Entity

_TYPES = ("labels", "hypertextlabels")
_FOLDED = re.compile(r"(?:\s|\\[nrt]|[\u200b-\u200d\u2060\ufeff\xa0])+")


def is_region(result: object) -> bool:
    """Whether one result labels a span of a text."""
    if not isinstance(result, dict):
        return False
    value = result.get("value", result)  # JSON_MIN has the value itself
    return result.get("type", "labels") in _TYPES and isinstance(value, dict) and "start" in value


def region_entities(regions: Iterable[Mapping[str, Any]], text: str) -> list[Entity]:
    """The entities of one annotation, in order, each once; raises RecordError."""
    found = {_entity_key(region.get("value", region), text): None for region in regions}
    records = [{"start": start, "end": end, "label": label} for start, end, label in found]
    return checked_entities(records, text) or []


def agreed_entities(annotations: Sequence[list[Entity]]) -> list[Entity]:
    """What several annotations of one task say alike; raises RecordError when they differ."""
    first, *others = annotations
    differing = sorted(set(first).symmetric_difference(*others)) if others else []
    if any(other != first for other in others):
        shown = ", ".join(f"[{one.start}, {one.end}) {one.label!r}" for one in differing[:3])
        raise RecordError(
            f"{len(annotations)} annotations disagree ({shown}): the document is imported without "
            "entities; leave one annotation to take it as gold"
        )
    return first


def _entity_key(value: Mapping[str, Any], text: str) -> tuple[int, int, str]:
    start, end = value.get("start"), value.get("end")
    where = f"region [{start}, {end})"
    labels = value.get("labels", value.get("hypertextlabels"))
    if type(start) is not int or type(end) is not int:
        raise RecordError(f"{where}: start and end must be whole numbers")
    if not isinstance(labels, list) or not labels:
        raise RecordError(f"{where} has no label")
    if len(labels) > 1 or not isinstance(labels[0], str):
        raise RecordError(f"{where} has several labels: {labels}")
    if not 0 <= start < end <= len(text):
        raise RecordError(f"{where} is out of range in a text of {len(text)} characters")
    stated, found = value.get("text"), text[start:end]
    if isinstance(stated, str) and _folded(stated) != _folded(found):
        raise RecordError(f"{where} says it is {stated!r}, but the text there is {found!r}")
    return start, end, labels[0]


def _folded(text: str) -> str:
    return _FOLDED.sub("", text)
