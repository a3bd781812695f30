"""Import a file: read and checked outside any transaction, written chunk by chunk.

Whatever stops it, the chunks that were written stay, and the same import again goes on from
there, because the same file twice adds nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from backend.db.audit_log import record
from backend.db.projects import project_by_key, settings_of
from backend.db.session import Database
from backend.errors import InvalidInputError
from backend.loop.reading_ahead import Reading, ready_chunks
from backend.workflow.formats.adapting import Adaptation
from backend.workflow.formats.format import Format
from backend.workflow.formats.reading import OpenFile, open_records
from backend.workflow.formats.refused import RefusedFiles
from backend.workflow.formats.source import Advance, ReadOptions
from backend.workflow.import_documents import import_lines
from backend.workflow.imports.few_collections import few_collections
from backend.workflow.imports.groups import GoldAs
from backend.workflow.imports.present import Present
from backend.workflow.imports.report import ImportReport
from ml_backend.contract.label_set import LabelSet

SURVEYED = (2, 20, 200)  # chunks after which a database learns how large it has become


@dataclass(frozen=True, slots=True)
class HowToRead:
    """What a person says of a file; all of it is found out where nothing is said."""

    format: Format | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    adapt: Adaptation = field(default_factory=Adaptation)


def import_file(
    database: Database,
    project_key: str,
    file: Path,
    gold: GoldAs | None,
    advance: Callable[[int], None] = lambda lines: None,
    *,
    how: HowToRead | None = None,
    by: str = "command line",
    opened: Callable[[OpenFile], None] = lambda found: None,
    advance_bytes: Advance = lambda count: None,
) -> ImportReport:
    """Import one file, archive or folder; what is refused is also written beside it to be mended.

    `opened` is told what was found before anything is read, `advance` of documents written and
    `advance_bytes` of bytes read. Raises InvalidInputError when it cannot be told what the file
    is, and for labels that the project does not have in `how`. What came in stands in the audit
    log under the name `by`, after an import that was stopped too.
    """
    how = how or HowToRead()
    with database.read() as session:
        project = project_by_key(session, project_key)
        project_id, labels = project.id, LabelSet(tuple(project.labels))
        casefold = settings_of(project).casefold
    _check_labels(how.adapt, labels)
    report, present = ImportReport(), Present()
    reading = Reading(file, how.options, how.adapt, labels, casefold)
    with open_records(file, how.format, how.options, advance_bytes) as found:
        opened(found)
        with (
            ready_chunks(found, reading, advance_bytes) as chunks,
            RefusedFiles(file) as refused,
            _noted(database, project_id, file.name, report, by),
            _settled(database),
            database.tidying() as tidy,
            few_collections(),
        ):
            for number, chunk in enumerate(chunks):
                with database.write(hasty=True) as session:
                    written = import_lines(
                        session,
                        project_id,
                        chunk.ready,
                        gold,
                        casefold=casefold,
                        present=present,
                    )
                tidy()
                if number in SURVEYED:
                    database.survey()
                for line in (*chunk.refused, *written.refused):
                    refused.add(line)
                report.refuse(chunk.refused)
                report.add(written)
                advance(chunk.lines)
    report.read_as, report.to_mend = str(found), refused.written
    return report


@contextmanager
def _noted(
    database: Database, project_id: int, name: str, report: ImportReport, by: str
) -> Iterator[None]:
    """What the block has put into the project is noted in the end, if it was anything."""
    try:
        yield
    finally:
        if report.added or report.with_gold:
            after = {"added": report.added, "with_gold": report.with_gold}
            with database.write() as session:
                record(
                    session,
                    by,
                    "documents.import",
                    project_id=project_id,
                    subject=name,
                    after=after,
                )


@contextmanager
def _settled(database: Database) -> Iterator[None]:
    """What the block wrote hastily is on the disk in the end."""
    try:
        yield
    finally:
        database.settle()


def _check_labels(adapt: Adaptation, labels: LabelSet) -> None:
    named = {*(adapt.labels or ()), *(name for name in adapt.renamed.values() if name)}
    if unknown := sorted(named - set(labels)):
        raise InvalidInputError(
            f"the project has no label {', '.join(map(repr, unknown))}; it has "
            f"{', '.join(map(repr, labels))}"
        )
