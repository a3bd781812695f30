"""Which encoding a file is in, found from its bytes, and decoding that loses nothing.

A byte that cannot be decoded becomes the lone surrogate U+DC00 + byte, in every encoding. So a
text is damaged exactly when it holds a lone surrogate, one bad byte costs one document and not
the file, and `encode` gives the same bytes back.
"""

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO

from backend.errors import InvalidInputError

ESCAPE = "goldloop.escape"  # the error handler's name
LOOKED_AT = 1 << 16  # bytes that are looked at, from the first that is not ASCII
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_TITLES = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "cp949": "CP949",
    "gb18030": "GB18030",
}
_SURE, _MOST = 0.9, 0.75  # shares of characters that must be the expected ones
_UTF8_CHARACTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_EXPECTED = re.compile("[\t\n\r -~\u3000-\u303f\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef]")
_HANGUL = re.compile("[\u3131-\u318e\uac00-\ud7a3]")
_FOREIGN = re.compile("(?![\\d_])[^\\W\x00-\x7f]|[\udc80-\udcff]")  # letters and damaged bytes


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec of Python's and the byte-order mark that the file begins with."""

    codec: str
    mark: bytes = b""

    def __str__(self) -> str:
        title = _TITLES.get(self.codec, self.codec)
        return f"{title} with a byte-order mark" if self.mark else title


class UnknownEncodingError(InvalidInputError):
    """Bytes that are in none of the encodings that can be told apart."""


def find_encoding(file: BinaryIO, name: str) -> Encoding:
    """The encoding of a file, which is read as far as needed: to its first characters.

    Raises UnknownEncodingError, with `name`, when it cannot be told.
    """
    chunk = file.read(LOOKED_AT)
    for mark, codec in _MARKS.items():
        if chunk.startswith(mark):
            if chunk.startswith(codecs.BOM_UTF32_LE):
                break
            return Encoding(codec, mark)
    if b"\0" in chunk:
        if found := _utf_16(chunk):
            return found
        raise _unknown(name, "it holds zero bytes and is not UTF-16")
    while chunk.isascii():
        more = file.read(LOOKED_AT)
        if not more:
            return Encoding("utf-8")
        chunk = more
    chunk += file.read(LOOKED_AT)
    found = _eight_bits(chunk)  # Latin in 16 bits looks Chinese: without a zero byte it is none
    if found is None:
        raise _unknown(name, "it is not UTF-8, UTF-16, CP949 or GB18030")
    return found


def named_encoding(name: str, file: BinaryIO) -> Encoding:
    """The encoding that somebody named, with the mark that the file has.

    Raises InvalidInputError for a name that Python does not know.
    """
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)
    except (LookupError, UnicodeError) as error:
        raise InvalidInputError(f"there is no encoding {name!r}") from error
    head = file.read(4)
    for mark, marked in _MARKS.items():
        if head.startswith(mark) and codec in (marked, f"{marked}-sig", "utf-8-sig", "utf-16"):
            return Encoding(marked, mark)
    plain = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}
    return Encoding(plain.get(codec, codec))


def damage(text: str) -> str | None:
    """Why a decoded text is not what the file means, None when it is sound."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        where = f"at character {error.start + 1}"
        if 0xDC00 <= code <= 0xDCFF:
            return f"byte 0x{code - 0xDC00:02x} {where} cannot be decoded"
        return f"half a surrogate pair (U+{code:04X}) {where}"
    return None


def encode(text: str) -> bytes:
    """A decoded text in UTF-8, its damaged bytes as they were."""
    return text.encode("utf-8", ESCAPE)


def _escape(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeDecodeError):
        bad = error.object[error.start : error.end]
        return "".join(chr(0xDC00 + byte) for byte in bad), error.end
    if isinstance(error, UnicodeEncodeError):
        codes = [ord(character) for character in error.object[error.start : error.end]]
        return b"".join(
            bytes([code - 0xDC00]) if 0xDC00 <= code <= 0xDCFF else b"?" for code in codes
        ), error.end
    raise error


codecs.register_error(ESCAPE, _escape)


def _utf_16(chunk: bytes) -> Encoding | None:
    """UTF-16 without a mark, when one byte order gives what people write and the other does not."""
    scores = {codec: _share_expected(chunk, codec) for codec in ("utf-16-le", "utf-16-be")}
    best = max(scores, key=lambda codec: scores[codec])
    return Encoding(best) if scores[best] >= _SURE and min(scores.values()) < _SURE else None


def _share_expected(chunk: bytes, codec: str) -> float:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        text = decoder.decode(chunk)
    except UnicodeDecodeError:
        return 0.0
    return len(_EXPECTED.findall(text)) / max(1, len(text))


def _eight_bits(chunk: bytes) -> Encoding | None:
    high = sum(byte >= 0x80 for byte in chunk)
    if sum(map(len, _UTF8_CHARACTER.findall(chunk))) >= high * _MOST:
        return Encoding("utf-8")
    if _is_korean(_decoded(chunk, "cp949")):
        return Encoding("cp949")
    # two bytes of Chinese are Hangul and Hanja by halves in CP949, or nothing
    return Encoding("gb18030") if _is_chinese(_decoded(chunk, "gb18030")) else None


def _decoded(chunk: bytes, codec: str) -> str:
    """What the bytes say in a codec, the damaged ones as lone surrogates."""
    decoder = codecs.getincrementaldecoder(codec)(ESCAPE)  # the last character may be cut
    return decoder.decode(chunk)


def _is_korean(text: str) -> bool:
    """Whether nearly all foreign letters are Hangul, and Hangul of KS X 1001 at that."""
    letters = _FOREIGN.findall(text)
    hangul = _HANGUL.findall(text)
    common = sum(1 for one in hangul if min(one.encode("cp949")) >= 0xA1)  # both bytes are
    return common > 0 and common >= max(len(letters) * _MOST, len(hangul) * _SURE)


def _is_chinese(text: str) -> bool:
    """Whether nearly all foreign letters are in the rows B0 to D7 of GB2312, the everyday ones."""
    letters = _FOREIGN.findall(text)
    encoded = (letter.encode("gb2312", "ignore")[:1] for letter in letters)
    common = sum(1 for lead in encoded if b"\xb0" <= lead <= b"\xd7")
    return common > 0 and common >= len(letters) * _SURE


def _unknown(name: str, why: str) -> UnknownEncodingError:
    return UnknownEncodingError(f"{name}: {why}; say which with --encoding")
