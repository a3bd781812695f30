"""Documents in and gold out: imports of any known format, and the gold of this moment."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

from flask import Response
from pydantic import Field, StringConstraints

from backend.api.rest.asking import asked_by
from backend.api.rest.fields import Key, Sentence, Strict, Told, Word
from backend.api.rest.operation import Download, Operations
from backend.db.projects import project_by_key
from backend.loop.copies import sort_copies
from backend.loop.gold_lines import gold_lines
from backend.loop.import_files import HowToRead, import_file
from backend.opened import opened
from backend.workflow.formats.adapting import Adaptation, read_renaming
from backend.workflow.formats.format import WritableFormat
from backend.workflow.formats.registry import FORMATS, format_by_name
from backend.workflow.formats.source import ReadOptions
from ml_backend.contract.messages import DEFAULT_QUEUE

FIND_NEAR = "backend.jobs.find_near"

documents = Operations("Documents and gold")

FileName = Annotated[str, StringConstraints(pattern=r"^[\w가-힣][\w가-힣 .()-]*$", max_length=100)]


class FormatTold(Told):
    """A format of files."""

    name: str
    description: str
    extensions: list[str]
    written: bool = Field(description="whether gold can be written in it; all can be read")


class HowToImport(Strict):
    """What to say of the file; all of it is found out where nothing is said."""

    filename: Annotated[FileName, Field(description="its extension helps to tell what it is")]
    gold: Annotated[
        Literal["train", "random"] | None,
        Field(description="take its entities as gold: for training, or drawn at random"),
    ] = None
    format: Annotated[Word | None, Field(description="a name of `/formats`")] = None
    encoding: Annotated[Word | None, Field(description="such as cp949")] = None
    text_column: Word | None = None
    id_column: Word | None = None
    tag_names: Annotated[
        tuple[Word, ...], Field(description="what tags that are numbers mean")
    ] = ()
    labels: Annotated[tuple[Word, ...], Field(description="the labels that it annotates")] = ()
    map: Annotated[tuple[Word, ...], Field(description="OLD=NEW; OLD= leaves entities out")] = ()
    id_prefix: Annotated[Sentence, Field(max_length=100, description="before its own ids")] = ""


class Imported(Told):
    """What became of the file's lines."""

    read_as: str
    added: int
    already_there: int
    with_gold: int
    copies: int = Field(description="set aside, of all that was new in the project")
    entities_unused: int
    other_gold: int
    refused_lines: int
    refused: list[str] = Field(description="the first of them, with file, line and reason")
    notes: list[str]


@documents.get("/formats")
def list_formats() -> list[FormatTold]:
    """Every format that can be imported; most can be written too."""
    return [
        FormatTold(
            name=one.NAME,
            description=one.DESCRIPTION,
            extensions=list(one.EXTENSIONS),
            written=isinstance(one, WritableFormat),
        )
        for one in FORMATS
    ]


@documents.post("/projects/{key}/imports", status=201)
def import_documents(key: Key, query: HowToImport, file: bytes) -> Imported:
    """Import a file of any known format, plain, gzip or zip; the same file twice adds nothing.

    It has at most 256 MiB; the command `goldloop import` takes larger ones. Near copies are looked
    for afterwards, by a job.
    """
    how = HowToRead(
        format_by_name(query.format) if query.format else None,
        ReadOptions(query.encoding, query.text_column, query.id_column, query.tag_names or None),
        Adaptation(read_renaming(query.map), query.labels or None, query.id_prefix),
    )
    database = opened().database
    with tempfile.TemporaryDirectory(prefix="goldloop-import-") as folder:
        path = Path(folder) / query.filename
        path.write_bytes(file)
        report = import_file(database, key, path, query.gold, how=how, by=asked_by())
    with database.read() as session:
        project_id = project_by_key(session, key).id
    aside = sort_copies(database, project_id)
    opened().queue.ring(DEFAULT_QUEUE, FIND_NEAR, project_id, job_id=f"{FIND_NEAR}-{project_id}")
    return Imported(
        read_as=report.read_as,
        added=report.added,
        already_there=report.already_there,
        with_gold=report.with_gold,
        copies=report.copies + aside.copies,
        entities_unused=report.entities_unused,
        other_gold=report.other_gold,
        refused_lines=report.refused_lines,
        refused=[str(one).replace(f"{folder}/", "") for one in report.refused],
        notes=report.notes,
    )


@documents.get("/projects/{key}/gold", download=Download("application/x-ndjson"))
def download_gold(key: Key) -> Response:
    """The gold of this moment, a document a line, every entity verified against its text."""
    return Response(gold_lines(opened().database, key), mimetype="application/x-ndjson")
