"""Label Studio JSON: tasks with their annotations, as it exports and imports them.

Gold is what was submitted and not skipped; predictions and drafts are not. Several annotations
that agree are one; where they disagree the document is imported without entities and the task is
refused as well, so that it can be mended. A task without a submitted annotation is a document
without entities. The text is the task's `text`, or its only string, or what --text-column names.

Written are tasks with one annotation each, for a configuration with `<Labels name="label"
toName="text">` on `<Text name="text" value="$text">`, or for the one that is given. The data
holds our `external_id`, by which a document is known again; otherwise it is the task's number.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO

import orjson

from backend.workflow.formats import checks
from backend.workflow.formats.checks import RecordError
from backend.workflow.formats.format import ExportDocument, Loss, WriteOptions
from backend.workflow.formats.json_head import best_object
from backend.workflow.formats.json_records import JsonRecord, json_records
from backend.workflow.formats.label_studio_regions import (
    agreed_entities,
    is_region,
    region_entities,
)
from backend.workflow.formats.losses import held_entities
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.label_studio import TextControl, parse_label_config, to_regions

NAME = "label-studio"
DESCRIPTION = "Label Studio JSON: tasks with annotations"
EXTENSIONS = (".json",)
OWN_ID = "external_id"


def detect(head: str, name: str) -> float:
    """Sure of tasks: `data` with `annotations`, or with `predictions` or `result`s."""
    return best_object(head, _score)


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The tasks of an export, an array or a line each."""
    for record in json_records(source):
        if isinstance(record, RefusedLine):
            yield record
        else:
            yield from _documents(source, record)


def write(
    documents: Iterable[ExportDocument], out: BinaryIO, options: WriteOptions = WriteOptions()
) -> Iterator[Loss]:
    """One array of tasks. Lost are labels that the given configuration does not have."""
    control = parse_label_config(options.label_config) if options.label_config else None
    separator = b"[\n"
    for document in documents:
        its = control or _plain_control(document)
        kept = yield from held_entities(document, partial(_why_not, its.labels))
        out.write(separator + orjson.dumps(_task(document, kept, its)))
        separator = b",\n"
    out.write(b"\n]\n" if separator == b",\n" else b"[]\n")


def text_of(data: dict[str, Any], column: str | None) -> tuple[str, str]:
    """The key and the text of a task's data; raises RecordError when it cannot be told."""
    if column is not None:
        return column, checks.checked_text(data.get(column))
    texts = [key for key, value in data.items() if isinstance(value, str) and key != OWN_ID]
    key = "text" if "text" in texts else texts[0] if len(texts) == 1 else None
    if key is None:
        named = f" among {', '.join(texts)}" if texts else ""
        raise RecordError(f"the task's text cannot be told{named}; say which with --text-column")
    return key, checks.checked_text(data[key])


def _score(task: dict[str, Any]) -> float:
    if not isinstance(task.get("data"), dict):
        return 0.0
    return 1.0 if {"annotations", "predictions", "completions"} & task.keys() else 0.5


def _documents(source: Source, record: JsonRecord) -> Iterator[DocumentRecord | RefusedLine]:
    task, why = record.value, None
    entities: list[Entity] | None = None
    try:
        data = task.get("data")
        if not isinstance(data, dict):
            raise RecordError("the task has no data")
        key, text = text_of(data, source.options.text_column)
        submitted = _submitted(task)
    except RecordError as error:
        yield RefusedLine(source.name, record.number, str(error), task, record.unit)
        return
    try:
        read = [region_entities(filter(is_region, one), text) for one in submitted]
    except RecordError as error:
        yield RefusedLine(source.name, record.number, str(error), task, record.unit)
        return
    try:
        entities = agreed_entities(read) if read else None
    except RecordError as error:
        why = str(error)
    meta = checks.without(data, (key, OWN_ID, "meta"))
    if isinstance(data.get("meta"), dict):
        meta |= data["meta"]
    if others := [result for one in submitted for result in one if not is_region(result)]:
        meta["label_studio_results"] = others
    yield checks.document(
        file=source.name,
        line=record.number,
        unit=record.unit,
        text=text,
        external_id=data.get(OWN_ID, task.get("id")),
        entities=None if entities is None else [entity.to_dict() for entity in entities],
        meta=meta,
        raw=task,
    )
    if why:
        yield RefusedLine(source.name, record.number, why, task, record.unit)


def _submitted(task: dict[str, Any]) -> list[list[Any]]:
    """The results of the annotations that count."""
    annotations = task.get("annotations", task.get("completions"))
    if annotations is None:
        return []
    if not isinstance(annotations, list) or not all(isinstance(one, dict) for one in annotations):
        raise RecordError("annotations must be a list of objects")
    counting = [one for one in annotations if not one.get("was_cancelled")]
    results = [one.get("result") for one in counting]
    if not all(isinstance(result, list) for result in results):
        raise RecordError("an annotation has no list of results")
    return [result for result in results if isinstance(result, list)]


def _why_not(labels: LabelSet, label: str) -> str | None:
    return None if label in labels else "the label configuration does not have this label"


def _task(
    document: ExportDocument, entities: Sequence[Entity], control: TextControl
) -> dict[str, Any]:
    regions, _ = to_regions(entities, document.text, control)
    for region in regions:
        region["origin"] = "manual"
    data: dict[str, Any] = {control.text_field: document.text, OWN_ID: document.id}
    if document.data:
        data["meta"] = document.data
    return {"data": data, "annotations": [{"result": regions, "was_cancelled": False}]}


def _plain_control(document: ExportDocument) -> TextControl:
    labels = tuple(dict.fromkeys(entity.label for entity in document.entities))
    return TextControl("label", "text", "text", LabelSet(labels or ("-",)))
