"""The README's commands, typed as they stand there."""

import io
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import orjson
import pytest

from backend.db.session import Database
from backend.sample.generate import generate
from backend.settings import Settings
from backend.workflow.projects.create import create_project

README = Path("README.md").read_text("utf-8")
GOLDLOOP = Path(sys.executable).with_name("goldloop")
KEY = "general"


def block_below(heading: str) -> list[str]:
    """The commands of the first block below a heading, without their remarks."""
    section = README.partition(f"## {heading}\n")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block, heading
    return [line.partition("#")[0].strip() for line in block[1].splitlines()]


def corpus_zip(documents: int) -> bytes:
    """Generated documents with gold as JSON Lines, packed."""
    lines = b"".join(
        orjson.dumps(
            {
                "id": one.id,
                "text": one.text,
                "entities": [
                    {"start": entity.start, "end": entity.end, "label": entity.label}
                    for entity in one.entities
                ],
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for one in generate(documents, seed=3)
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("corpus.jsonl", lines)
    return packed.getvalue()


@pytest.mark.usefixtures("database")
def test_documents_by_the_half_million(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    configuration = Path("annotation_configs/general.xml").read_text("utf-8")
    with database.write() as session:
        create_project(session, KEY, "일반", configuration, by="x")
    (tmp_path / "corpus.zip").write_bytes(corpus_zip(300))
    environment = os.environ | {
        "GOLDLOOP_HOME": str(settings.goldloop_home),
        "PYTHONPATH": str(Path.cwd()),
    }
    told = {}
    for line in block_below("Documents by the half million"):
        program, *words = shlex.split(line.replace(" KEY", f" {KEY}"))
        assert program == "goldloop"
        done = subprocess.run(
            [GOLDLOOP, *words],
            check=False,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        told[" ".join(words[:2])] = done.stdout + done.stderr
    assert "300" in told[f"import {KEY}"]
    assert list((settings.releases / KEY / "1").iterdir())
