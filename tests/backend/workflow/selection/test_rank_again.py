"""The queue in another version's order."""

from backend.db import pool
from backend.db.session import Database
from backend.db.tables import Arm
from backend.workflow.selection.rank_again import rank_again
from tests.backend.workflow.loop_data import add_documents, add_project, open_tasks


def test_ranking_again_follows_the_new_confidences_and_spreads_the_random_arm(
    any_database: Database,
):
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, map(str, range(20)))
        open_tasks(documents)
        for number, document in enumerate(documents):
            document.queue_number = number + 1
            document.arm = Arm.RANDOM if number % 5 == 0 else Arm.RANKED
        sure = {document.id: 1 - number / 20 for number, document in enumerate(documents)}
        rank_again(session, project, sure)
        order = pool.open_documents(session, project.id)
    assert [document.queue_number for document in order] == list(range(1, 21))
    ranked = [document for document in order if document.arm == Arm.RANKED]
    assert [sure[document.id] for document in ranked] == sorted(sure[one.id] for one in ranked)
    places = [document.queue_number for document in order if document.arm == Arm.RANDOM]
    assert places == [5, 10, 15, 20]


def test_numbers_that_label_studio_holds_are_kept_when_ranking_again(any_database: Database):
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, "abcd")
        open_tasks(documents)
        kept = {documents[0].id: 7, documents[2].id: 3}
        rank_again(session, project, {}, kept)
    assert [document.queue_number for document in documents] == [7, 8, 3, 9]
