import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.scheme import Scheme, SchemeName

LABELS = LabelSet(("사람", "조직/기관", "IT 용어", "화폐(통화)", "B-I-E"))
TEXTS = st.text(
    st.one_of(
        st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
        st.characters(min_codepoint=0x1100, max_codepoint=0x11FF),  # jamo, as NFD has them
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
        st.sampled_from("👩‍🔬🇰🇷e\u0301 \t\u200b가"),
        st.characters(),
    ),
    max_size=40,
)
NAMES = st.sampled_from(["BIO", "BIOES"])


@st.composite
def labelled(draw: st.DrawFn) -> tuple[str, list[Entity]]:
    """A text and entities that do not overlap, often adjacent and of one label."""
    text = draw(TEXTS)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=10)))
    spans = itertools.pairwise(cuts)
    entities = [Entity(s, e, draw(st.sampled_from(LABELS.labels))) for s, e in spans]
    return text, [entity for entity in entities if draw(st.integers(0, 3))]


@given(labelled(), NAMES)
def test_entities_come_back_from_their_tags(
    document: tuple[str, list[Entity]], name: SchemeName
) -> None:
    text, entities = document
    scheme = Scheme(name, LABELS)
    tags = scheme.encode(entities, len(text))
    assert len(tags) == len(text)
    assert [Entity(*span) for span in scheme.decode(tags)] == entities


@given(labelled(), NAMES)
def test_tags_of_entities_are_legal(document: tuple[str, list[Entity]], name: SchemeName) -> None:
    text, entities = document
    scheme = Scheme(name, LABELS)
    tags = scheme.encode(entities, len(text))
    legal = scheme.legal_transitions()
    assert all(legal[left][right] for left, right in itertools.pairwise(tags))
    if tags:
        assert scheme.legal_starts()[tags[0]]
        assert scheme.legal_ends()[tags[-1]]


@pytest.mark.parametrize("name", ["BIO", "BIOES"])
def test_every_legal_sequence_is_the_tags_of_its_entities(name: SchemeName) -> None:
    scheme = Scheme(name, LabelSet(("A", "B")))
    legal, starts, ends = scheme.legal_transitions(), scheme.legal_starts(), scheme.legal_ends()
    seen = 0
    for path in itertools.product(range(len(scheme.tags)), repeat=4):
        allowed = starts[path[0]] and ends[path[-1]]
        allowed = allowed and all(legal[i][j] for i, j in itertools.pairwise(path))
        if allowed:
            entities = [Entity(*span) for span in scheme.decode(path)]
            assert scheme.encode(entities, 4) == list(path)
            seen += 1
        else:
            with pytest.raises(ValueError, match="may not"):
                scheme.decode(path)
    assert seen > 100


def test_the_33_general_classes_make_67_and_133_tags(general_labels: LabelSet) -> None:
    assert len(Scheme("BIO", general_labels).tags) == 67
    assert len(Scheme("BIOES", general_labels).tags) == 133


@pytest.mark.parametrize(
    ("entities", "match"),
    [
        ([Entity(0, 2, "사람"), Entity(1, 3, "사람")], "overlap"),
        ([Entity(2, 9, "사람")], "no entity of 5 characters"),
        ([Entity(0, 2, "개")], "no entity of 5 characters"),
    ],
)
def test_what_cannot_be_tagged_is_refused(entities: list[Entity], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Scheme("BIOES", LABELS).encode(entities, 5)


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="BIO or BIOES"):
        Scheme("IOB1", LABELS)  # type: ignore[arg-type]
