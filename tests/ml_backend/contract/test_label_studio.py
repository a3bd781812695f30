from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import parse_label_config, shown_as, to_regions

CONTROL = parse_label_config(
    '<View><Labels name="l" toName="t"><Label value="PS"/><Label value="LC"/><Label value="OG"/>'
    '</Labels><Text name="t" value="$text"/></View>'
)


def test_a_target_is_shown_as_itself_where_it_is_known_else_as_the_first_that_became_it():
    mapping = {"PS": "PERSON", "LC": "PLACE", "OG": "PLACE", "CITY": "LC", "GONE": "NOWHERE"}
    assert shown_as(mapping, ["PS", "LC", "OG"]) == {"PERSON": "PS", "PLACE": "LC"}
    assert shown_as(mapping, ["PS", "OG", "PERSON"]) == {"PLACE": "OG"}
    assert shown_as({}, ["PS"]) == {}


def test_regions_bear_labels_of_the_configuration():
    entities = [Entity(0, 1, "PERSON", 0.5), Entity(1, 2, "LC"), Entity(2, 3, "UNKNOWN")]
    regions, left_out = to_regions(entities, "가나다", CONTROL, {"PS": "PERSON"})
    assert [region["value"]["labels"] for region in regions] == [["PS"], ["LC"]]
    assert left_out == 1
    same = to_regions([Entity(0, 1, "PS", 0.5)], "가나다", CONTROL)[0]
    assert same == regions[:1]  # id and all
    assert to_regions(entities, "가나다", CONTROL)[1] == 2
