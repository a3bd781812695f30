"""Encodings told apart from bytes alone, and decoding that loses nothing."""

import codecs
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidInputError
from backend.workflow.formats.encoding import (
    ESCAPE,
    LOOKED_AT,
    UnknownEncodingError,
    damage,
    encode,
    find_encoding,
    named_encoding,
)

KOREAN = "한석규가 운영하는 사진관, 3일 오후 2시 롯데는 졌다 ㅋㅋㅋ.\n"
CHINESE = "浙商银行企业信贷部叶老桂博士则从另一个角度对五道门槛进行了解读。\n"
ENGLISH = "John Smith went to Seoul.\n"
CODECS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949"]
SHOWN = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte-order mark",
    "utf-16": "UTF-16 LE with a byte-order mark",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "cp949": "CP949",
}


def found(content: bytes) -> str:
    return str(find_encoding(io.BytesIO(content), "a.txt"))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("text", [KOREAN, KOREAN * 5000, ENGLISH + KOREAN, ENGLISH * 9000 + KOREAN])
def test_korean_is_told_in_every_encoding(codec: str, text: str) -> None:
    assert found(text.encode(codec)) == SHOWN[codec]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_chinese_is_told_in_every_encoding(codec: str) -> None:
    assert found(CHINESE.encode(codec)) == SHOWN[codec]


def test_chinese_in_two_bytes_is_not_taken_for_korean() -> None:
    assert found(CHINESE.encode("gbk")) == "GB18030"
    assert found((CHINESE * 3000).encode("gb18030")) == "GB18030"


def test_what_is_all_ascii_is_utf_8() -> None:
    assert found(b"") == "UTF-8"
    assert found(ENGLISH.encode() * 10_000) == "UTF-8"


@pytest.mark.parametrize("codec", ["utf-8", "cp949"])
def test_one_damaged_byte_does_not_change_what_the_file_is(codec: str) -> None:
    text = (KOREAN * 40).encode(codec)
    for place in (0, 3, len(text) // 2, len(text) - 1):
        assert found(text[:place] + b"\xff" + text[place:]) == SHOWN[codec]


def test_a_file_whose_text_begins_late_is_read_until_it_does() -> None:
    assert found(b"a" * (3 * LOOKED_AT + 1) + KOREAN.encode("cp949")) == "CP949"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (bytes(range(256)) * 4, "zero bytes"),
        (codecs.BOM_UTF32_LE + "가나다".encode("utf-32-le"), "zero bytes"),
        ("Žluťoučký kůň úpěl ďábelské ódy".encode("cp1250"), "not UTF-8, UTF-16, CP949"),
    ],
)
def test_what_cannot_be_told_is_asked_for(content: bytes, why: str) -> None:
    with pytest.raises(UnknownEncodingError, match=why) as error:
        found(content)
    assert "a.txt" in str(error.value)
    assert "--encoding" in str(error.value)


def test_a_named_encoding_is_taken_and_its_mark_seen() -> None:
    assert str(named_encoding("CP949", io.BytesIO(b""))) == "CP949"
    assert str(named_encoding("latin-1", io.BytesIO(b""))) == "iso8859-1"
    assert named_encoding("utf-8", io.BytesIO(codecs.BOM_UTF8)).mark == codecs.BOM_UTF8
    assert named_encoding("utf-16", io.BytesIO(codecs.BOM_UTF16_BE)).codec == "utf-16-be"
    with pytest.raises(InvalidInputError, match="no encoding 'klingon'"):
        named_encoding("klingon", io.BytesIO(b""))
    with pytest.raises(InvalidInputError, match="no encoding 'hex'"):
        named_encoding("hex", io.BytesIO(b""))


@given(st.binary(), st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "cp949", "gb18030"]))
def test_any_bytes_decode_and_damage_is_seen(content: bytes, codec: str) -> None:
    text = content.decode(codec, ESCAPE)
    try:
        assert text == content.decode(codec)
        assert damage(text) is None
    except UnicodeDecodeError:
        assert damage(text) is not None


@given(st.binary())
def test_damaged_utf_8_is_written_as_it_was(content: bytes) -> None:
    assert encode(content.decode("utf-8", ESCAPE)) == content


def test_damage_names_the_byte_and_its_place() -> None:
    assert damage("가나") is None
    assert damage(b"ab\xffc".decode("utf-8", ESCAPE)) == (
        "byte 0xff at character 3 cannot be decoded"
    )
    assert damage("a\ud800") == "half a surrogate pair (U+D800) at character 2"
