"""Out and in again: what a format can hold comes back identical, and all else is told as a loss.

For every format of the registry that can be written; a new one is tested by being listed there.
"""

import io
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.workflow.formats.format import (
    ExportDocument,
    Loss,
    WritableFormat,
    WriteOptions,
)
from backend.workflow.formats.naming import NamesByText
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.record import DocumentRecord
from backend.workflow.formats.registry import FORMATS
from ml_backend.contract.entity import Entity

WRITABLE = [format for format in FORMATS if isinstance(format, WritableFormat)]
LABELS = (
    "PER",
    "LOC.NAM",
    "학문/이론",
    "IT 용어",
    "모양 및 형태 표현",
    "약(藥)",
    "B-PER",
    "PER_B",
    "O",
    "-",
    "A:B",
    "x>y",
    "<",
    "a\tb",
    "a\\nb",
    'q"&',
    "7",
)
PIECES = [
    "김철수는",
    "서울에",
    "가",
    "나다",
    "28일",
    "中華",
    "大韓民國",
    "浙商银行",
    "𠮷",
    "👨\u200d👩\u200d👧",
    "🙂",
    "\u1112\u1161\u11ab",  # NFD
    "e\u0301",
    "\u200b",
    "\ufeff",
    "\u200e",
    " ",
    "  ",
    "\u3000",
    "\u00a0",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\u2028",
    "\x85",
    "\x1c",
    "\x0b",
    "<",
    ">",
    ":",
    "&",
    "|",
    "\\",
    "\\n",
    "\\<>",
    '"',
    "'",
    ",",
    "{",
    "[",
    "<b:LOC>",
    ":PER>",
    "&lt;",
    "␞",
    "#",
    "## 1",
    "; ",
    "$",
    "-DOCSTART-",
    "-DOCSTART-\r김철수는",
    "T1",
    "0",
    "12",
    "a0",
    "O",
    "B-PER",
    "word",
]
TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join),
    st.lists(
        st.sampled_from(["김철수는", "서울에", "3일", "간다.", "(주)롯데", "I"]), min_size=1
    ).map(" ".join),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20),
).filter(lambda text: bool(text) and not text.isspace())


@st.composite
def documents(draw: st.DrawFn) -> list[ExportDocument]:
    """A few documents, most with entities, some of which overlap."""
    found = []
    for number in range(draw(st.integers(1, 4))):
        text = draw(TEXTS)
        overlapping = draw(st.integers(0, 9)) == 0
        edges = sorted(
            draw(st.sets(st.integers(0, len(text)), max_size=8)),
        )
        entities = [
            Entity(start, end, draw(st.sampled_from(LABELS)))
            for start, end in pairwise(edges)
            if draw(st.booleans())
        ]
        if overlapping and entities:
            entities.append(Entity(0, len(text), draw(st.sampled_from(LABELS))))
        meta = draw(st.sampled_from([{}, {}, {}, {"year": 2020, "출처": "신문"}]))
        silent = draw(st.sampled_from([(), (), ("PER", "A:B")]))
        name = draw(st.sampled_from([f"d-{number}", f"d-{number} 번/가"]))
        found.append(ExportDocument(name, text, sorted(set(entities)), meta, silent))
    return found


@pytest.mark.parametrize("format", WRITABLE, ids=lambda format: format.NAME)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written=documents())
def test_what_is_written_comes_back_or_is_told(
    format: WritableFormat, written: list[ExportDocument]
) -> None:
    back, losses = out_and_in(format, written)
    left = list(back)
    for document in written:
        lost = [loss for loss in losses if loss.document_id == document.id]
        if not left or left[0].text != document.text:
            assert any(loss.entity is None for loss in lost), f"{document} is lost in silence"
            continue
        record = left.pop(0)
        beside = " ".join(loss.reason for loss in lost if loss.entity is None)
        assert record.external_id == document.id or " id" in beside
        assert record.meta == document.meta or "meta" in beside
        assert record.not_annotated == document.not_annotated or "not annotated" in beside
        assert record.entities is not None
        check_entities(document.entities, record.entities, lost)
    assert not left, "more came back than was written"


@pytest.mark.parametrize("format", WRITABLE, ids=lambda format: format.NAME)
def test_a_plain_document_is_held_by_every_format_and_known_again(format: WritableFormat) -> None:
    texts = {
        "김철수 씨는 서울 에 3일 간다 .": [Entity(0, 3, "PS"), Entity(7, 9, "LC")],
        "John Smith 는 부산 에 산다 .": [Entity(0, 10, "PS")],
        "아무도 없다 .": [],
    }
    written = [ExportDocument(NamesByText().name(text), text, its) for text, its in texts.items()]
    back, losses = out_and_in(format, written, detected=True)
    assert losses == []
    name = NamesByText().name  # import names them
    assert {one.external_id or name(one.text): (one.text, one.entities) for one in back} == {
        one.id: (one.text, one.entities) for one in written
    }


SENTENCES = st.lists(
    st.lists(
        st.sampled_from(["김철수", "롯데그룹", "서울", "간다", "3일", "오후", "."]), min_size=3
    ),
    min_size=3,
    max_size=8,
)


@pytest.mark.parametrize("format", WRITABLE, ids=lambda format: format.NAME)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sentences=SENTENCES)
def test_what_is_written_is_known_again(format: WritableFormat, sentences: list[list[str]]) -> None:
    written = []
    for number, words in enumerate(sentences):
        end = len(words[0]) + 1 + len(words[1])
        text = " ".join(words)
        written.append(ExportDocument(f"d-{number}", text, [Entity(0, end, "PS")]))
    back, losses = out_and_in(format, written, detected=True)
    assert all(loss.beside for loss in losses)
    assert [one.text for one in back] == [one.text for one in written]


def check_entities(written: Sequence[Entity], back: Sequence[Entity], lost: Sequence[Loss]) -> None:
    """All that is not told as lost is there; what is there beside it was widened, and told."""
    told = [loss.entity for loss in lost if loss.entity is not None]
    kept = set(written) - set(told)
    assert kept <= set(back), f"{kept - set(back)} is lost in silence"
    for entity in set(back) - kept:
        assert any(entity.overlaps(one) and entity.label == one.label for one in told), entity


def out_and_in(
    format: WritableFormat, written: list[ExportDocument], *, detected: bool = False
) -> tuple[list[DocumentRecord], list[Loss]]:
    """Write documents and read the file back, its format told or found."""
    labels = sorted({entity.label for document in written for entity in document.entities})
    out = io.BytesIO()
    losses = list(format.write(written, out, WriteOptions(labels=tuple(labels))))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"gold{format.EXTENSIONS[0]}"
        path.write_bytes(out.getvalue())
        if not out.getvalue():
            return [], losses
        with open_records(path, None if detected else format) as opened:
            assert opened.format is format
            records = list(opened.records)
    for record in records:
        assert isinstance(record, DocumentRecord), str(record)
    return [record for record in records if isinstance(record, DocumentRecord)], losses
