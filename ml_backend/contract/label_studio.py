"""Label Studio's own forms: the labelling configuration and the regions of a result.

Both packages need them: serving to answer `/predict`, the backend to import predictions and to
read annotations. Offsets are the same as ours (code points, half-open).
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from defusedxml import ElementTree

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet


class LabelConfigError(ValueError):
    """A labelling configuration without a usable `<Labels>` on a `<Text>`."""


@dataclass(frozen=True, slots=True)
class TextControl:
    """The one `<Labels>` control that labels a `<Text>`, as a configuration names it."""

    from_name: str
    to_name: str
    text_field: str
    labels: LabelSet


def parse_label_config(xml: str) -> TextControl:
    """Find the control that labels text in a Label Studio configuration.

    Names are read from the XML, never assumed. Raises LabelConfigError when the XML is broken,
    when no `<Labels>` points at a `<Text value="$field">`, or when labels are unusable.
    """
    try:
        root = ElementTree.fromstring(xml)
    except Exception as error:  # defusedxml and expat raise several unrelated types
        raise LabelConfigError(f"the labelling configuration is not XML: {error}") from error
    texts = {
        text.get("name"): (text.get("value") or "").lstrip("$")
        for text in root.iter("Text")
        if text.get("name")
    }
    for control in root.iter("Labels"):
        from_name, to_name = control.get("name"), control.get("toName")
        if not from_name or to_name not in texts or not texts[to_name]:
            continue
        # a result holds the alias where there is one, as Label Studio's own parser reads it
        names = [label.get("alias") or label.get("value") or "" for label in control.iter("Label")]
        try:
            labels = LabelSet(tuple(names))
        except ValueError as error:
            raise LabelConfigError(f"<Labels name={from_name!r}>: {error}") from error
        return TextControl(from_name, str(to_name), texts[to_name], labels)
    raise LabelConfigError('no <Labels> whose toName is the name of a <Text value="$field">')


def task_text(data: Mapping[str, Any], control: TextControl) -> str | None:
    """The text of a task's data under this configuration, None when it is not a string."""
    text = data.get(control.text_field)
    return text if isinstance(text, str) else None


def shown_as(mapping: Mapping[str, str], labels: Collection[str]) -> dict[str, str]:
    """What labels that gold's were mapped to are called where only these labels are.

    A target that is one of them stays; for any other the first label stands that became it.
    """
    back: dict[str, str] = {}
    for label, target in mapping.items():
        if target not in labels and label in labels:
            back.setdefault(target, label)
    return back


def to_regions(
    entities: Iterable[Entity],
    text: str,
    control: TextControl,
    mapping: Mapping[str, str] | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """Entities as a Label Studio result, and how many the configuration has no label for.

    `mapping` is the one under which the tagger learned: see `shown_as`. Region ids come from span
    and label, so that the same prediction has the same ids each time and two regions never share
    one.
    """
    regions: list[dict[str, Any]] = []
    left_out = 0
    back = shown_as(mapping or {}, control.labels.labels)
    for entity in entities:
        label = back.get(entity.label, entity.label)
        if label not in control.labels:
            left_out += 1
            continue
        name = f"{entity.start}:{entity.end}:{label}"
        region: dict[str, Any] = {
            "id": hashlib.sha256(name.encode()).hexdigest()[:10],
            "from_name": control.from_name,
            "to_name": control.to_name,
            "type": "labels",
            "origin": "prediction",
            "value": {
                "start": entity.start,
                "end": entity.end,
                "text": text[entity.start : entity.end],
                "labels": [label],
            },
        }
        if entity.probability is not None:
            region["score"] = min(1.0, max(0.0, entity.probability))
        regions.append(region)
    return regions, left_out
