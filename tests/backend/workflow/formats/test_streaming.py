"""Reading takes as much memory for many documents as for few."""

import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.workflow.formats import columns
from backend.workflow.formats.format import ExportDocument, WritableFormat
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.record import RefusedLine
from backend.workflow.formats.registry import FORMATS
from ml_backend.contract.entity import Entity

WARM, FEW, MANY = 10, 3000, 9000
TEXT = "김철수 씨는 서울 에서 사진관 을 열고 오래 일하였다 ."


def exported(count: int) -> Iterator[ExportDocument]:
    for number in range(count):
        yield ExportDocument(f"d{number}", f"{number} {TEXT}", [Entity(0, len(str(number)), "QT")])


def sentences(count: int) -> bytes:
    entity = {"form": "김철수", "label": "PS", "begin": 0, "end": 3}
    one = json.dumps({"sentence": [{"form": TEXT, "NE": [entity]}]}, ensure_ascii=False)
    return ('{"document": [' + ",".join([one] * count) + "]}").encode()


def written(format: WritableFormat) -> Callable[[int], bytes]:
    def content(count: int) -> bytes:
        out = io.BytesIO()
        for loss in format.write(exported(count), out):
            assert loss.entity is None
        return out.getvalue()

    return content


def zipped(count: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", f"{TEXT}\n" * count)
    return out.getvalue()


FILES: dict[str, Callable[[int], bytes]] = {
    **{
        one.NAME: written(one)
        for one in FORMATS
        # brat is many small files, BIOES is read as BIO is
        if isinstance(one, WritableFormat) and not one.NAME.startswith(("brat", "bioes"))
    },
    "sentence-json": sentences,
    "table": lambda count: ("id,text\n" + f'a,"{TEXT}"\n' * count).encode(),
    "text in UTF-16": lambda count: (f"{TEXT}\n" * count).encode("utf-16"),
    "text in CP949 and gzip": lambda count: gzip.compress((f"{TEXT}\n" * count).encode("cp949")),
    "text in zip": zipped,
}


def peak(path: Path, content: bytes) -> int:
    path.write_bytes(content)
    documents = 0
    tracemalloc.start()
    with open_records(path) as opened:
        for record in opened.records:
            assert not isinstance(record, RefusedLine)
            documents += 1
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert documents in (WARM, FEW, MANY)
    return found


@pytest.mark.parametrize("name", FILES)
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(columns, "_SURVEYED", 1 << 14)  # bytes, less than either file has
    peak(tmp_path / "a", FILES[name](WARM))  # what is made once is made
    few = peak(tmp_path / "a", FILES[name](FEW))
    many = peak(tmp_path / "a", FILES[name](MANY))
    assert many < few * 1.3 + 1_000_000
