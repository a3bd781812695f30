"""The pages of releases: one is built, shown, verified, compared and downloaded, each as a job."""

import io
import json
import re
import tarfile
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from backend.admin.words.format_words import FORMAT_WORDS
from backend.context import Context
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import Gold
from backend.db.tables_of_access import AuditEntry
from backend.errors import ConflictError, GoldloopError
from backend.loop import release_jobs, releases
from backend.opened import opened_by
from backend.workflow.formats.format import WritableFormat, WriteOptions
from backend.workflow.formats.registry import FORMATS, writable_format
from backend.workflow.releases.export import export_documents
from backend.workflow.releases.make import Wish
from backend.workflow.releases.manifest import Manifest, read_manifest
from backend.workflow.releases.read import count_documents, released_documents
from backend.workflow.releases.verify import verify_files
from ml_backend.contract.messages import JobFolder
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.queries import assert_few_queries
from tests.backend.workflow.releases.gold import add_project, import_gold, lines

PAGE = "/projects/p/releases"
WRITTEN = [one.NAME for one in FORMATS if isinstance(one, WritableFormat)]


@pytest.fixture
def gold(filled: Database, tmp_path: Path) -> Database:
    """A project with gold of a file, beside those that the pages are looked at with."""
    add_project(filled)
    import_gold(filled, tmp_path, lines(40))
    return filled


@pytest.fixture
def curator(gold: Database, sign_in: SignIn) -> FlaskClient:
    return sign_in("curator")


@pytest.fixture
def context(curator: FlaskClient) -> Context:
    opened = opened_by(curator.application)
    assert isinstance(opened, Context)
    return opened


def send(client: FlaskClient, path: str = "", **form: object) -> str:
    """Send a form; the page that comes back."""
    token = token_in(client.get(PAGE).text)
    answer = client.post(f"{PAGE}{path}", data={"csrf_token": token, **form})
    assert answer.status_code == 303, answer.text
    return client.get(answer.location).text


@pytest.fixture
def released(curator: FlaskClient, context: Context) -> FlaskClient:
    """The first release is made."""
    send(curator, note="첫 릴리스", labels=["PS", "LC", "DT"])
    release_jobs.run(context, "p", "make")
    return curator


def test_every_format_that_can_be_written_has_a_name() -> None:
    assert list(FORMAT_WORDS) == [one.NAME for one in FORMATS if isinstance(one, WritableFormat)]


def test_of_many_who_ask_at_once_one_is_heard(context: Context, filled: Database) -> None:
    start = threading.Barrier(8)

    def ask(number: int) -> bool:
        start.wait()
        try:
            release_jobs.ask_make(context, "p", Wish(f"curator {number}"))
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 1
    with filled.read() as session:
        asked = session.query(AuditEntry).filter_by(action="release.make").all()
    assert len(asked) == 1


def test_a_release_is_built_as_a_job_with_its_filters(
    curator: FlaskClient, context: Context
) -> None:
    assert "No release yet" in curator.get(PAGE).text
    page = send(curator, people_only="yes", note="only people's")
    assert "A release is being made" in page
    assert "A release of p is being made" in send(curator)  # not two at once
    with pytest.raises(GoldloopError, match="no gold to release"):
        release_jobs.run(context, "p", "make")
    assert "there is no gold to release" in curator.get(PAGE).text
    page = send(curator, labels=["PS"], note="names", licence="CC BY 4.0", since="2020-01-01")
    release_jobs.run(context, "p", "make")
    page = curator.get(PAGE).text
    assert "Release 1 is made." in page
    assert "names" in page
    its = curator.get(f"{PAGE}/1").text
    assert "labels = [&#39;PS&#39;]" in its
    assert "44 documents, 44 entities, made by curator@example.com" in its
    send(curator, labels=["PS"], licence="CC BY 4.0", since="2020-01-01")
    release_jobs.run(context, "p", "make")
    assert "Nothing has changed since release 1" in curator.get(f"{PAGE}/live").text


