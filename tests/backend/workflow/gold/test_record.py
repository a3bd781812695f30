"""When an annotation is gold, whatever order the news comes in; on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from backend.db.tables import (
    Account,
    AnnotationState,
    AnnotationStatus,
    Document,
    Gold,
    Prediction,
    Project,
    TaskState,
    Version,
)
from backend.workflow.gold.origins import SeenAnnotation
from backend.workflow.gold.record import record_deletion, record_state
from backend.workflow.label_studio.project_config import add_labels

CONFIG = (
    '<View><Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/></Labels>'
    '<Text name="text" value="$text"/></View>'
)
START = datetime(2026, 1, 1, tzinfo=UTC)
PER, LOC = (0, 2, "PER"), (3, 5, "LOC")


def regions(*entities):
    return [
        {
            "id": f"r{number}",
            "type": "labels",
            "from_name": "label",
            "to_name": "text",
            "value": {"start": start, "end": end, "labels": [label]},
        }
        for number, (start, end, label) in enumerate(entities)
    ]


def seen(number, minute, *entities, skipped=False, **changes):
    values = {
        "number": number,
        "task": 7,
        "created_at": START,
        "updated_at": START + timedelta(minutes=minute),
        "status": AnnotationStatus.SKIPPED if skipped else AnnotationStatus.SUBMITTED,
        "regions": regions(*entities),
        "lead_time": 3.5,
        "user": 1,
        "email": "annotator-1@example.com",
        "version_name": None,
        "predicted_regions": None,
    }
    return SeenAnnotation(**{**values, **changes})


class Desk:
    """One document with an open task, and what is recorded of it."""

    def __init__(self, database):
        self.database = database
        with database.write() as session:
            project = Project(
                key="p", name="p", label_config=CONFIG, labels=["PER", "LOC"], label_studio_id=1
            )
            session.add(project)
            session.flush()
            document = Document(
                project_id=project.id,
                external_id="d1",
                text="철수 서울 갔다",
                group_key="0" * 64,
                task_id=7,
                task_state=TaskState.OPEN,
            )
            session.add(document)
            session.flush()
            self.project_id, self.document_id = project.id, document.id

    def record(self, annotation, **options):
        with self.database.write() as session:
            document = session.get_one(Document, self.document_id)
            return record_state(session, document, annotation, **options)

    def delete(self, number):
        with self.database.write() as session:
            return record_deletion(session, self.project_id, number)

    @property
    def gold(self):
        with self.database.read() as session:
            return session.get(Gold, self.document_id)

    @property
    def entities(self):
        return [tuple(e.values()) for e in self.gold.entities] if self.gold else None

    @property
    def revision(self):
        with self.database.read() as session:
            return session.get_one(Project, self.project_id).gold_revision

    @property
    def document(self):
        with self.database.read() as session:
            return session.get_one(Document, self.document_id)

    def states(self):
        with self.database.read() as session:
            return session.scalars(select(AnnotationState).order_by(AnnotationState.id)).all()


@pytest.fixture
def desk(any_database):
    return Desk(any_database)


def test_one_submitted_annotation_is_gold_with_its_annotator_and_lead_time(desk):
    assert desk.record(seen(1, 0, PER)).gold_changed
    assert (desk.entities, desk.gold.source, desk.revision) == ([PER], "person", 1)
    assert desk.document.task_state == TaskState.DONE
    with desk.database.read() as session:
        account = session.get_one(Account, desk.gold.account_id)
    assert (account.email, account.label_studio_user_id) == ("annotator-1@example.com", 1)
    assert (account.password_hash, account.role) == (None, "annotator")
    assert desk.states()[0].lead_time == 3.5


def test_an_annotation_without_entities_is_gold_too(desk):
    assert desk.record(seen(1, 0)).gold_changed
    assert desk.entities == []


def test_an_account_is_matched_by_address_whatever_its_case(desk):
    with desk.database.write() as session:
        session.add(Account(email="annotator-1@example.com", role="curator", session_token="x"))
    desk.record(seen(1, 0, PER, email="annotator-1@example.com", user=9))
    with desk.database.read() as session:
        account = session.scalars(select(Account)).one()
    assert (account.role, account.label_studio_user_id) == ("curator", 9)


def test_a_skip_is_not_gold_but_done(desk):
    assert not desk.record(seen(1, 0, skipped=True)).gold_changed
    assert (desk.gold, desk.document.task_state, desk.revision) == (None, TaskState.DONE, 0)


def test_an_edit_replaces_and_the_same_entities_again_change_nothing(desk):
    desk.record(seen(1, 0, PER))
    assert desk.record(seen(1, 1, PER, LOC)).gold_changed
    assert (desk.entities, desk.gold.revision) == ([PER, LOC], 2)
    again = desk.record(seen(1, 2, LOC, PER))
    assert again.news
    assert not again.gold_changed
    assert desk.revision == 2


def test_a_deletion_withdraws_and_is_final(desk):
    desk.record(seen(1, 0, PER))
    assert desk.delete(1).gold_changed
    assert (desk.gold, desk.revision, desk.document.task_state) == (None, 2, TaskState.OPEN)
    assert not desk.delete(1).news
    assert not desk.record(seen(1, 5, PER)).news  # delivered late
    assert desk.gold is None
    assert desk.record(seen(1, 5, LOC), alive=True).gold_changed  # Label Studio has it
    assert desk.entities == [LOC]


def test_a_deletion_that_proves_untrue_is_taken_back(desk):
    desk.record(seen(1, 0, PER))
    desk.delete(1)
    assert desk.record(seen(1, 0, PER), alive=True).gold_changed
    assert desk.entities == [PER]
    assert [state.status for state in desk.states()] == ["submitted"]


def test_a_repeated_delivery_is_no_news(desk):
    desk.record(seen(1, 0, PER))
    assert not desk.record(seen(1, 0, PER)).news
    assert (len(desk.states()), desk.revision) == (1, 1)


def test_an_older_state_never_overrides_a_newer_one(desk):
    desk.record(seen(1, 5, LOC))
    late = desk.record(seen(1, 1, PER))
    assert late.news  # who did what and when is kept
    assert not late.gold_changed
    assert (desk.entities, desk.revision) == ([LOC], 1)


def test_a_submission_turned_into_a_skip_withdraws(desk):
    desk.record(seen(1, 0, PER))
    assert desk.record(seen(1, 1, PER, skipped=True)).gold_changed
    assert desk.gold is None


def test_agreement_of_all_is_gold_and_disagreement_waits(desk):
    desk.record(seen(1, 0, PER))
    assert desk.record(seen(2, 1, LOC, user=2, email="annotator-2@example.com")).gold_changed
    assert (desk.gold, desk.document.task_state) == (None, TaskState.DONE)
    assert desk.record(seen(2, 2, PER, user=2, email="annotator-2@example.com")).gold_changed
    assert desk.entities == [PER]
    desk.record(seen(3, 3, skipped=True, user=3, email="cy@example.com"))
    assert desk.entities == [PER]  # a skip says nothing about entities
    desk.record(seen(2, 4, LOC, user=2, email="annotator-2@example.com"))
    assert desk.gold is None
    assert desk.delete(2).gold_changed
    assert desk.entities == [PER]


def test_imported_gold_comes_back_when_a_person_withdraws(desk):
    with desk.database.write() as session:
        project = session.get_one(Project, desk.project_id)
        project.gold_revision = 1
        imported = [{"start": 0, "end": 2, "label": "PER"}]
        session.add(
            Gold(
                document_id=desk.document_id,
                project_id=desk.project_id,
                entities=imported,
                source="imported",
                revision=1,
            )
        )
    assert not desk.record(seen(1, 0, skipped=True)).gold_changed
    assert desk.gold.source == "imported"
    # the very same entities, but now a person vouches for them
    assert desk.record(seen(2, 1, PER)).gold_changed
    assert (desk.gold.source, desk.gold.revision) == ("person", 2)
    assert desk.delete(2).gold_changed
    assert (desk.gold.source, desk.entities, desk.gold.account_id) == ("imported", [PER], None)
    assert desk.document.imported_gold is None


def test_imported_gold_survives_a_disagreement(desk):
    with desk.database.write() as session:
        session.add(
            Gold(
                document_id=desk.document_id,
                project_id=desk.project_id,
                entities=[],
                source="imported",
                revision=0,
            )
        )
    desk.record(seen(1, 0, PER))
    desk.record(seen(2, 1, LOC))
    assert desk.gold is None
    desk.delete(1)
    assert desk.entities == [LOC]
    desk.delete(2)
    assert (desk.gold.source, desk.entities) == ("imported", [])


def test_what_is_cleaned_and_corrected_is_kept_with_the_state(desk):
    with desk.database.write() as session:
        version = Version(project_id=desk.project_id, name="v1")
        session.add(version)
        session.flush()
        session.add(
            Prediction(
                document_id=desk.document_id,
                version_id=version.id,
                confidence=0.5,
                entities=[
                    {"start": 0, "end": 2, "label": "PER", "probability": 0.9},
                    {"start": 3, "end": 4, "label": "LOC", "probability": 0.2},
                ],
            )
        )
    desk.record(seen(1, 0, PER, LOC, (0, 2, "PER"), (5, 99, "LOC"), version_name="v1"))
    (state,) = desk.states()
    assert state.version_name == "v1"
    assert state.cleaned == {"duplicate": 1, "out_of_range": 1}
    assert state.correction == {"kept": 1, "added": 0, "removed": 0, "moved": 1, "relabelled": 0}
    assert len(state.regions) == 4  # as they came


def test_without_our_own_copy_the_prediction_label_studio_has_is_compared(desk):
    desk.record(seen(1, 0, PER, version_name="other", predicted_regions=regions((0, 2, "LOC"))))
    assert desk.states()[0].correction["relabelled"] == 1


def test_a_document_annotated_from_nothing_has_no_correction(desk):
    desk.record(seen(1, 0, PER))
    assert desk.states()[0].correction == {}


def test_every_change_of_gold_takes_the_next_revision(desk):
    for minute, entities in enumerate([[PER], [PER, LOC], [LOC], []]):
        desk.record(seen(1, minute, *entities))
        assert desk.gold.revision == desk.revision == minute + 1
    with desk.database.read() as session:
        assert session.scalar(select(func.count()).select_from(AnnotationState)) == 4


def test_what_a_version_calls_otherwise_was_shown_under_the_configurations_name(desk):
    with desk.database.write() as session:
        labels = {"trained": ["PERSON"], "mapping": {"PER": "PERSON"}, "left_out": {}}
        version = Version(project_id=desk.project_id, name="v1", figures={"labels": labels})
        session.add(version)
        session.flush()
        session.add(
            Prediction(
                document_id=desk.document_id,
                version_id=version.id,
                confidence=0.5,
                entities=[{"start": 0, "end": 2, "label": "PERSON", "probability": 0.9}],
            )
        )
    desk.record(seen(1, 0, PER, version_name="v1"))
    kept = {"kept": 1, "added": 0, "removed": 0, "moved": 0, "relabelled": 0}
    assert desk.states()[0].correction == kept


def test_the_same_entities_again_after_a_label_was_added_are_news(desk):
    desk.record(seen(1, 0, PER))
    with desk.database.write() as session:
        project = session.get_one(Project, desk.project_id)
        assert add_labels(session, project, ["PER", "LOC", "ORG"]) == ["ORG"]
        assert project.label_since == {"ORG": 1}
    assert desk.record(seen(1, 1, PER)).gold_changed  # somebody has looked for it now
    assert desk.gold.revision == 2
    assert not desk.record(seen(1, 2, PER)).gold_changed


def test_imported_gold_that_comes_back_says_nothing_of_labels_that_were_added(desk):
    test_imported_gold_comes_back_when_a_person_withdraws(desk)
    with desk.database.write() as session:
        add_labels(session, session.get_one(Project, desk.project_id), ["ORG"])
    desk.record(seen(3, 2, PER))
    desk.delete(3)
    assert (desk.gold.source, desk.document.not_annotated) == ("imported", ["ORG"])
