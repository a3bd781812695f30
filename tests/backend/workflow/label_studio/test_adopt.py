"""A Label Studio project that was there before is adopted, and nothing in it is changed."""

import pytest

from backend.db.projects import project_by_key
from backend.db.tables import AnnotationState, Document, Gold, Prediction, Version
from backend.errors import ConflictError, InvalidInputError
from backend.loop.adopt import adopt
from tests.backend.workflow.receiver import CONFIG, region

pytestmark = pytest.mark.real


@pytest.fixture
def old(client):
    """A project with three tasks, two versions of predictions, a submission and a skip."""
    number = client.create_project("old work", CONFIG.replace("$text", "$sentence"))
    tasks = client.import_tasks(
        number,
        [
            {
                "data": {"sentence": f"글 {n} 서울"},
                "predictions": [
                    {"result": [region(4, 6, "LOC")], "score": 0.5, "model_version": "v7"}
                ],
            }
            for n in range(3)
        ],
    )
    client.import_predictions(
        number,
        [{"task": tasks[0], "result": [], "score": 0.25, "model_version": "colleague's"}],
    )
    prediction = next(
        one for one in client.task(tasks[0])["predictions"] if one["model_version"] == "v7"
    )
    client.submit(
        tasks[0], [region(4, 6, "LOC"), region(0, 1, "PER")], parent_prediction=prediction["id"]
    )
    client.submit(tasks[1], [], was_cancelled=True)
    return number, tasks


def everything(client, number):
    tasks = list(client.tasks(number))
    return (
        client.project(number),
        client.wiring.webhooks(number),
        client.wiring.ml_backends(number),
        tasks,
    )


def without_ages(value):
    """What `created_ago` says changes by itself."""
    if isinstance(value, dict):
        return {k: without_ages(v) for k, v in value.items() if k != "created_ago"}
    return [without_ages(one) for one in value] if isinstance(value, list) else value


def test_tasks_annotations_and_predictions_are_taken_over(database, client, old):
    number, tasks = old
    before = without_ages(list(everything(client, number)))
    adopted = adopt(database, client, key="old", label_studio_id=number, by="x")
    assert without_ages(list(everything(client, number))) == before

    assert adopted.predictions == 4
    assert dict(adopted.report.found) == {"tasks_created": 3, "annotations_created": 2}
    with database.read() as session:
        project = project_by_key(session, "old")
        assert (project.name, project.labels) == ("old work", ["PER", "LOC"])
        assert project.next_version == 8  # v7 names somebody else's weights
        documents = session.query(Document).order_by(Document.id).all()
        assert [one.text for one in documents] == [f"글 {n} 서울" for n in range(3)]
        assert [one.task_id for one in documents] == tasks
        assert [one.task_state for one in documents] == ["done", "done", "open"]
        assert session.query(Gold).one().document_id == documents[0].id
        versions = {one.name: one for one in session.query(Version)}
        assert {name: one.state for name, one in versions.items()} == {
            "v7": "retired",
            "colleague's": "retired",
        }
        kept = session.get(Prediction, (documents[2].id, versions["v7"].id))
        assert (kept.entities, kept.confidence) == ([{"start": 4, "end": 6, "label": "LOC"}], 0.5)
        state = session.query(AnnotationState).filter_by(status="submitted").one()
        assert state.version_name == "v7"
        assert (state.correction["kept"], state.correction["added"]) == (1, 1)


def test_adopting_again_adds_nothing(database, client, old):
    number, _ = old
    adopt(database, client, key="old", label_studio_id=number, by="x")
    again = adopt(database, client, key="old", label_studio_id=number, by="x")
    assert dict(again.report.found) == {}
    with database.read() as session:
        assert session.query(Document).count() == 3
        assert session.query(Prediction).count() == 4
        assert session.query(AnnotationState).count() == 2


def test_a_project_belongs_to_one_key_and_a_key_to_one_project(database, client, old):
    number, _ = old
    adopt(database, client, key="old", label_studio_id=number, by="x")
    with pytest.raises(ConflictError, match="belongs to 'old'"):
        adopt(database, client, key="other", label_studio_id=number, by="x")
    second = client.create_project("second", CONFIG)
    with pytest.raises(ConflictError, match="there is a project 'old' already"):
        adopt(database, client, key="old", label_studio_id=second, by="x")


def test_a_project_that_does_not_label_text_is_refused(database, client):
    number = client.create_project(
        "pictures",
        '<View><Image name="i" value="$image"/><Choices name="c" toName="i">'
        '<Choice value="a"/><Choice value="b"/></Choices></View>',
    )
    with pytest.raises(InvalidInputError, match="no <Labels>"):
        adopt(database, client, key="pictures", label_studio_id=number, by="x")
