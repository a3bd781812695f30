"""What a real Label Studio exports comes in, and what we write goes in there and comes back."""

import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.clients.label_studio import LabelStudio
from backend.workflow.formats import label_studio as its_format
from backend.workflow.formats.format import ExportDocument, WriteOptions
from backend.workflow.formats.registry import BY_NAME
from ml_backend.contract.entity import Entity
from tests.backend.workflow.formats.sources import good, records_of
from tests.servers import LabelStudioServer

pytestmark = pytest.mark.real

CONFIG = (
    '<View><Labels name="ner" toName="doc"><Label value="PS"/><Label value="학문/이론"/></Labels>'
    '<Text name="doc" value="$body"/></View>'
)
DOCUMENTS = [
    ExportDocument("가/1", "👨‍👩‍👧 김철수는\r\n  서울에\n각각", [Entity(6, 9, "PS")], {"k": [1]}),
    ExportDocument("b", "𠮷野家 언어학 \u200b끝", [Entity(4, 7, "학문/이론")]),
    ExportDocument("c", "아무도 없다", []),
]


@pytest.fixture(scope="module")
def client(label_studio: LabelStudioServer) -> LabelStudio:
    return LabelStudio(label_studio.url, label_studio.api_key, timeout=30)


@pytest.fixture
def project(client: LabelStudio) -> int:
    """A project with the tasks that we write, and one that nobody annotated."""
    number = client.create_project("형식", CONFIG)
    out = io.BytesIO()
    losses = its_format.write(DOCUMENTS, out, WriteOptions(label_config=CONFIG))
    assert list(losses) == []
    client.import_tasks(number, [*json.loads(out.getvalue()), {"data": {"body": "빈 글"}}])
    return number


def exported(server: LabelStudioServer, project: int, kind: str, path: Path) -> Path:
    """The export of a project as a person downloads it."""
    token = httpx.post(
        f"{server.url}/api/token/refresh/", json={"refresh": server.api_key}, timeout=30
    ).json()["access"]
    answer = httpx.get(
        f"{server.url}/api/projects/{project}/export",
        params={"exportType": kind, "download_all_tasks": "true"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    answer.raise_for_status()
    path.write_bytes(answer.content)
    return path


def held(record: Any) -> tuple[Any, ...]:
    return record.text, record.entities, record.meta


def test_its_json_gives_the_same_documents(
    label_studio: LabelStudioServer, project: int, tmp_path: Path
) -> None:
    *found, empty = good(records_of(exported(label_studio, project, "JSON", tmp_path / "a.json")))
    assert [held(one) for one in found] == [held(one) for one in DOCUMENTS]
    assert [one.external_id for one in found] == [one.id for one in DOCUMENTS]
    assert (empty.text, empty.entities) == ("빈 글", None)


def test_its_json_min_gives_the_same_entities(
    label_studio: LabelStudioServer, project: int, tmp_path: Path
) -> None:
    path = exported(label_studio, project, "JSON_MIN", tmp_path / "a.json")
    found = {one.text: one for one in good(records_of(path, BY_NAME["label-studio-min"]))}
    for document in DOCUMENTS:
        assert found[document.text].entities == document.entities


def test_a_second_opinion_and_a_skip_are_seen(
    client: LabelStudio, label_studio: LabelStudioServer, project: int, tmp_path: Path
) -> None:
    tasks = {task["data"]["body"]: task["id"] for task in client.tasks(project)}
    other = {
        "type": "labels",
        "from_name": "ner",
        "to_name": "doc",
        "value": {"start": 0, "end": 3, "text": "아무도", "labels": ["PS"]},
    }
    client.submit(tasks[DOCUMENTS[2].text], [other])
    client.submit(tasks["빈 글"], [], was_cancelled=True)
    records = records_of(exported(label_studio, project, "JSON", tmp_path / "a.json"))
    (refused,) = [one for one in records if "disagree" in str(one)]
    assert "[0, 3) 'PS'" in str(refused)
    found = {one.text: one.entities for one in good([one for one in records if one is not refused])}
    assert (found["아무도 없다"], found["빈 글"]) == (None, None)
    assert found[DOCUMENTS[1].text] == DOCUMENTS[1].entities
