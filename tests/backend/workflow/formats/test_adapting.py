"""Labels of a file by the project's names, its smaller label set, and a prefix for its ids."""

import pytest

from backend.errors import InvalidInputError
from backend.workflow.formats.adapting import Adaptation, read_renaming
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from ml_backend.contract.entity import Entity

RECORD = DocumentRecord(
    "a", 1, "김철수 서울 3일", "7", [Entity(0, 3, "PS"), Entity(4, 6, "LCP"), Entity(7, 9, "DT")]
)


def adapted(adaptation: Adaptation, record: DocumentRecord = RECORD) -> DocumentRecord:
    (found,) = adaptation([record])
    assert isinstance(found, DocumentRecord)
    return found


def test_labels_are_renamed_merged_and_left_out() -> None:
    found = adapted(Adaptation({"LCP": "LC", "PS": "LC", "DT": None}))
    assert found.entities == [Entity(0, 3, "LC"), Entity(4, 6, "LC")]
    assert (found.text, found.external_id, found.labels) == (RECORD.text, "7", None)
    assert found.not_annotated == ("DT",)


def test_a_declared_label_set_is_renamed_too_and_a_persons_word_stands_above_it() -> None:
    declared = DocumentRecord("a", 1, "글", labels=("PS", "LCP", "LCC", "DT"))
    renamed = {"LCP": "LC", "LCC": "LC", "DT": None}
    assert adapted(Adaptation(renamed), declared).labels == ("PS", "LC")
    assert adapted(Adaptation(renamed, ("PS",)), declared).labels == ("PS",)
    assert adapted(Adaptation(labels=("PS",))).labels == ("PS",)


def test_ids_get_a_prefix_and_the_nameless_stay_so() -> None:
    assert adapted(Adaptation(id_prefix="b-")).external_id == "b-7"
    assert adapted(Adaptation(id_prefix="b-"), DocumentRecord("a", 1, "글")).external_id is None


def test_refusals_pass() -> None:
    refused = RefusedLine("a", 1, "why")
    assert list(Adaptation({"A": "B"})([refused])) == [refused]
    assert list(Adaptation()([refused, RECORD])) == [refused, RECORD]


def test_what_people_type_is_read() -> None:
    assert read_renaming(["PS=사람", "IT 용어 = IT", "a=b=c", "DT="]) == {
        "PS": "사람",
        "IT 용어": "IT",
        "a=b": "c",
        "DT": None,
    }
    for words in (["PS"], ["=PS"], ["PS=A", "PS=B"]):
        with pytest.raises(InvalidInputError):
            read_renaming(words)
