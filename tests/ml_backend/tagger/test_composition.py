import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_backend.tagger.composition import Composition
from tests.ml_backend.tagger.odd_texts import any_texts, odd_texts


@settings(deadline=None)
@given(st.lists(odd_texts | any_texts, min_size=1, max_size=3), st.sampled_from(["NFC", "NFD", ""]))
def test_each_character_came_from_what_composes_to_it(texts: list[str], form: str) -> None:
    if form:
        texts = [unicodedata.normalize(form, text) for text in texts]
    made = Composition.of(texts)
    assert list(made.texts) == [unicodedata.normalize("NFC", text) for text in texts]
    if made.starts is None or made.ends is None:
        assert list(made.texts) == texts
        return
    row, composed = "".join(texts), "".join(made.texts)
    assert len(made.starts) == len(made.ends) == len(composed)
    reached = 0
    for start, end in zip(made.starts.tolist(), made.ends.tolist(), strict=True):
        assert reached - 1 <= start <= reached  # no gap; what expands is shared
        assert start < end
        reached = end
    assert reached == len(row)


def test_decomposed_hangul_has_its_own_letters() -> None:
    text = unicodedata.normalize("NFD", "각 a\u0301\u20dd나")
    made = Composition.of(["가", text])
    assert list(made.texts) == ["가", "각 á\u20dd나"]
    assert made.starts is not None
    assert made.ends is not None
    pairs = list(zip(made.starts.tolist(), made.ends.tolist(), strict=True))
    assert pairs == [(0, 1), (1, 4), (4, 5), (5, 7), (7, 8), (8, 10)]
