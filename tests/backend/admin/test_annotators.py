"""The page of annotators: curators see everybody, annotators themselves."""

import pytest
from sqlalchemy import event, select

from backend.db.session import Database
from backend.db.tables import Account, AnnotationState, Document, Project, now
from tests.backend.admin.conftest import SignIn

PAGE = "/projects/general/annotators"


@pytest.fixture
def shared(filled: Database) -> Database:
    """Some documents were done by a second person too."""
    with filled.write() as session:
        project = session.scalars(select(Project).where(Project.key == "general")).one()
        person = session.scalars(select(Account).where(Account.email == "annotator@example.com"))
        account = person.one()
        label = project.labels[0]
        states = session.scalars(
            select(AnnotationState).where(AnnotationState.project_id == project.id)
        ).all()
        for number, state in enumerate(states[:40]):
            state.entities = [{"start": 0, "end": 3, "label": label}]
            state.lead_time = 20.0 + number
            end = 3 if number % 4 else 2
            session.add(
                AnnotationState(
                    project_id=project.id,
                    document_id=state.document_id,
                    annotation_id=100_000 + number,
                    updated_at=now(),
                    status="submitted",
                    account_id=account.id,
                    lead_time=30.0,
                    entities=[{"start": 0, "end": end, "label": label}],
                )
            )
    return filled


def test_a_curator_sees_everybody_and_how_far_they_agree(shared: Database, sign_in: SignIn) -> None:
    page = sign_in("curator").get(PAGE).text
    for shown in ("주석자 1", "주석자 2", "Krippendorff", "0.750", "75 %", "주석자 1 · 주석자 2"):
        assert shown in page


def test_an_annotator_sees_their_own_figures_alone(shared: Database, sign_in: SignIn) -> None:
    page = sign_in("annotator").get(PAGE).text
    assert "Your annotations" in page
    assert page.count('data-testid="person"') == 1
    assert "주석자 2" not in page
    assert "Krippendorff" not in page


def test_the_empty_project_says_what_is_missing(sign_in: SignIn) -> None:
    page = sign_in("curator").get("/projects/empty/annotators").text
    assert "Nobody has submitted an annotation" in page
    assert "No document was annotated by several people" in page
    own = sign_in("annotator").get("/projects/general/annotators").text
    assert "You have not submitted an annotation" in own


def test_figures_are_counted_anew_when_there_is_a_new_annotation(
    shared: Database, sign_in: SignIn
) -> None:
    client = sign_in("annotator")
    asked: list[str] = []
    context = client.application.extensions["goldloop"]
    event.listen(
        context.database.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_more: asked.append(statement),
    )
    assert ">40<" in client.get(PAGE).text
    assert len(asked) <= 15
    first = len(asked)
    client.get(PAGE)
    assert len(asked) - first < first
    with shared.write() as session:
        account = session.scalars(select(Account).where(Account.email == "annotator@example.com"))
        document = session.scalars(select(Document).order_by(Document.id.desc()).limit(1)).one()
        session.add(
            AnnotationState(
                project_id=document.project_id,
                document_id=document.id,
                annotation_id=999_999,
                updated_at=now(),
                status="submitted",
                account_id=account.one().id,
            )
        )
    assert ">41<" in client.get(PAGE).text
