"""AIHub and 모두의 말뭉치: sentences wherever they stand, each entity at its own form."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend.workflow.formats import sentence_json
from backend.workflow.formats.record import RefusedLine
from tests.backend.workflow.formats.sources import good, records_in, shown

TEXT = "한석규가 서울에서 👨‍👩‍👧 사진관을"
SEOUL = TEXT.index("서울")


def entity(form: str, label: str, begin: int, end: int) -> dict[str, Any]:
    return {"id": 1, "form": form, "label": label, "begin": begin, "end": end}


def sentence(*entities: object, number: int = 1, **more: object) -> dict[str, Any]:
    words = [{"id": 1, "form": "한석규가", "begin": 0, "end": 4}]
    return {"id": f"N.1.{number}", "form": TEXT, "word": words, "NE": [*entities], **more}


def corpus(*sentences: object) -> dict[str, Any]:
    documents = [{"id": "N.1", "metadata": {"a": ["x"]}, "sentence": [*sentences]}]
    return {
        "id": "N",
        "metadata": {"author": ["국립국어원"], "year": "2021"},
        "document": documents,
    }


FOUND = (TEXT, [("한석규", "PS_NAME"), ("서울", "LCP_CITY")])
BOTH = (entity("한석규", "PS_NAME", 0, 3), entity("서울", "LCP_CITY", SEOUL, SEOUL + 2))


def read(folder: Path, value: object, **how: Any) -> Any:
    return records_in(folder, json.dumps(value, ensure_ascii=False, **how), sentence_json, "a.json")


@pytest.mark.parametrize("indent", [None, 2])
def test_sentences_of_documents_are_read_with_their_ids(tmp_path: Path, indent: int | None) -> None:
    found = read(tmp_path, corpus(sentence(*BOTH), sentence(number=2)), indent=indent)
    assert shown(found) == [FOUND, (TEXT, [])]
    assert [one.external_id for one in found] == ["N.1.1", "N.1.2"]
    assert good(found)[0].meta == {}


def test_an_end_that_is_included_is_seen_by_the_form(tmp_path: Path) -> None:
    included = [{**one, "end": one["end"] - 1} for one in BOTH]
    assert shown(read(tmp_path, corpus(sentence(*included)))) == [FOUND]


def test_the_names_of_aihub_are_known(tmp_path: Path) -> None:
    value = {
        "docu_info": {
            "name": "관광",
            "sentences": [
                {
                    "sentenceId": 1,
                    "sentence": TEXT,
                    "annotations": [
                        {"TagText": "서울", "TagCode": "LC", "startPos": SEOUL, "endPos": SEOUL + 1}
                    ],
                }
            ],
        }
    }
    (found,) = good(read(tmp_path, value))
    assert shown([found]) == [(TEXT, [("서울", "LC")])]
    assert found.external_id is None


@pytest.mark.parametrize(
    "values", [[sentence(*BOTH)], {"data": [sentence(*BOTH)]}, sentence(*BOTH)]
)
def test_it_does_not_matter_how_deep_they_are(tmp_path: Path, values: object) -> None:
    assert shown(read(tmp_path, values)) == [FOUND]


def test_a_sentence_that_says_nothing_of_entities_has_none_known(tmp_path: Path) -> None:
    plain = sentence(number=2)
    del plain["NE"]
    assert [one.entities for one in good(read(tmp_path, corpus(sentence(), plain)))] == [[], None]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (entity("한석규", "PS", 1, 4), "says it is '한석규', but the text there is '석규가'"),
        (entity("한석규", "PS", 0, 99), "out of range"),
        ({"form": "한석규", "label": "PS"}, "begin and end must be whole numbers"),
        (entity("한석규", "", 0, 3), "label"),
        ("한석규", "entities must be a list of objects"),
    ],
)
def test_an_entity_that_is_not_where_it_says_refuses_its_sentence(
    tmp_path: Path, bad: object, reason: str
) -> None:
    refused, fine = read(tmp_path, corpus(sentence(bad), sentence(*BOTH, number=2)))
    assert isinstance(refused, RefusedLine)
    assert reason in refused.reason
    assert str(refused).startswith("a.json: record 1: ")
    assert shown([fine]) == [FOUND]


def test_what_was_refused_is_mended_a_line_each(tmp_path: Path) -> None:
    (refused,) = read(tmp_path, corpus(sentence(entity("한석규", "PS_NAME", 5, 9), BOTH[1])))
    assert isinstance(refused.raw, dict)
    refused.raw["NE"][0] |= {"begin": 0, "end": 3}
    line = json.dumps({"refused": "why", **refused.raw}, ensure_ascii=False)
    (mended,) = good(records_in(tmp_path, f"{line}\n", sentence_json, "a.jsonl"))
    assert shown([mended]) == [FOUND]
    assert (mended.external_id, mended.meta) == ("N.1.1", {})


def test_a_cut_file_gives_what_it_has(tmp_path: Path) -> None:
    content = json.dumps(
        {"data": [sentence(*BOTH, number=n) for n in range(9)]}, ensure_ascii=False
    )
    *before, last = records_in(tmp_path, content[: len(content) // 2], sentence_json, "a.json")
    assert len(good(before)) == 4
    assert "nothing after it can be read" in str(last)
