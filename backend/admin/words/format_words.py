"""The formats that a release is downloaded in, as pages call them."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

FORMAT_WORDS: dict[str, LazyString] = {
    "jsonl": _l("JSON Lines, as Goldloop imports them"),
    "label-studio": _l("Label Studio JSON"),
    "doccano": _l("doccano JSON Lines"),
    "brat": _l("brat standoff (.txt and .ann, zipped)"),
    "parquet": _l("Parquet of tokens and tags"),
    "bio-characters": _l("Column file by character, BIO"),
    "bioes-characters": _l("Column file by character, BIOES"),
    "bio-words": _l("Column file by word, BIO"),
    "bioes-words": _l("Column file by word, BIOES"),
    "inline": _l("A document a line, entities marked in it"),
}
"""Format that can be written → what it is, in a reader's language."""
