import pytest

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import parse_label_config
from ml_backend.serving.tasks import LONGEST_TEXT, answer_tasks, in_unit, untrained
from ml_backend.tagger.predict import TextPrediction

CONTROL = parse_label_config(
    '<View><Labels name="ner" toName="body"><Label value="인물"/></Labels>'
    '<Text name="body" value="$content"/></View>'
)
VERSIONS = frozenset({"v1", "v2"})


def first_two_characters(texts):
    return [
        TextPrediction(
            [Entity(0, 1, "인물", 0.9), Entity(1, 2, "기관", 0.8)] if len(text) > 1 else [], 0.75
        )
        for text in texts
    ]


def answer(tasks, predict=first_two_characters, mapping=None):
    return answer_tasks(tasks, CONTROL, predict, version="v2", versions=VERSIONS, mapping=mapping)


def task(text, **more):
    return {"id": 1, "data": {"content": text}, **more}


def stored(id_, version, score, *result):
    return {"id": id_, "model_version": version, "score": score, "result": [*result]}


def test_one_result_a_task_in_order_with_names_from_the_configuration():
    results = answer([task("가나"), task("x"), task("다라")]).results
    assert [len(result["result"]) for result in results] == [1, 0, 1]
    region = results[2]["result"][0]
    assert (region["from_name"], region["to_name"], region["type"]) == ("ner", "body", "labels")
    assert region["value"] == {"start": 0, "end": 1, "text": "다", "labels": ["인물"]}
    assert region["score"] == 0.9
    assert all(result["score"] == 0.75 for result in results)
    assert {result["model_version"] for result in results} == {"v2"}


def test_a_label_that_the_configuration_lacks_is_left_out_and_counted():
    found = answer([task("가나"), task("다라")])
    assert found.left_out == {"기관": 2}
    assert all(
        region["value"]["labels"] == ["인물"]
        for result in found.results
        for region in result["result"]
    )


def test_a_label_that_was_renamed_for_training_is_shown_under_the_configurations_name():
    found = answer([task("가나")], mapping={"인물": "기관", "단체": "조직"})
    labels = [region["value"]["labels"] for region in found.results[0]["result"]]
    assert labels == [["인물"], ["인물"]]
    assert not found.left_out


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        "text",
        [],
        {},
        {"id": 5},
        {"id": 5, "data": None},
        {"id": 5, "data": []},
        {"id": 5, "data": {"text": "wrong field"}},
        {"id": 5, "data": {"content": None}},
        {"id": 5, "data": {"content": 3.5}},
        {"id": 5, "data": {"content": ["가"]}},
        {"id": 5, "data": {"content": "가" * 200_000}},
        {"id": 5, "data": {"content": "half \ud83d a pair"}},
    ],
)
def test_an_unusable_task_has_an_empty_result_and_spares_the_others(bad):
    found = answer([task("가나"), bad, task("다라")])
    assert [len(result["result"]) for result in found.results] == [1, 0, 1]
    assert found.results[1] == {"result": [], "score": 0.0, "model_version": "v2"}
    assert sum(len(names) for names in found.unusable.values()) == 1


def test_the_longest_text_that_is_tagged_has_as_many_characters_as_said():
    assert not answer([task("가" * LONGEST_TEXT)]).unusable
    assert answer([task("가" * (LONGEST_TEXT + 1))]).unusable


def test_a_text_on_which_the_tagger_fails_has_an_empty_result():
    def fails_on_the_second(texts):
        return [None if i == 1 else p for i, p in enumerate(first_two_characters(texts))]

    found = answer([task("가나"), task("다라"), task("마바")], fails_on_the_second)
    assert [len(result["result"]) for result in found.results] == [1, 0, 1]
    assert found.unusable == {"the tagger failed on it": ["1"]}


def test_the_score_is_the_place_in_the_queue_that_our_newest_prediction_has():
    predictions = [stored(8, "v2", 0.25), stored(9, "v1", 0.5), stored(3, "v1", 0.1)]
    assert answer([task("가나", predictions=predictions)]).results[0]["score"] == 0.5
    unusable = answer([{"id": 2, "data": {}, "predictions": predictions}])
    assert unusable.results[0]["score"] == 0.5


def test_what_our_newest_prediction_left_empty_stays_empty_since_people_may_label_it_blind():
    region = {"type": "labels"}
    told = [
        [stored(8, "v1", 0.25, region), stored(9, "v1", 0.5)],
        [stored(8, "v1", 0.25), stored(9, "v2", 0.5, region)],
        [stored(8, "another model", 0.25)],
        [],
    ]
    found = answer([task("가나", predictions=predictions) for predictions in told])
    assert [len(result["result"]) for result in found.results] == [0, 1, 1, 1]
    assert {result["model_version"] for result in found.results} == {"v2"}


def region(start, end, text, label="인물", name="ner"):
    value = {"start": start, "end": end, "text": text, "labels": [label]}
    return {"id": "r", "from_name": name, "to_name": "body", "type": "labels", "value": value}


def test_what_the_version_has_stored_is_answered_again_without_what_people_rejected():
    """The tagger says `가` too: it was left out of what is stored."""
    shown = region(1, 2, "나")
    found = answer([task("가나", predictions=[stored(7, "v2", 0.25, shown)])]).results[0]
    assert found == {"result": [shown], "score": 0.25, "model_version": "v2"}


@pytest.mark.parametrize(
    "stale",
    [
        stored(7, "v1", 0.25, region(1, 2, "나")),  # of another version
        stored(7, "v2", 0.25, region(1, 2, "라")),  # of another text
        stored(7, "v2", 0.25, region(1, 3, "나")),
        stored(7, "v2", 0.25, region(1, 2, "나", "옛 이름")),
        stored(7, "v2", 0.25, region(1, 2, "나", [])),
        stored(7, "v2", 0.25, region(1, 2, "나", name="another control")),
        stored(7, "v2", 0.25, {"value": None}),
        stored(7, "v2", 0.25, None),
        stored(7, "v2", 0.25) | {"result": None},
    ],
)
def test_what_is_stored_of_something_else_is_predicted_anew(stale):
    found = answer([task("가나", predictions=[stale])]).results[0]
    assert [one["value"]["text"] for one in found["result"]] == ["가"]


@pytest.mark.parametrize(
    "predictions",
    [
        None,
        "x",
        [],
        [None],
        [stored(1, "another model", 0.1)],
        [stored(1, "untrained", 0.0)],
        [stored(1, None, 0.1)],
        [stored(1, "v1", None)],
        [stored(1, "v1", 7)],
        [stored(1, "v1", float("nan"))],
        [stored(1, ["v1"], 0.1)],
    ],
)
def test_without_a_place_of_ours_the_score_is_the_confidence(predictions):
    assert answer([task("가나", predictions=predictions)]).results[0]["score"] == 0.75


def test_no_tasks_no_results():
    assert answer([]).results == []


def test_before_a_first_version_every_task_has_an_empty_untrained_result():
    found = untrained([task("가나"), None])
    assert found.results == [{"result": [], "score": 0.0, "model_version": "untrained"}] * 2


@pytest.mark.parametrize(
    ("value", "score"), [(0.5, 0.5), (-0.1, 0.0), (1.5, 1.0), (float("nan"), 0.0)]
)
def test_scores_stay_between_0_and_1(value, score):
    assert in_unit(value) == score
