"""A look for doubts with a real queue and real training: an error put into gold comes first."""

import pytest
from redis import Redis
from rq import SimpleWorker

from backend.context import open_context
from backend.db import doubts
from backend.db.doubts import WantedDoubts
from backend.db.session import Database
from backend.db.tables import Gold, GoldSource
from backend.db.tables_of_doubts import DoubtRun, DoubtRunState
from backend.loop import doubts as looking
from backend.settings import Settings
from ml_backend.contract.messages import DEFAULT_QUEUE, TRAIN_QUEUE
from tests.backend.loop.conftest import TINY
from tests.backend.workflow.loop_data import add_documents, add_project
from tests.servers import RedisServer

pytestmark = pytest.mark.real

NAMES = ("홍길동", "김영희", "이철수", "박민수", "최유리", "정하늘", "강바다", "조은별")
CITIES = ("서울", "부산", "대구", "인천", "광주", "대전", "울산", "제주")
WRONG = 17  # the document whose city is marked as a person


def test_an_injected_error_is_the_first_doubt(
    settings: Settings, database: Database, redis_server: RedisServer
) -> None:
    context = open_context(settings)
    with database.write() as session:
        project = add_project(session, training=TINY)
        texts = [f"{name}은 어제 {city}에 갔다" for name in NAMES for city in CITIES]
        for number, document in enumerate(add_documents(session, project, texts)):
            label = "PS" if number == WRONG else "LC"
            entities = [
                {"start": 0, "end": 3, "label": "PS"},
                {"start": 8, "end": 10, "label": label},
            ]
            gold = Gold(document_id=document.id, project_id=project.id, revision=1)
            gold.entities, gold.source = entities, GoldSource.PERSON
            session.add(gold)
        project.gold_revision = 1
    run = looking.ask(context, "p", "me")
    looking.advance(context, run.id)
    redis = Redis.from_url(settings.redis_address)
    SimpleWorker([TRAIN_QUEUE], connection=redis).work(burst=True, logging_level="WARNING")
    assert context.queue.counts()[DEFAULT_QUEUE] > 0  # who leads it is rung
    assert looking.advance(context, run.id) == DoubtRunState.DONE
    with database.read() as session:
        (doubt, document), *_ = doubts.open_doubts(session, project.id, WantedDoubts(), 0, 5)
        figures = session.get_one(DoubtRun, run.id).figures
    assert document.text == texts[WRONG]
    assert (doubt.kind, doubt.label, doubt.proposal[0]["label"]) == ("label", "PS", "LC")
    assert doubt.evidence["strings"]["부산"] == {"LC": 7}
    assert figures["documents"] == len(texts)
