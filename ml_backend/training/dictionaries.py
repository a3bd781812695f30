"""Gazetteers made of dictionaries that others keep: words, names and places by their kind.

A dictionary comes as a Python package of its own; nothing of it is part of this project.

| name     | package | language | words                                                     |
| -------- | ------- | -------- | --------------------------------------------------------- |
| mecab-ko | pecab   | Korean   | mecab-ko-dic: persons, places, other proper nouns, nouns… |
| jieba    | jieba   | Chinese  | persons, places, organisations, nouns…                    |
"""

from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from itertools import chain
from pathlib import Path

from ml_backend.contract.model_store import write_atomically
from ml_backend.tagger.surfaces import LONGEST

# mecab-ko-dic's left context numbers (its left-id.def) of the words that tell something
_LEFT_CONTEXTS = {
    1780: "noun",
    1782: "noun of a place",
    1783: "noun",
    1784: "place",
    1785: "noun of an action",
    1786: "proper noun",
    1788: "person",
    1789: "place",
    1791: "number",
    726: "adverb",
    1804: "verb",
    2420: "verb",
}
_SINGLE = ("number", "unit", "affix")  # kinds whose words of one character say something
_DEPENDENT = {"NNBC": "unit", "NNB": "unit", "XSN": "affix", "XPN": "affix"}

# jieba's parts of speech, which are those of the ICTCLAS tag set
_PARTS_OF_SPEECH = {
    "nr": "person",
    "nrfg": "person",
    "nrt": "foreign person",
    "ns": "place",
    "nt": "organisation",
    "nz": "proper noun",
    "n": "noun",
    "i": "idiom",
    "l": "idiom",
    "v": "verb",
    "vn": "verb",
    "a": "adjective",
    "t": "time",
    "m": "number",
    "j": "abbreviation",
}

Entry = tuple[str, str]  # surface and kind


class DictionaryError(Exception):
    """A dictionary that is not installed, or not what it was; says what to do."""

    def __init__(self, package: str, reason: str):
        self.package = package
        super().__init__(f"{reason}; install it with: pip install {package}")


def write_gazetteer(dictionary: str, path: Path, *, also: Sequence[Path] = ()) -> int:
    """Write a dictionary's words as a gazetteer file; how many lines.

    `also` are files of more words in the dictionary's own form, which jieba alone has. Raises
    DictionaryError, and OSError and UnicodeDecodeError of such a file.
    """
    found = DICTIONARIES[dictionary]()
    if also:
        more = (_jieba_words(file.read_text("utf-8-sig")) for file in also)
        found = chain(found, *more)
    entries = sorted({one for one in found if len(one[0]) <= LONGEST})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, "".join(f"{word}\t{kind}\n" for word, kind in entries).encode())
    return len(entries)


def _mecab_ko() -> Iterator[Entry]:
    import pyarrow as pa  # noqa: PLC0415 (slow to import, and only wanted here)

    path = _file("pecab", "_resources/words.arrow")
    with pa.memory_map(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
    columns = (table.column(name).to_pylist() for name in ("surface", "POS", "left_id"))
    for surface, tags, contexts in zip(*columns, strict=True):
        for tag, context in zip(tags.split("|"), contexts.split("|"), strict=False):
            kind = _LEFT_CONTEXTS.get(int(context)) or _DEPENDENT.get(tag)
            compound = "+" in tag  # several words in one
            if kind and not compound and (len(surface) > 1 or kind in _SINGLE):
                yield surface, kind


def _jieba() -> Iterator[Entry]:
    return _jieba_words(_file("jieba", "dict.txt").read_text("utf-8"))


def _jieba_words(content: str) -> Iterator[Entry]:
    """The words of lines of a word, its count and its part of speech."""
    for line in content.splitlines():
        surface, _, tag = line.rpartition(" ")
        surface = surface.partition(" ")[0]
        kind = _PARTS_OF_SPEECH.get(tag)
        if kind and len(surface) > 1:
            yield surface, kind


def _file(package: str, name: str) -> Path:
    try:
        found = Path(str(resources.files(package))) / name
    except ModuleNotFoundError:
        raise DictionaryError(package, f"the dictionary {package} is not installed") from None
    if not found.is_file():
        raise DictionaryError(package, f"the dictionary {package} holds no {name}")
    return found


DICTIONARIES: dict[str, Callable[[], Iterator[Entry]]] = {"mecab-ko": _mecab_ko, "jieba": _jieba}
