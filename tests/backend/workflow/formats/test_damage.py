"""Whatever a file holds, it is documents, refusals, or one sentence: never a traceback."""

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.errors import InvalidInputError
from backend.workflow.formats.encoding import damage
from backend.workflow.formats.format import Format
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.record import DocumentRecord
from backend.workflow.formats.refused import RefusedFiles
from backend.workflow.formats.registry import FORMATS
from tests.backend.workflow.formats.samples import sample

SAMPLES = {format.NAME: sample(format.NAME) for format in FORMATS}
ODD: list[Any] = [None, True, 0, -1, 7, 10**30, 0.5, "", "x", "\ud800", "\0", [], [[]], {}, [None]]
PIECES = [
    b"",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\n",
    b"\r\n\r\n",
    b"\t",
    b'"',
    b"[",
    b"}",
    b"<",
    b"0",
]


def is_json(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), list | dict)
    except ValueError:
        return False


OF_JSON = [format for format in FORMATS if is_json(SAMPLES[format.NAME])]


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with a few bytes cut out and others put in."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + draw(st.sampled_from([0, 1, 99])))))
        content = content[:start] + draw(st.sampled_from(PIECES)) + content[end:]
    return content


@st.composite
def odd(draw: st.DrawFn, value: Any) -> Any:
    """The value with one part, anywhere in it, replaced by something that nobody expects."""
    if draw(st.integers(0, 4)) == 0 or not isinstance(value, list | dict) or not value:
        return draw(st.sampled_from(ODD))
    if isinstance(value, list):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], draw(odd(value[at])), *value[at + 1 :]]
    key = draw(st.sampled_from(sorted(value)))
    return {**value, key: draw(odd(value[key]))}


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.NAME)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damaged_bytes_are_told(format: Format, data: st.DataObject) -> None:
    check(format, data.draw(damaged(SAMPLES[format.NAME])))


@pytest.mark.parametrize("format", OF_JSON, ids=lambda format: format.NAME)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_odd_values_in_json_are_told(format: Format, data: st.DataObject) -> None:
    value = data.draw(odd(json.loads(SAMPLES[format.NAME])))
    check(format, json.dumps(value).encode())


def check(format: Format, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{format.EXTENSIONS[0]}"
        path.write_bytes(content)
        for named in (format, None):
            with (
                suppress(InvalidInputError),
                open_records(path, named) as opened,
                RefusedFiles(path) as refused,
            ):
                for record in opened.records:
                    if isinstance(record, DocumentRecord):
                        check_document(record)
                    else:
                        assert record.reason
                        refused.add(record)


def check_document(record: DocumentRecord) -> None:
    """What both databases keep, and entities that are of the text."""
    assert record.text.strip()
    assert damage(record.text) is None
    assert "\0" not in record.text
    for entity in record.entities or ():
        assert 0 <= entity.start < entity.end <= len(record.text)
        assert damage(entity.label) is None
    assert damage(record.external_id or "") is None
