import pytest

from backend.db.tables import Version
from backend.workflow.versions.labels import (
    VersionLabels,
    labels_of,
    labels_of_snapshot,
    under_labels_of,
)
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import Manifest

NONE: dict[str, str] = {}


@pytest.mark.parametrize(
    ("before", "now", "called"),
    [
        (NONE, NONE, {"PS": "PS", "LC": "LC", "OG": "OG"}),
        (NONE, {"PS": "PERSON"}, {"PS": "PERSON"}),  # renamed since
        ({"PS": "PERSON"}, NONE, {"PERSON": "PS"}),  # and back again
        ({"PS": "PERSON"}, {"PS": "인물"}, {"PERSON": "인물"}),
        (NONE, {"LC": "OG"}, {"LC": "OG", "OG": "OG"}),  # merged since
        ({"LC": "OG"}, NONE, {"OG": "OG"}),  # parted since: what it cannot tell stays one
        ({"LC": "PLACE", "OG": "PLACE"}, NONE, {"PLACE": "LC"}),
    ],
)
def test_an_earlier_versions_label_is_called_what_gold_is_called_now(before, now, called):
    def labels(mapping: dict[str, str]) -> VersionLabels:
        trained = tuple(dict.fromkeys(mapping.get(one, one) for one in ("PS", "LC", "OG")))
        return VersionLabels(trained, mapping)

    for label, expected in called.items():
        assert labels(before).called(label, labels(now)) == expected


def test_what_is_not_trained_any_more_is_not_scored():
    now = VersionLabels(("PERSON",), {"PS": "PERSON"}, {"LC": 3})
    predicted = [[Entity(0, 1, "PS", 0.5), Entity(1, 2, "LC")], []]
    found = under_labels_of(now, VersionLabels(("PS", "LC")), predicted)
    assert found == [[Entity(0, 1, "PERSON")], []]
    assert found[0][0].probability == 0.5


def test_what_a_version_knows_is_kept_with_its_figures():
    manifest = Manifest(LabelSet(("PERSON", "OG")), {}, {}, {"PS": "PERSON"}, {"LC": 3})
    version = Version(figures={"labels": labels_of_snapshot(manifest).to_dict()})
    kept = labels_of(version)
    assert kept == VersionLabels(("PERSON", "OG"), {"PS": "PERSON"}, {"LC": 3})
    assert kept.known(["PS", "LC", "OG", "new"]) == {"PS", "OG"}
    assert kept.in_gold(["PS", "LC", "OG"]) == {"PERSON": "PS"}


def test_a_version_of_before_the_rules_has_nothing_kept():
    assert labels_of(Version(figures={})) == VersionLabels()
    assert labels_of(Version(figures={"adopted": True})).trained == ()
