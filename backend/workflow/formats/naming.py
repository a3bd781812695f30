"""Names of documents to which no file gave an id: by their text, so that it is known again."""

import hashlib
import re
from collections import Counter

_DIGITS = 32  # of the text's SHA-256
_REST = re.compile(r"-\d+(-[0-9a-f]{8})?")


class NamesByText:
    """Names for the documents of one file: the text's digest, and how often the file had it before.

    The same file read twice gives the same names.
    """

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def name(self, text: str) -> str:
        """The name of the next document."""
        digest = hashlib.sha256(text.encode())
        key = digest.digest()
        name = f"{digest.hexdigest()[:_DIGITS]}-{self._seen[key]}"
        self._seen[key] += 1
        return name


def name_apart(name: str, entities: bytes) -> str:
    """The name of a document that has that text, and gold of its own."""
    return f"{name}-{hashlib.sha256(entities).hexdigest()[:8]}"


def is_named_by_text(name: str, text: str) -> bool:
    """Whether a name is one of these: the document has no id of its own."""
    digest, rest = name[:_DIGITS], name[_DIGITS:]
    if not _REST.fullmatch(rest):
        return False
    return digest == hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
