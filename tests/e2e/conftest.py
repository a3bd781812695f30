"""The whole of Goldloop as processes, once for every test in this folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson
import pytest
from rich.console import Console
from sqlalchemy import func, select

from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Document, Project, Run, Version
from backend.db.tables_of_autolabel import Autolabel, AutolabelState
from backend.demo.annotator import Annotator
from backend.demo.corpus import Corpus, sample_corpus
from backend.demo.seed import (
    first_run,
    import_corpus,
    make_accounts,
    make_project,
    stack_wait,
    train_first,
    wait_filled,
    wait_published,
    watch_training,
)
from backend.demo.stack import Stack, running_stack
from backend.loop.import_files import import_file
from backend.loop.survey import take_survey
from backend.settings import Settings
from ml_backend.contract.label_studio import parse_label_config

CONSOLE = Console()
CONTRADICTING = (
    "이순신은 여수에서 거북선을 만들었다.",
    "이순신은 한산도에서 거북선을 띄웠다.",
    "이순신은 명량에서 열두 척을 이끌었다.",
)
QUICK = {"max_steps": 150}  # enough to be a tagger; the gate and the publication take their turn


@pytest.fixture(scope="session")
def stack(label_studio, tmp_path_factory) -> Iterator[Stack]:
    """Redis, ML backend, workers, scheduler and admin beside the session's Label Studio."""
    settings = Settings(
        _env_file=None,
        goldloop_home=tmp_path_factory.mktemp("e2e"),
        label_studio_url=label_studio.url,
        label_studio_api_key=label_studio.api_key,
        tick_every=1,
        sync_every=3600,  # tests ask for it
        lease_seconds=8,
    )
    with running_stack(settings, CONSOLE.print) as stack:
        make_accounts(stack)
        yield stack


@dataclass
class Loop:
    """One project in the running stack, seen from outside."""

    stack: Stack
    key: str
    corpus: Corpus

    @property
    def project(self) -> Project:
        with self.stack.context.database.read() as session:
            return project_by_key(session, self.key)

    @property
    def champion(self) -> Version:
        with self.stack.context.database.read() as session:
            version = session.get(Version, project_by_key(session, self.key).champion_id)
        assert version is not None
        return version

    def configure(self, **changes: object) -> None:
        """Change the project's settings."""
        with self.stack.context.database.write() as session:
            project = project_by_key(session, self.key)
            wanted = {**settings_of(project).model_dump(), **changes}
            project.settings = type(settings_of(project))(**wanted).model_dump()

    def annotator(self) -> Annotator:
        """Somebody who knows the gold of every document in the pool."""
        project = self.project
        gold = {document.id: list(document.entities) for document in self.corpus.pool}
        with self.stack.context.database.read() as session:
            rows = session.query(Document.id, Document.external_id).filter_by(project_id=project.id)
            by_id = {number: gold[name] for number, name in rows if name in gold}
        return Annotator(
            self.stack.context.label_studio,
            project.label_studio_id,
            parse_label_config(project.label_config),
            by_id,
        )

    def pending(self) -> int:
        """How many autolabels wait for a person."""
        waiting = Autolabel.project_id == self.project.id, Autolabel.state == AutolabelState.PENDING
        with self.stack.context.database.read() as session:
            return session.scalar(select(func.count()).select_from(Autolabel).where(*waiting)) or 0

    def last_run(self) -> int:
        """The id of the newest run."""
        with self.stack.context.database.read() as session:
            ids = session.query(Run.id).filter_by(project_id=self.project.id)
            return max((number for (number,) in ids), default=0)

    def run_after(self, number: int) -> Run:
        """Wait for the first run after `number` to begin."""
        return stack_wait(self.stack, lambda: first_run(self.stack, self.key, number), "a run")

    def watch(self, after: int) -> Run:
        """Wait for the first run after `number` to end."""
        return watch_training(self.stack, self.key, CONSOLE, after=after)

    def published(self) -> Version:
        """Wait for the publication under way to end."""
        return wait_published(self.stack, self.key, CONSOLE)

    def wait(self, look: Callable[[], object], what: str) -> None:
        """Wait until `look` is true."""
        stack_wait(self.stack, lambda: look() or None, what)


@pytest.fixture(scope="session")
def new_loop(stack) -> Callable[..., Loop]:
    """A factory of projects with documents, a first version and a filled Label Studio."""

    def make(key: str, *, documents: int = 240, **settings: object) -> Loop:
        corpus = sample_corpus(documents, train_gold=80, random_gold=80, seed=11)
        make_project(stack, key, key)
        loop = Loop(stack, key, corpus)
        loop.configure(
            **{"training": QUICK, "gate_min_documents": 10, "blind_share": 0.0, **settings}
        )
        import_corpus(stack, key, corpus, CONSOLE)
        train_first(stack, key, CONSOLE)
        wait_filled(stack, key, CONSOLE)
        return loop

    return make


@pytest.fixture(scope="session")
def loop(new_loop) -> Loop:
    """A project that tests share: each leaves it working."""
    return new_loop("shared", retrain_threshold=1000)


@pytest.fixture(scope="session")
def curated(new_loop, tmp_path_factory) -> Loop:
    """A project that curators share: its imported gold contradicts itself in three texts."""
    loop = new_loop("curator", documents=400, retrain_threshold=1000, open_tasks=40)
    loop.configure(gate_margin=1.0, gate_class_margin=1.0)
    label, other = loop.project.labels[:2]
    path = tmp_path_factory.mktemp("curator") / "contradicting.jsonl"
    with path.open("wb") as file:
        for number, text in enumerate(CONTRADICTING):
            for reading in ([(0, 3, label)], [(0, 3, label), (5, 7, other)]):
                entities = [{"start": a, "end": b, "label": name} for a, b, name in reading]
                record = {"id": f"{number}-{len(reading)}", "text": text, "entities": entities}
                file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    import_file(loop.stack.context.database, loop.key, path, "train")
    take_survey(loop.stack.context.database, loop.project.id)
    return loop
