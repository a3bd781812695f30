"""brat standoff: `NAME.txt` with the text and `NAME.ann` beside it with its entities.

A pair of files, a folder of pairs or a zip of them. Text-bound annotations (`T1<TAB>PER 0 3<TAB>
surface`) are entities, offsets in code points; discontinuous spans (`0 3;5 7`) cannot be held and
refuse the document. Relations, events, attributes and notes are counted in `meta`. A text without
its `.ann` is a document without entities. The document's id is the file's name without suffix.

Written is a zip of pairs, which reads back in.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from backend.workflow.formats import checks
from backend.workflow.formats.checks import RecordError
from backend.workflow.formats.format import ExportDocument, Loss, WriteOptions
from backend.workflow.formats.losses import held_entities, lost_data
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source
from ml_backend.contract.entity import Entity

NAME = "brat"
DESCRIPTION = "brat standoff: pairs of .txt and .ann in a folder or zip"
EXTENSIONS = (".ann", ".zip")
_ENTITY = re.compile(r"T\S*\t(\S.*?) (\d+(?: \d+)(?:;\d+ \d+)*)(?:\t(.*))?", re.DOTALL)
_ENTITY_LINE = re.compile(r"^T\d+\t\S+ \d+ \d+(;\d+ \d+)*\t", re.MULTILINE)
_LINE_END = re.compile(r"[\r\n]")
_NAME = re.compile(r"[^\w.-]+")
_LABEL = re.compile(r"[\s;]")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_KINDS = {
    "R": "relations",
    "*": "equivalences",
    "E": "events",
    "A": "attributes",
    "M": "attributes",
    "N": "normalisations",
    "#": "notes",
}


def detect(head: str, name: str) -> float:
    """Sure of text-bound annotations; an empty `.ann` is one as well."""
    if name.lower().endswith(".ann") and not head.strip():
        return 0.9
    return 1.0 if _ENTITY_LINE.search(head) else 0.0


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The document that a `.ann` or `.txt` belongs to; given both, it is read with the `.ann`."""
    suffix = PurePosixPath(source.name).suffix.lower()
    text = source.beside(".txt") if suffix == ".ann" else source
    annotations = source.beside(".ann") if suffix == ".txt" else source
    if suffix == ".conf" or (suffix == ".txt" and annotations and not source.alone):
        return
    if suffix not in (".txt", ".ann"):
        yield RefusedLine(source.name, 0, "neither .txt nor .ann: not of a brat collection")
    elif text is None:
        yield RefusedLine(source.name, 0, "there is no .txt of this name beside it")
    elif annotations is None:
        yield _document(source.name, text.text(), None, {})
    else:
        yield _pair(annotations, text.text())


def write(
    documents: Iterable[ExportDocument], out: BinaryIO, options: WriteOptions = WriteOptions()
) -> Iterator[Loss]:
    """A zip of pairs. brat's labels hold no white space: entities of such a label are lost."""
    used: Counter[str] = Counter()
    labels: dict[str, None] = dict.fromkeys(options.labels)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for document in documents:
            name, reason = _file_name(document.id, used)
            if reason:
                yield Loss(document.id, None, reason)
            yield from lost_data(document, NAME)
            entities = yield from held_entities(document, _why_not)
            labels |= dict.fromkeys(entity.label for entity in entities)
            lines = [_line(n, one, document.text) for n, one in enumerate(entities, start=1)]
            mark = "\ufeff" * document.text.startswith("\ufeff")  # or its own is taken for one
            _put(archive, f"{name}.txt", mark + document.text)
            _put(archive, f"{name}.ann", "".join(lines))
        kept = "".join(f"{label}\n" for label in labels if not _why_not(label))
        _put(archive, "annotation.conf", f"[entities]\n{kept}[relations]\n[events]\n[attributes]\n")


def _pair(source: Source, text: str) -> DocumentRecord | RefusedLine:
    entities: list[dict[str, Any]] = []
    others: Counter[str] = Counter()
    wrong: tuple[int, str] | None = None
    annotations = source.text()
    for number, line in enumerate(annotations.replace("\r\n", "\n").split("\n"), start=1):
        if not line.strip():
            continue
        if not line.startswith("T"):
            others[_KINDS.get(line[0], "other")] += 1
            continue
        try:
            entities.append({"ann": line})  # which is refused again unless it is mended
            entities[-1] = _entity(line, text)
            checks.checked_entities(entities[-1:], text)
        except RecordError as error:
            wrong = wrong or (number, str(error))
    if wrong:
        raw = {"id": _identity(source.name), "text": text, "entities": entities}
        return RefusedLine(source.name, *wrong, raw)
    return _document(source.name, text, entities, {"brat": dict(others)} if others else {})


def _entity(line: str, text: str) -> dict[str, Any]:
    found = _ENTITY.fullmatch(line)
    if found is None:
        raise RecordError(f"not a text-bound annotation: {line!r:.80}")
    label, offsets, surface = found.groups()
    if ";" in offsets:
        raise RecordError(f"{label!r} at {offsets} is discontinuous; an entity is one span")
    start, end = map(int, offsets.split())
    if surface is not None and surface == _LINE_END.sub(" ", text[start:end]):
        surface = text[start:end]  # brat writes line ends as spaces
    return {"start": start, "end": end, "label": label, "text": surface}


def _document(
    name: str, text: str, entities: list[dict[str, Any]] | None, meta: dict[str, Any]
) -> DocumentRecord | RefusedLine:
    raw = {"id": _identity(name), "text": text, "entities": entities, "meta": meta}
    return checks.document(
        file=name,
        line=0,
        text=text,
        external_id=raw["id"],
        entities=entities,
        meta=meta,
        raw=raw,
    )


def _identity(name: str) -> str:
    """The path of a pair below its archive or folder, whose own name may change."""
    path = PurePosixPath(name)
    parts = path.parts[1:] if len(path.parts) > 1 else path.parts
    return str(PurePosixPath(*parts).with_suffix(""))


def _line(number: int, entity: Entity, text: str) -> str:
    surface = _LINE_END.sub(" ", text[entity.start : entity.end])
    return f"T{number}\t{entity.label} {entity.start} {entity.end}\t{surface}\n"


def _why_not(label: str) -> str | None:
    return "brat's labels hold no white space or ';'" if _LABEL.search(label) else None


def _file_name(identity: str, used: Counter[str]) -> tuple[str, str | None]:
    """A name for a pair of files and, where the id cannot be it, why."""
    name = _NAME.sub("_", identity).strip(".") or "document"
    used[name] += 1
    if used[name] > 1:
        name = f"{name}-{used[name]}"
    return name, None if name == identity else f"its id becomes the file name {name!r}"


def _put(archive: zipfile.ZipFile, name: str, text: str) -> None:
    # a fixed time: the same documents make the same bytes
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), text.encode(), zipfile.ZIP_DEFLATED)
