"""Tag schemes: told apart by their use, decoded to the same entities, contradictions placed."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.formats.tag_schemes import (
    SchemeVotes,
    Span,
    TagError,
    TagScheme,
    read_tag,
)

ENTITIES: list[Span] = [(0, 1, "A"), (1, 3, "A"), (4, 7, "B"), (7, 8, "A")]


def tags(line: str) -> list[tuple[str, str]]:
    return [read_tag(tag) for tag in line.split()]


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("O", ("O", "")),
        ("-", ("O", "")),
        ("B-PER", ("B", "PER")),
        ("B_PS", ("B", "PS")),
        ("PER_I", ("I", "PER")),
        ("PS-B", ("B", "PS")),
        ("I-PER.NOM", ("I", "PER.NOM")),
        ("S-학문/이론", ("S", "학문/이론")),
        ("B-IT 용어", ("B", "IT 용어")),
        ("B-A-B", ("B", "A-B")),
        ("L-O", ("L", "O")),
    ],
)
def test_a_tag_is_a_letter_and_a_label(text: str, tag: tuple[str, str]) -> None:
    assert read_tag(text) == tag


@pytest.mark.parametrize("text", ["PER", "", "B-", "B", "O-PER", "X-PER", "NNG", "B- PER"])
def test_what_is_no_tag_is_refused(text: str) -> None:
    with pytest.raises(TagError):
        read_tag(text)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("BIO", "B-A B-A I-A O B-B I-B I-B B-A O"),
        ("IOB1", "I-A B-A I-A O I-B I-B I-B I-A O"),
        ("BIOES", "S-A B-A E-A O B-B I-B E-B S-A O"),
        ("BIOES", "S-A B-A E-A O B-B M-B E-B S-A O"),
        ("BIOES", "W-A B-A E-A O B-B M-B E-B W-A O"),
        ("BILOU", "U-A B-A L-A O B-B I-B L-B U-A O"),
    ],
)
def test_a_scheme_is_told_by_its_use_and_decoded(name: str, line: str) -> None:
    votes = SchemeVotes()
    votes.add(tags(line))
    scheme = votes.scheme()
    assert scheme.name == name
    assert scheme.decode(tags(line)) == ENTITIES


def test_a_few_contradictions_do_not_change_the_scheme() -> None:
    votes = SchemeVotes()
    for line in ["O B-A I-A O"] * 20 + ["O I-A O", "S-A O", "O B-A E-A"]:
        votes.add(tags(line))
    assert votes.scheme().name == "BIO"


def test_nothing_but_o_is_bio() -> None:
    votes = SchemeVotes()
    votes.add(tags("O O O"))
    assert votes.scheme() == TagScheme("BIO")


@pytest.mark.parametrize(
    ("name", "line", "place", "reason"),
    [
        ("BIO", "O I-A O", 1, "I-A may not follow O"),
        ("BIO", "B-A I-B", 1, "I-B may not follow B-A"),
        ("BIO", "I-A", 0, "I-A may not follow O"),
        ("BIO", "B-A S-A", 1, "S is no tag of BIO"),
        ("BIOES", "B-A O", 1, "O may not follow B-A"),
        ("BIOES", "O B-A", 2, "O may not follow B-A"),
        ("BIOES", "B-A B-A E-A", 1, "B-A may not follow B-A"),
        ("BIOES", "O E-A", 1, "E-A may not follow O"),
        ("BIOES", "S-A I-A E-A", 1, "I-A may not follow S-A"),
        ("BIOES", "U-A", 0, "U is no tag of BIOES"),
        ("BILOU", "B-A L-B", 1, "L-B may not follow B-A"),
        ("BILOU", "B-A E-A", 1, "E is no tag of BILOU"),
    ],
)
def test_a_contradiction_says_where_and_why(name: str, line: str, place: int, reason: str) -> None:
    with pytest.raises(TagError, match=reason) as refused:
        TagScheme(name).decode(tags(line))  # type: ignore[arg-type]
    assert refused.value.place == place


@pytest.mark.parametrize("name", ["BIO", "IOB1", "BIOES", "BILOU"])
def test_decoding_against_brute_force(name: str) -> None:
    """Every sequence of four tags over two labels: the legal ones are those that some set of
    entities encodes to, and each decodes to that set.
    """
    letters = {"BIO": "BI", "IOB1": "BI", "BIOES": "BIES", "BILOU": "BILU"}[name]
    every = [("O", "")] + [(letter, label) for letter in letters for label in "XY"]
    encoded = {tuple(written(name, spans, 4)): spans for spans in span_sets(4)}
    scheme = TagScheme(name)  # type: ignore[arg-type]
    for sequence in itertools.product(every, repeat=4):
        try:
            found = scheme.decode(sequence)
        except TagError:
            assert sequence not in encoded
        else:
            if name == "IOB1":  # B is allowed where it is not needed
                assert sequence not in encoded or encoded[sequence] == found
            else:
                assert encoded[sequence] == found


@given(st.data(), st.sampled_from(["BIO", "BIOES"]))
def test_what_is_encoded_decodes_to_the_same(data: st.DataObject, name: str) -> None:
    edges = sorted(data.draw(st.sets(st.integers(0, 20), min_size=1)))
    labels = st.sampled_from(["PER", "학문/이론", "IT 용어", "B-X", "O"])
    spans = [
        (start, end, data.draw(labels))
        for start, end in itertools.pairwise(edges)
        if data.draw(st.booleans())
    ]
    scheme = TagScheme(name)  # type: ignore[arg-type]
    assert scheme.decode([read_tag(tag) for tag in scheme.encode(spans, 20)]) == spans


def span_sets(length: int, start: int = 0) -> list[list[Span]]:
    """Every set of entities of labels X and Y that do not overlap."""
    if start >= length:
        return [[]]
    found = span_sets(length, start + 1)
    for end in range(start + 1, length + 1):
        for label in "XY":
            found += [[(start, end, label), *rest] for rest in span_sets(length, end)]
    return found


def written(name: str, spans: list[Span], length: int) -> list[tuple[str, str]]:
    """The tags of entities, straight from each scheme's definition."""
    found = [("O", "")] * length
    before: Span = (-1, -1, "")
    for span in spans:
        start, end, label = span
        inside = end - start - 2
        touching = before[1] == start and before[2] == label
        letters = {
            "BIO": "B" + "I" * (end - start - 1),
            "IOB1": ("B" if touching else "I") + "I" * (end - start - 1),
            "BIOES": "S" if inside < 0 else "B" + "I" * inside + "E",
            "BILOU": "U" if inside < 0 else "B" + "I" * inside + "L",
        }[name]
        found[start:end] = [(letter, label) for letter in letters]
        before = span
    return found
