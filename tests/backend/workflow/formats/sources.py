"""Files for the tests of formats: written to a folder, read as the importer reads them."""

from pathlib import Path

from backend.workflow.formats.format import Format
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.record import DocumentRecord, RefusedLine

Records = list[DocumentRecord | RefusedLine]


def records_of(path: Path, format: Format | None = None) -> Records:
    """All records of a file, its format found unless it is named."""
    with open_records(path, format) as opened:
        return list(opened.records)


def records_in(folder: Path, content: str | bytes, format: Format, name: str = "a.txt") -> Records:
    """The records of one file of this content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return records_of(path, format)


def good(records: Records) -> list[DocumentRecord]:
    """The documents; fails with the first refusal if there is one."""
    for record in records:
        assert isinstance(record, DocumentRecord), str(record)
    return [record for record in records if isinstance(record, DocumentRecord)]


def shown(records: Records) -> list[tuple[str, list[tuple[str, str]]] | str]:
    """Each record as its text and (surface, label) pairs, or as the refusal people read."""
    return [
        (
            record.text,
            [(record.text[one.start : one.end], one.label) for one in record.entities or ()],
        )
        if isinstance(record, DocumentRecord)
        else str(record)
        for record in records
    ]
