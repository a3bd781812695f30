"""What pre-labels do to people: the same work with and without them."""

from datetime import timedelta

import pytest

from backend.db.gold import NewGold, put_gold
from backend.db.tables import (
    GoldSource,
    Prediction,
    Publication,
    PublicationState,
)
from backend.db.tables_of_autolabel import Audit, Autolabel
from backend.db.tables_of_sharing import Sharing
from backend.workflow.annotators.bias_flag import LetStand
from backend.workflow.annotators.figures import annotator_figures
from tests.backend.workflow.annotators.test_figures import (  # noqa: F401
    NAME,
    PLACE,
    START,
    annotate,
    session,
    world,
)
from tests.backend.workflow.autolabels.test_items import put, said
from tests.backend.workflow.loop_data import add_version

WRONG = {"start": 1, "end": 2, "label": "PS"}


@pytest.fixture
def served(session, world):  # noqa: F811
    """The world with a version that is served, and says the place and a wrong name everywhere."""
    project, documents, _ = world
    version = add_version(session, project)
    session.add(
        Publication(
            project_id=project.id,
            version_id=version.id,
            state=PublicationState.DONE,
            asked_by="a test",
            finished_at=START,
        )
    )
    for document in documents:
        session.add(
            Prediction(
                document_id=document.id,
                version_id=version.id,
                entities=[PLACE, WRONG],
                confidence=0.5,
            )
        )
    session.flush()
    return world


def gold(session, world, document, source, *entities):  # noqa: F811
    project, documents, _ = world
    project.gold_revision += 1
    row = NewGold(documents[document].id, list(entities), source, project.gold_revision, START)
    put_gold(session, project, [row])


def blind(session, world, document):  # noqa: F811
    project, documents, _ = world
    session.add(Sharing(document_id=documents[document].id, project_id=project.id, blind=True))


def test_work_with_and_without_pre_labels_is_compared(session, served):  # noqa: F811
    one = served[2][0].id
    shown = {"version_name": "v1", "correction": {"kept": 1, "removed": 1}}
    annotate(session, served, 0, 0, PLACE, lead_time=10, **shown)
    annotate(session, served, 1, 0, PLACE, WRONG, lead_time=20, version_name="v1")
    blind(session, served, 2)
    annotate(session, served, 2, 0, PLACE, NAME, lead_time=60)
    for document in (0, 1, 2):
        gold(session, served, document, GoldSource.DECISION, PLACE, NAME)
    found = annotator_figures(session, served[0].id)
    its = found.bias.people[one]
    assert (its.helped.documents, its.helped.seconds, its.helped.edits) == (2, 15, 0.5)
    assert (its.blind.documents, its.blind.seconds, its.blind.edits) == (1, 60, 2)
    assert (its.helped.judged, its.blind.judged) == (2, 1)
    assert its.helped.f1 == pytest.approx(2 * 2 / (1 + 2 + 2 + 2))
    assert its.blind.f1 == 1.0
    assert (its.stood, its.same_blind) == (LetStand(2, 1), LetStand(1, 0))
    assert found.bias.everybody == its
    assert found.people[0].blind == 1
    assert found.people[0].blind_same == 0


def test_what_one_person_alone_said_is_no_truth(session, served):  # noqa: F811
    one, two = (person.id for person in served[2])
    annotate(session, served, 0, 0, PLACE, version_name="v1")
    gold(session, served, 0, GoldSource.PERSON, PLACE)
    annotate(session, served, 1, 0, PLACE, version_name="v1")
    annotate(session, served, 1, 1, PLACE, version_name="v1")
    gold(session, served, 1, GoldSource.PERSON, PLACE)
    gold(session, served, 2, GoldSource.IMPORTED, PLACE)
    annotate(session, served, 2, 1, PLACE, version_name="v1")
    its = annotator_figures(session, served[0].id).bias.people
    assert [its[person].helped.judged for person in (one, two)] == [1, 1]
    assert its[one].stood == LetStand(1, 0)


def test_blind_work_of_before_pre_labels_and_of_audits_is_left_out(session, served):  # noqa: F811
    project, documents, _ = served
    blind(session, served, 0)
    annotate(session, served, 0, 0, PLACE, updated_at=START - timedelta(days=1))
    put(session, project, add_version(session, project, "v2"), None, [said(documents[1], 0.9)])
    session.get(Autolabel, documents[1].id).audit = Audit.RIGHT
    annotate(session, served, 1, 0, PLACE, version_name="v1")
    assert annotator_figures(session, project.id).bias.people == {}


def test_who_lets_wrong_pre_labels_stand_is_flagged(session, served):  # noqa: F811
    one, two = (person.id for person in served[2])
    for document in range(6):
        annotate(session, served, document, 0, PLACE, WRONG, version_name="v1")
        annotate(session, served, document, 1, PLACE, version_name="v1")
        gold(session, served, document, GoldSource.DECISION, PLACE)
    found = annotator_figures(session, served[0].id).bias
    assert found.flagged == [one]
    assert found.tested[one].others == 0.0
    assert found.tested[two].p == 1.0
