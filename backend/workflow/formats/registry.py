"""Every format, by name. The order is the one in which they are listed to people."""

from backend.errors import InvalidInputError
from backend.workflow.formats import (
    bio_characters,
    bio_words,
    bioes_characters,
    bioes_words,
    brat,
    cluener,
    doccano,
    inline,
    jsonl,
    klp2016,
    klue,
    kmounlp,
    label_studio,
    label_studio_min,
    naver,
    nersota,
    parquet,
    prodigy,
    sentence_json,
    table,
    text,
    token_tags,
)
from backend.workflow.formats.format import Format, WritableFormat

FORMATS: tuple[Format, ...] = (
    jsonl,
    label_studio,
    label_studio_min,
    doccano,
    prodigy,
    brat,
    parquet,
    token_tags,
    bio_characters,
    bioes_characters,
    bio_words,
    bioes_words,
    inline,
    cluener,
    kmounlp,
    klp2016,
    klue,
    naver,
    nersota,
    sentence_json,
    table,
    text,
)
BY_NAME: dict[str, Format] = {format.NAME: format for format in FORMATS}


def format_by_name(name: str) -> Format:
    """Raises InvalidInputError, which names them all, for a name that there is not."""
    if name not in BY_NAME:
        raise InvalidInputError(f"there is no format {name!r}; there are: {', '.join(BY_NAME)}")
    return BY_NAME[name]


def writable_format(name: str) -> WritableFormat:
    """A format that can be written; raises InvalidInputError when it is only read."""
    format = format_by_name(name)
    if not isinstance(format, WritableFormat):
        names = ", ".join(one.NAME for one in FORMATS if isinstance(one, WritableFormat))
        raise InvalidInputError(f"format {name!r} is only read; written are: {names}")
    return format