def test_a_release_that_is_being_made_is_cancelled(
    curator: FlaskClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(curator)
    assert 'data-testid="cancel"' in curator.get(PAGE).text
    assert "asked to stop" in send(curator, "/jobs/make/cancel")
    release_jobs.run(context, "p", "make")  # a worker takes it all the same
    assert "It was cancelled." in curator.get(f"{PAGE}/live").text
    assert "The job has ended: cancelled." in send(curator, "/jobs/make/cancel")
    monkeypatch.setattr(release_jobs, "TOLD_EVERY", 0.0)
    begun = release_jobs.make

    def asked_meanwhile(*args: object) -> object:
        release_jobs.cancel(context, "p", "make", "curator@example.com")
        return begun(*args)

    send(curator)
    monkeypatch.setattr(release_jobs, "make", asked_meanwhile)
    release_jobs.run(context, "p", "make")
    page = curator.get(PAGE).text
    assert "It was cancelled." in page
    assert "No release yet" in page
    home = context.settings.releases / "p"
    assert [path.name for path in home.iterdir()] == [".lock"]
    monkeypatch.setattr(release_jobs, "make", begun)
    send(curator)
    release_jobs.run(context, "p", "make")
    assert "Release 1 is made." in curator.get(PAGE).text
    assert (
        curator.post(f"{PAGE}/jobs/none/cancel", data={"csrf_token": token_in(page)}).status_code
        == 404
    )


def test_a_cancelled_job_that_no_worker_has_is_at_an_end_at_the_next_tick(
    curator: FlaskClient, context: Context
) -> None:
    send(curator)
    send(curator, "/jobs/make/cancel")
    release_jobs.ring_left(context)
    found = release_jobs.job(context, "p", "make")
    assert found is not None
    assert found.result == release_jobs.CANCELLED


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"min_agreement": "2"}, "Min_agreement: input should be less than or equal to 1"),
        ({"since": "yesterday"}, "Since:"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "since must be before until"),
    ],
)
def test_a_filter_that_cannot_be_is_told(
    curator: FlaskClient, form: dict[str, str], told: str
) -> None:
    assert told.lower() in send(curator, **form).lower()


def test_the_card_and_the_checksums_are_shown(released: FlaskClient) -> None:
    page = released.get(f"{PAGE}/1").text
    for shown in ("첫 릴리스", "train.jsonl", "manifest.json", "imported", "SHA-256", "licence"):
        assert shown in page
    assert len(re.findall(r'class="hash">[0-9a-f]{64}<', page)) >= 8


def test_what_is_downloaded_verifies_anywhere(released: FlaskClient, tmp_path: Path) -> None:
    archive = released.get(f"{PAGE}/1/all.tar").data
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(tmp_path, filter="data")
    found = verify_files(tmp_path / "p-1")
    assert (found.wrong, found.documents) == (0, 44)
    manifest = json.loads(released.get(f"{PAGE}/1/files/manifest.json").data)
    assert found.digest == manifest["digest"]
    assert released.get(f"{PAGE}/1/files/..%2F..%2Fgoldloop.db").status_code == 404
    assert released.get(f"{PAGE}/1/files/secret.txt").status_code == 404
    assert released.get(f"{PAGE}/7").status_code == 404


def same(one: bytes, other: bytes) -> bool:
    """Whether two files hold the same; archives tell some sizes before or after their parts."""
    if not one.startswith(b"PK"):
        return one == other
    first, second = (zipfile.ZipFile(io.BytesIO(its)) for its in (one, other))
    names = first.namelist()
    return names == second.namelist() and all(
        first.read(name) == second.read(name) for name in names
    )


@pytest.mark.parametrize("name", WRITTEN)
def test_a_release_downloads_in_every_format_as_the_command_writes_it(
    released: FlaskClient, name: str, tmp_path: Path
) -> None:
    context = opened_by(released.application)
    folder = context.settings.releases / "p" / "1"
    with context.database.read() as session:
        config = project_by_key(session, "p").label_config
    options = WriteOptions(tuple(read_manifest(folder)["labels"]), config)
    exported = export_documents(
        (one.to_export() for one in released_documents(folder)),
        writable_format(name),
        tmp_path / "out",
        options,
    )
    answer = released.get(f"{PAGE}/1/download?format={name}")
    assert answer.status_code == 200
    assert same(answer.data, (tmp_path / "out").read_bytes())
    told = released.get(f"{PAGE}/1/download?format={name}&losses=yes").data.splitlines()
    assert len(told) == exported.losses


def test_a_format_or_split_that_there_is_not_is_told(released: FlaskClient) -> None:
    answer = released.get(f"{PAGE}/1/download?format=docx", follow_redirects=True)
    assert "there is no format" in answer.text.lower()
    assert released.get(f"{PAGE}/1/download?split=none").status_code == 404
    part = released.get(f"{PAGE}/1/download?split=test").data
    whole = released.get(f"{PAGE}/1/download").data
    assert len(part) < len(whole)


