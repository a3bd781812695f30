"""The sample corpus: deterministic, correctly labelled, and honest about what is new."""

import hashlib
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from backend.sample.command import sample
from backend.sample.generate import SampleDocument, generate
from backend.sample.lexicon import LABELS, is_held_out, label_of, lexicons
from backend.sample.particles import FORMS, Coda, coda
from backend.sample.sentences import Part

DOCUMENTS = 12_000
ROOT = Path(__file__).parents[3]


@cache
def corpus(part: Part) -> list[SampleDocument]:
    return list(generate(DOCUMENTS, seed=5, part=part))


def digest(documents: list[SampleDocument]) -> str:
    return hashlib.sha256(orjson.dumps([d.to_dict() for d in documents])).hexdigest()


def mentions(documents: list[SampleDocument]) -> set[str]:
    return {d.text[e.start : e.end] for d in documents for e in d.entities}


def known_mentions() -> dict[str, set[str]]:
    known: dict[str, set[str]] = {label: set() for label in LABELS}
    for kind, lexicon in lexicons().items():
        known[label_of(kind)] |= {word for word, _ in (*lexicon.train, *lexicon.held_out)}
    return known


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_same_seed_gives_the_same_documents_in_another_process(part: Part) -> None:
    code = (
        "import hashlib, orjson, sys; from backend.sample.generate import generate; "
        f"found = [d.to_dict() for d in generate(300, seed=11, part={part!r})]; "
        "sys.stdout.write(hashlib.sha256(orjson.dumps(found)).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout == digest(list(generate(300, seed=11, part=part)))
    assert run.stdout != digest(list(generate(300, seed=12, part=part)))


def test_a_longer_run_begins_with_a_shorter_one() -> None:
    assert list(generate(200, seed=5)) == corpus("train")[:200]


@pytest.mark.parametrize("part", ["train", "test"])
def test_entities_lie_in_the_text_in_order_and_apart(part: Part) -> None:
    for document in corpus(part):
        end = 0
        for entity in document.entities:
            assert end <= entity.start < entity.end <= len(document.text), document
            surface = document.text[entity.start : entity.end]
            assert surface == surface.strip(), document
            end = entity.end


@pytest.mark.parametrize("part", ["train", "test"])
def test_an_entity_is_a_mention_of_its_class_without_a_particle(part: Part) -> None:
    known = known_mentions()
    for document in corpus(part):
        if document.copy_of is None:
            for entity in document.entities:
                assert document.text[entity.start : entity.end] in known[entity.label], document


def test_particles_are_glued_to_names() -> None:
    particles = ("은", "는", "이", "가", "을", "를", "에서", "의")
    after = [d.text[e.end :] for d in corpus("train") for e in d.entities]
    assert sum(rest.startswith(particles) for rest in after) / len(after) > 0.4


@pytest.mark.parametrize(
    ("word", "particle", "expected"),
    [
        ("서울", "으로", "서울로"),
        ("부산", "으로", "부산으로"),
        ("제주", "으로", "제주로"),
        ("김민수", "은", "김민수는"),
        ("박지훈", "은", "박지훈은"),
        ("독일", "과", "독일과"),
        ("미국", "이", "미국이"),
        ("35%", "을", "35%를"),
        ("12kg", "이", "12kg이"),
        ("API", "이", "API가"),
        ("VPN", "을", "VPN을"),
        ("오브 3", "은", "오브 3은"),
        ("오브 5", "은", "오브 5는"),
    ],
)
def test_a_particle_takes_the_form_that_its_word_asks_for(
    word: str, particle: str, expected: str
) -> None:
    assert word + FORMS[particle][coda(word)] == expected


def test_rieul_is_a_coda_of_its_own() -> None:
    assert [coda(word) for word in ("서울", "부산", "제주", "7")] == [
        Coda.RIEUL,
        Coda.CONSONANT,
        Coda.NONE,
        Coda.RIEUL,
    ]


@pytest.mark.parametrize("part", ["train", "test"])
def test_all_classes_appear_with_a_long_tail(part: Part) -> None:
    count = Counter(entity.label for d in corpus(part) for entity in d.entities)
    assert set(count) == set(LABELS)
    assert {"사람", "수", "날짜", "조직/기관"} <= {label for label, _ in count.most_common(5)}
    rare = {label for label, _ in count.most_common()[-12:]}
    assert {"언어", "약", "문화/문명", "화폐(통화)"} <= rare
    assert count["사람"] > 12 * count["언어"]


@pytest.mark.parametrize("part", ["train", "test"])
def test_about_a_tenth_of_the_sentences_have_no_entity(part: Part) -> None:
    share = sum(not d.entities for d in corpus(part)) / DOCUMENTS
    assert 0.07 < share < 0.13


def test_neighbours_touch_or_stand_a_space_apart() -> None:
    gaps = Counter(
        d.text[left.end : right.start]
        for d in corpus("train")
        for left, right in zip(d.entities, d.entities[1:], strict=False)
    )
    assert gaps[""] > 100
    assert gaps[" "] > 1000


def test_text_holds_emoji_latin_and_digits() -> None:
    text = "".join(d.text for d in corpus("train"))
    assert any(ord(char) > 0xFFFF for char in text)
    assert "👨‍👩‍👧" in text
    assert any("A" <= char <= "Z" for char in text)
    assert any(char.isdecimal() for char in text)
    # An emoji before an entity is where code points and UTF-16 units part.
    assert any(
        ord(char) > 0xFFFF
        for d in corpus("train")
        for e in d.entities
        for char in d.text[: e.start]
    )


def test_copies_are_exact_or_near_and_some_are_labelled_differently() -> None:
    earlier: dict[str, SampleDocument] = {}
    exact: list[SampleDocument] = []
    near: list[SampleDocument] = []
    different: list[SampleDocument] = []
    for document in corpus("train"):
        if document.copy_of is None:
            earlier[document.id] = document
            continue
        original = earlier[document.copy_of]
        (exact if document.text == original.text else near).append(document)
        if labelling(document) != labelling(original):
            different.append(document)
    assert 0.07 < len(exact) / DOCUMENTS < 0.09
    assert 0.04 < len(near) / DOCUMENTS < 0.06
    assert 0.07 < len(different) / (len(exact) + len(near)) < 0.13


def labelling(document: SampleDocument) -> list[tuple[str, str]]:
    """Labels and mentions, with full-width characters folded to ASCII."""
    narrow = {code + 0xFEE0: code for code in range(ord("!"), ord("~") + 1)}
    return [(e.label, document.text[e.start : e.end].translate(narrow)) for e in document.entities]


def test_a_near_copy_keeps_its_mentions() -> None:
    originals = {d.id: d for d in corpus("train")}
    copies = [d for d in corpus("train") if d.copy_of is not None]
    kept = [d for d in copies if labelling(d) == labelling(originals[str(d.copy_of)])]
    assert len(kept) / len(copies) > 0.87


def test_no_mention_of_the_train_part_is_held_out() -> None:
    held_out = {word for lexicon in lexicons().values() for word, _ in lexicon.held_out}
    assert not mentions(corpus("train")) & held_out
    assert not any(is_held_out(surface) for surface in mentions(corpus("train")))


def test_half_of_the_test_mentions_are_unseen_and_marked() -> None:
    marked = [
        (unseen, d.text[e.start : e.end])
        for d in corpus("test")
        for e, unseen in zip(d.entities, d.unseen or (), strict=True)
    ]
    assert 0.48 < sum(unseen for unseen, _ in marked) / len(marked) < 0.52
    assert all(unseen == is_held_out(surface) for unseen, surface in marked)
    assert not {surface for unseen, surface in marked if unseen} & mentions(corpus("train"))


def test_the_train_text_does_not_contain_long_held_out_mentions() -> None:
    text = "\n".join(d.text for d in corpus("train")[:3000])
    new = {s for s in mentions(corpus("test")[:3000]) if is_held_out(s) and len(s) > 2}
    assert not [surface for surface in new if surface in text]


def test_the_test_part_has_no_planted_copies_and_other_sentences() -> None:
    assert all(d.copy_of is None for d in corpus("test"))
    texts = {d.text for d in corpus("train")}
    assert not [d.text for d in corpus("test") if d.text in texts]


def test_the_command_writes_json_lines(tmp_path: Path) -> None:
    out = tmp_path / "new" / "sample.jsonl"
    arguments = ["--documents", "50", "--seed", "7", "--out", str(out), "--part", "test"]
    result = CliRunner().invoke(sample, arguments)
    assert result.exit_code == 0, result.output
    records = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert [r["id"] for r in records[:2]] == ["test-0000001", "test-0000002"]
    assert all(len(r["unseen"]) == len(r["entities"]) for r in records)
    assert records == [
        orjson.loads(orjson.dumps(d.to_dict())) for d in generate(50, seed=7, part="test")
    ]


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        next(generate(-1, seed=0))
