"""Label Studio JSON_MIN: the data of a task, flat, with the regions of one annotation.

A task with several annotations is several records, one after the other with one `id`: they are
read together and follow the rules of label_studio.py. Which keys are the task's data is not
marked: what Label Studio adds is known by name, the rest goes to `meta`.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from backend.workflow.formats import checks
from backend.workflow.formats.checks import RecordError
from backend.workflow.formats.json_head import best_object
from backend.workflow.formats.json_records import JsonRecord, json_records
from backend.workflow.formats.label_studio import OWN_ID, text_of
from backend.workflow.formats.label_studio_regions import (
    agreed_entities,
    is_region,
    region_entities,
)
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.refused import REFUSED
from backend.workflow.formats.source import Source
from ml_backend.contract.entity import Entity

NAME = "label-studio-min"
DESCRIPTION = "Label Studio JSON_MIN: a task's data with the regions of its annotation"
EXTENSIONS = (".json",)
_ADDED = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time")


def detect(head: str, name: str) -> float:
    """Sure of a record with a text and the number of its annotation."""
    return best_object(head, _score)


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The tasks of an export, an array or a line each."""
    for task, records in groupby(json_records(source), _task):
        if task is None:
            for record in records:
                if isinstance(record, RefusedLine):
                    yield record
                else:
                    yield from _documents(source, [record])
        else:
            yield from _documents(source, [one for one in records if isinstance(one, JsonRecord)])


def _score(record: dict[str, Any]) -> float:
    return 1.0 if "annotation_id" in record and "data" not in record else 0.0


def _task(record: JsonRecord | RefusedLine) -> object:
    return None if isinstance(record, RefusedLine) else record.value.get("id")


def _documents(source: Source, records: list[JsonRecord]) -> Iterator[DocumentRecord | RefusedLine]:
    first, read, why = records[0], [], None
    try:
        values = [_data(record.value) for record in records]
        key, text = text_of(values[0], source.options.text_column)
        for record in records:
            regions = [one for key in record.value for one in _regions(record.value[key])]
            read.append(region_entities(regions, text))
    except RecordError as error:
        for record in records:
            yield RefusedLine(source.name, record.number, str(error), record.value, record.unit)
        return
    entities: list[Entity] | None = None
    try:
        entities = agreed_entities(read)
    except RecordError as error:
        why = str(error)
    yield checks.document(
        file=source.name,
        line=first.number,
        unit=first.unit,
        text=text,
        external_id=first.value.get(OWN_ID, first.value.get("id")),
        entities=None if entities is None else [entity.to_dict() for entity in entities],
        meta=checks.without(values[0], (key, OWN_ID)),
        raw=first.value,
    )
    if why:
        for record in records:
            yield RefusedLine(source.name, record.number, why, record.value, record.unit)


def _data(record: dict[str, Any]) -> dict[str, Any]:
    names = [key for key in record if _regions(record[key])]
    return checks.without(record, (*_ADDED, *names, REFUSED))


def _regions(value: object) -> list[dict[str, Any]]:
    """The regions under one key, none when it holds something else."""
    if not isinstance(value, list) or not value or not all(is_region(one) for one in value):
        return []
    return value
