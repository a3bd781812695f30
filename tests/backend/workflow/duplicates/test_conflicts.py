"""Conflicts among exact and near copies, in databases and on a real corpus."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.db.claims import Claim
from backend.db.session import Database
from backend.db.tables import (
    Account,
    AnnotationState,
    AnnotationStatus,
    Document,
    Gold,
    GoldSource,
    Project,
    now,
)
from backend.loop.near import find_near
from backend.workflow.dedupe import dedupe
from backend.workflow.duplicates.conflicts import (
    common,
    conflict_among,
    exact_conflicts,
    near_conflict_among,
    near_conflicts,
)
from backend.workflow.duplicates.normal_form import group_key, normal_form
from backend.workflow.formats.record import DocumentRecord
from backend.workflow.import_documents import import_lines
from backend.workflow.imports.ready_documents import chunks
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from tests.backend.workflow.loop_data import add_documents, add_project

CORPORA = Path(__file__).parents[5] / "shared" / "corpora"


def claim(number: int, text: str, *entities: tuple[int, int, str], **given: object) -> Claim:
    facts = {"near_id": None, "source": "imported", "who": None, "group_key": group_key(text)}
    records = [{"start": start, "end": end, "label": label} for start, end, label in entities]
    return Claim(number, f"d{number}", text, entities=records, **{**facts, **given})


def test_copies_conflict_where_their_normal_forms_say_different_things() -> None:
    same = [claim(1, "롯데는 이겼다", (0, 2, "OG")), claim(2, " 롯데는  이겼다", (1, 3, "OG"))]
    assert conflict_among(same, casefold=False) is None
    conflict = conflict_among(
        [*same, claim(3, "롯데는 이겼다", (0, 3, "OG"), who="a@example.org")], casefold=False
    )
    assert conflict is not None
    assert conflict.majority
    assert [variant.votes for variant in conflict.variants] == [2, 1]
    assert conflict.variants[0].documents == ["d1", "d2"]
    assert conflict.variants[1].who == ["a@example.org"]
    (difference,) = conflict.variants[1].differences
    assert (difference.kind, difference.before, difference.after) == (
        "moved",
        "롯데/OG",
        "롯데는/OG",
    )


def test_every_kind_of_difference_is_told() -> None:
    conflict = conflict_among(
        [
            claim(1, "가나다라마바사", (0, 1, "A"), (2, 4, "B"), (4, 5, "A")),
            claim(2, "가나다라마바사", (0, 1, "B"), (2, 3, "B"), (6, 7, "A")),
        ],
        casefold=False,
    )
    assert conflict is not None
    assert not conflict.majority
    assert {(d.kind, d.before, d.after) for d in conflict.variants[1].differences} == {
        ("relabelled", "가/A", "가/B"),
        ("moved", "다라/B", "다/B"),
        ("removed", "마/A", None),
        ("added", None, "사/A"),
    }
    assert json.dumps(conflict.to_dict())


def test_near_copies_are_held_against_each_other_where_they_are_the_same() -> None:
    one = claim(1, "김가나 씨는 서울 시청에 갔다", (0, 3, "PS"), (7, 9, "LC"))
    name = claim(2, "이다라 씨는 서울 시청에 갔다", (0, 3, "PS"), (7, 9, "LC"))
    assert near_conflict_among([one, name], casefold=False) is None
    none = claim(3, "이다라마 씨는 서울 시청에 갔다", (8, 10, "LC"))  # the name differs: no matter
    assert near_conflict_among([one, name, none], casefold=False) is None
    wide = claim(4, "박마바 씨는 서울 시청에 갔다", (0, 3, "PS"), (7, 12, "OG"))
    also = claim(5, "최사아 씨는 서울 시청에 갔다.", (7, 12, "OG"))
    conflict = near_conflict_among([one, name, wide, also], casefold=False)
    assert conflict is not None
    assert (conflict.kind, conflict.name) == ("near", "d1")
    assert [variant.documents for variant in conflict.variants] == [["d1", "d2"], ["d4", "d5"]]
    assert {(d.kind, d.before, d.after) for d in conflict.variants[1].differences} == {
        ("removed", "서울/LC", None),
        ("added", None, "서울시청/OG"),
    }


def test_what_touches_a_difference_is_left_out_with_what_it_overlaps() -> None:
    said = frozenset({Entity(0, 2, "A")})
    # theirs reaches over the difference, ours lies in the common part: not comparable
    assert common("가나다라", said, "가나마라", frozenset({Entity(0, 3, "A")})) == (
        frozenset(),
        frozenset(),
    )
    assert common("가나다라", frozenset({Entity(0, 3, "A")}), "가나마라", said) == (
        frozenset(),
        frozenset(),
    )
    assert common("가나다라", said, "가나마라", said) == (said, said)
    assert common("가나다라", frozenset(), "가나마라", said) == (frozenset(), said)


texts = st.text("가나다라", max_size=8)


@given(texts, texts, st.data())
def test_common_parts_have_the_same_surface(one: str, other: str, data: st.DataObject) -> None:
    def said(text: str) -> frozenset[Entity]:
        if not text:
            return frozenset()
        start = data.draw(st.integers(0, len(text) - 1))
        return frozenset({Entity(start, data.draw(st.integers(start + 1, len(text))), "A")})

    ours, theirs = said(one), said(other)
    left, right = common(one, ours, other, theirs)
    assert left <= ours
    (label,) = {entity.label for entity in (*left, *right)} or {"A"}
    assert label == "A"
    for entity in right:
        (original,) = theirs
        assert one[entity.start : entity.end] == other[original.start : original.end]
    assert common(one, ours, one, ours) == (ours, ours)


def give(session, document: Document, *entities: tuple[int, int, str], source="imported") -> None:
    session.add(
        Gold(
            document_id=document.id,
            project_id=document.project_id,
            entities=[{"start": s, "end": e, "label": label} for s, e, label in entities],
            source=source,
            revision=1,
        )
    )


def annotate(session, document: Document, account: Account, *entities, number: int, late=0) -> None:
    session.add(
        AnnotationState(
            project_id=document.project_id,
            document_id=document.id,
            annotation_id=number,
            updated_at=now() + timedelta(seconds=late),
            status=AnnotationStatus.SUBMITTED,
            account_id=account.id,
            entities=[{"start": s, "end": e, "label": label} for s, e, label in entities],
        )
    )


def test_conflicts_of_a_project(any_database: Database) -> None:
    with any_database.write() as session:
        project = add_project(session)
        documents = add_documents(
            session, project, ["롯데는", "롯데는", "롯데는", "한화는", "삼성은", "삼성은", "두산은"]
        )
        give(session, documents[0], (0, 2, "PS"))
        give(session, documents[1], (0, 2, "LC"), source="person")
        give(session, documents[2], (0, 1, "PS"), source=GoldSource.COPIED)  # says nothing itself
        give(session, documents[3], (0, 2, "PS"))
        give(session, documents[4], (0, 2, "PS"))
        give(session, documents[5], (0, 2, "PS"))
        people = [Account(email=f"{name}@example.org", session_token=name) for name in "ab"]
        session.add_all(people)
        session.flush()
        annotate(session, documents[6], people[0], (0, 2, "PS"), number=1)
        annotate(session, documents[6], people[1], (0, 2, "LC"), number=2)
        session.flush()
        found = {conflict.name: conflict for conflict in exact_conflicts(session, project)}
        only = list(exact_conflicts(session, project, [documents[6].group_key]))
    names = [document.external_id for document in documents]
    assert set(found) == {names[1], names[6]}  # a person's gold speaks first
    assert [one.documents for one in found[names[1]].variants] == [[names[1]], [names[0]]]
    assert [one.who for one in found[names[6]].variants] == [["a@example.org"], ["b@example.org"]]
    assert [conflict.name for conflict in only] == [names[6]]


@pytest.mark.skipif(not CORPORA.is_dir(), reason=f"{CORPORA} is not on this machine")
def test_a_real_corpus_has_its_known_conflicts(database: Database, tmp_path: Path) -> None:
    lines = (CORPORA / "kmounlp-train.jsonl").read_text(encoding="utf-8").splitlines()
    kmounlp = [json.loads(line) for line in lines]
    labels = LabelSet(tuple(sorted({e["label"] for one in kmounlp for e in one["entities"]})))
    by_text: dict[str, set[frozenset]] = {}
    for one in kmounlp:
        said = frozenset((e["start"], e["end"], e["label"]) for e in one["entities"])
        by_text.setdefault(one["text"], set()).add(said)
    assert sum(len(said) > 1 for said in by_text.values()) == 74

    with database.write() as session:
        project = Project(key="p", name="p", label_config="", labels=list(labels))
        session.add(project)
        session.flush()
    records = (
        DocumentRecord(
            "kmounlp",
            line,
            one["text"],
            entities=[Entity(e["start"], e["end"], e["label"]) for e in one["entities"]],
        )
        for line, one in enumerate(kmounlp, start=1)
    )
    for chunk in chunks(records, labels, 5000):
        with database.write() as session:
            import_lines(session, project.id, chunk.ready, "train")
    seen = conflicts = 0
    while True:
        with database.write() as session:
            report = dedupe(session, project.id, 5000)
        seen, conflicts = seen + report.looked_at, conflicts + report.conflicts
        if not report.looked_at:
            break
    find_near(database, tmp_path, project.id)
    with database.read() as session:
        project = session.get_one(Project, project.id)
        exact = list(exact_conflicts(session, project))
        near = list(near_conflicts(session, project))
    assert len(exact) == 75
    assert all(len(conflict.variants) > 1 for conflict in (*exact, *near))
    assert all(variant.differences for one in (*exact, *near) for variant in one.variants[1:])
    assert near  # found by what they share
    assert len({normal_form(conflict.text) for conflict in exact}) == 75