def test_a_release_is_verified_and_a_changed_byte_is_named(
    released: FlaskClient, context: Context
) -> None:
    assert "The release is being verified" in send(released, "/1/verify")
    release_jobs.run(context, "p", "verify-1")
    assert "Verified: every byte" in released.get(f"{PAGE}/1/live").text
    dev = context.settings.releases / "p" / "1" / "dev.jsonl"
    dev.chmod(0o644)
    dev.write_bytes(dev.read_bytes().replace("은".encode(), "는".encode(), 1))
    send(released, "/1/verify")
    release_jobs.run(context, "p", "verify-1")
    page = released.get(f"{PAGE}/1").text
    assert "this is not what was released" in page
    assert "dev.jsonl" in page.split('class="faults"')[1].split("</ul>", maxsplit=1)[0]


def test_two_releases_are_compared_once(
    released: FlaskClient, context: Context, gold: Database
) -> None:
    with gold.write() as session:
        project = project_by_key(session, "p")
        its = session.query(Gold).filter_by(project_id=project.id)
        changed = its.order_by(Gold.document_id.desc()).limit(1).one()
        changed.entities = [{**changed.entities[0], "label": "LC"}, *changed.entities[1:]]
        project.gold_revision += 1
    send(released)
    release_jobs.run(context, "p", "make")
    page = send(released, "/compare", before=1, after=2)
    assert "The releases are being compared" in page
    release_jobs.run(context, "p", "compare-1-2")
    for path in ("/compare", "/compare/live"):
        page = released.get(f"{PAGE}{path}?before=1&after=2").text
        assert "differs relabelled" in page
    assert "The releases are being compared" not in send(released, "/compare", before=1, after=2)
    assert released.get(f"{PAGE}/compare?before=1&after=9").status_code == 404
    assert "Compare them" in released.get(f"{PAGE}/compare?before=2&after=1").text


@pytest.mark.parametrize("last_moment", ["_seal", "_row"])
def test_a_make_that_is_cancelled_after_its_last_document_lists_nothing(
    curator: FlaskClient, context: Context, monkeypatch: pytest.MonkeyPatch, last_moment: str
) -> None:
    monkeypatch.setattr(release_jobs, "TOLD_EVERY", 1e9)  # no document on the way is a look
    its = getattr(releases, last_moment)

    def cancelled_then(*given: object) -> object:
        JobFolder(context.settings.jobs / "releases" / "p" / "make").ask_to_cancel()
        return its(*given)

    monkeypatch.setattr(releases, last_moment, cancelled_then)
    send(curator)
    release_jobs.run(context, "p", "make")
    found = release_jobs.job(context, "p", "make")
    assert found is not None
    assert found.result is not None
    listed = last_moment == "_row"  # the word came too late
    assert found.result.state == ("done" if listed else "cancelled")
    assert curator.get(f"{PAGE}/1").status_code == (200 if listed else 404)
    assert (context.settings.releases / "p" / "1").exists() == listed


def test_a_comparison_is_cancelled_while_it_reads(
    released: FlaskClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_jobs, "TOLD_EVERY", 0)
    send(released, "/compare", before=1, after=1)

    def counted(manifest: Manifest) -> int:
        release_jobs.cancel(context, "p", "compare-1-1", "x")
        return count_documents(manifest)

    monkeypatch.setattr(release_jobs, "count_documents", counted)
    release_jobs.run(context, "p", "compare-1-1")
    found = release_jobs.job(context, "p", "compare-1-1")
    assert found is not None
    assert found.result == release_jobs.CANCELLED


def test_what_was_left_is_rung_again(
    curator: FlaskClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(curator)
    rung: list[tuple[object, ...]] = []
    monkeypatch.setattr(context.queue, "ring", lambda *given, **_more: rung.append(given[2:]))
    release_jobs.ring_left(context)
    assert rung == [("p", "make")]
    release_jobs.run(context, "p", "make")
    release_jobs.ring_left(context)
    assert len(rung) == 1


def test_the_pages_ask_few_questions(released: FlaskClient) -> None:
    paths = ("", "/live", "/1", "/compare?before=1&after=1")
    assert_few_queries(released, *(PAGE + path for path in paths))
