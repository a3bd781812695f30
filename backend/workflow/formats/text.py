"""Plain text: one document a line, blank lines skipped, nothing else done to it."""

from collections.abc import Iterator

from backend.workflow.formats import checks
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source

NAME = "text"
DESCRIPTION = "plain text, a document a line"
EXTENSIONS = (".txt",)


def detect(head: str, name: str) -> float:
    """Anything could be text: the last choice, and never what begins like JSON or XML."""
    return 0.0 if head.lstrip()[:1] in ("{", "[", "<") and not name.endswith(".txt") else 0.05


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The lines in order, without entities."""
    for number, line in source.lines():
        if line and not line.isspace():
            yield checks.document(file=source.name, line=number, text=line, raw=line)
