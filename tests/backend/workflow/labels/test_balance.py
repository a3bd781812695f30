from backend.db.label_counts import add_counts
from backend.db.session import Database
from backend.db.tables_of_labels import Counted
from backend.workflow.labels import map_labels
from backend.workflow.labels.balance import Count, balance
from tests.backend.workflow.loop_data import add_project, add_version


def lists(*documents: str) -> list[list[dict[str, str]]]:
    return [[{"label": label} for label in labels.split()] for labels in documents]


def test_every_count_stands_beside_its_label(any_database: Database):
    with any_database.write() as session:
        project = add_project(session, min_support=2)
        old, champion = add_version(session, project, "v1"), add_version(session, project, "v2")
        project.champion_id = champion.id
        add_counts(session, project.id, Counted.GOLD, 0, (), lists("PS PS", "PS LC"))
        add_counts(session, project.id, Counted.CORRECTION, 0, (), lists("LC"))
        add_counts(session, project.id, Counted.PREDICTION, old.id, (), lists("PS"))
        add_counts(session, project.id, Counted.PREDICTION, champion.id, (), lists("LC LC PERSON"))
        add_counts(session, project.id, Counted.AUTOLABEL, old.id, (), lists("PS"))
        add_counts(session, project.id, Counted.AUTOLABEL, champion.id, (), lists("PS PS"))
        map_labels.rename(session, project, "PS", "PERSON", by="x")
        found = balance(session, project)

    ps, lc, person = found.labels
    assert (ps.label, ps.trained_as, ps.gold) == ("PS", "PERSON", Count(3, 2))
    assert (ps.predictions, ps.autolabels) == (Count(), Count(3, 2))
    assert (lc.trained_as, lc.gold, lc.corrections) == (None, Count(1, 1), Count(1, 1))
    assert lc.predictions == Count(2, 1)
    assert (person.label, person.trained_as, person.predictions) == (
        "PERSON",
        "PERSON",
        Count(1, 1),
    )
    assert (found.minimum, found.support) == (2, {"PERSON": 3, "LC": 1})
    assert found.to_dict()["labels"][0]["gold"] == {"entities": 3, "documents": 2}
