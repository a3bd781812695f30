"""Ctrl-C at any moment of an import: the same command goes on, and the end is the same."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Document, Gold, Project
from backend.demo.stack import environment_of
from backend.settings import Settings

pytestmark = pytest.mark.real
DOCUMENTS, STOPS = 2000, 2
GOLDLOOP = """
from backend.cli import main
import backend.commands.documents
print("ready", flush=True)
main()
"""


def test_an_import_and_its_dedupe_go_on_after_ctrl_c(
    any_database: Database, settings: Settings, tmp_path: Path
) -> None:
    with any_database.write() as session:
        for key in ("calm", "hasty"):
            session.add(Project(key=key, name=key, label_config="<View/>", labels=["PS", "LC"]))
    path, chance = tmp_path / "texts.jsonl", random.Random(6)
    path.write_bytes(b"\n".join(map(orjson.dumps, lines(chance))))
    address = any_database.engine.url.render_as_string(hide_password=False)
    environment = {**os.environ, **environment_of(settings), "DATABASE_URL": address}

    def typed(project: str) -> subprocess.Popen[bytes]:
        """The command, ready to begin."""
        child = subprocess.Popen(
            [sys.executable, "-c", GOLDLOOP, "import", project, str(path), "--gold", "train"],
            env={key: value for key, value in environment.items() if key != "PYTHONPATH"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the whole group
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        return child

    calm, began = typed("calm"), time.monotonic()
    told = calm.communicate(timeout=120)[0]
    took = time.monotonic() - began
    assert calm.returncode == 0, told.decode()
    ended = []
    for _ in range(STOPS):
        child = typed("hasty")
        # early until one was stopped for certain: on a busy machine no two take the same time
        time.sleep(chance.uniform(0, 0.9 if any(ended) else 0.3) * took)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGINT)
        child.communicate(timeout=60)
        ended.append(child.returncode)
    assert any(ended)  # some were stopped
    told = (last := typed("hasty")).communicate(timeout=120)[0]
    assert last.returncode == 0, told.decode()
    with any_database.read() as session:
        calm_ones, hasty_ones = (what_is_there(session, key) for key in ("calm", "hasty"))
    assert len(calm_ones) == DOCUMENTS
    assert hasty_ones == calm_ones


def lines(chance: random.Random) -> list[dict[str, Any]]:
    """Documents with gold of which some are copies or near copies of earlier ones."""
    texts: list[str] = []
    for _ in range(DOCUMENTS):
        text = "".join(chance.choices("가나다라마바사아자차카타파하 ", k=40))
        if texts and chance.random() < 0.3:
            text = chance.choice(texts)
            at = chance.randrange(5, 35)
            text = text[:at] + chance.choice((" ", "힣")) + text[at:]
        texts.append(text)
    return [
        {"id": f"{n}", "text": text, "entities": [{"start": 0, "end": 2, "label": label}]}
        if (label := chance.choice(("PS", "PS", "PS", "LC", ""))) and text[:2].strip() == text[:2]
        else {"id": f"{n}", "text": text}
        for n, text in enumerate(texts)
    ]


def what_is_there(session: Any, key: str) -> list[tuple[Any, ...]]:
    """A project's documents, whatever numbers they have got."""
    rows = session.execute(
        select(Document, Gold.entities, Gold.source)
        .join(Project, Project.id == Document.project_id)
        .outerjoin(Gold, Gold.document_id == Document.id)
        .where(Project.key == key)
        .order_by(Document.id)
    ).all()
    names = {document.id: document.external_id for document, _, _ in rows}
    near: dict[int | None, str] = {}
    for document, _, _ in rows:
        near.setdefault(document.near_id, document.external_id)
    return sorted(
        (
            document.external_id,
            document.text,
            names.get(document.canonical_id),
            document.near_id and near[document.near_id],
            document.part,
            document.deduped,
            str(entities),
            source,
        )
        for document, entities, source in rows
    )
