"""Where gold stands in the normal form: the same however a text is spaced."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.duplicates.canonical import signature
from backend.workflow.duplicates.normal_form import normal_form

texts = st.lists(st.sampled_from("가나 AßİÅ\t\n\u3000\u200b㎞ｶﾞ각e\u0301"), max_size=9).map("".join)


@given(texts, st.booleans(), st.data())
def test_an_offset_is_the_length_of_the_form_before_it(
    text: str, casefold: bool, data: st.DataObject
) -> None:
    offset = st.integers(0, len(text))
    spans = data.draw(st.lists(st.tuples(offset, offset, st.sampled_from("BA")), max_size=3))
    stored = [{"start": start, "end": end, "label": label} for start, end, label in spans]
    form = [len(normal_form(text[:cut], casefold)) for cut in range(len(text) + 1)]
    wanted = sorted((form[start], form[end], label) for start, end, label in spans)
    assert signature(text, orjson.dumps(stored).decode(), casefold) == tuple(wanted)


def test_copies_that_differ_in_case_say_the_same_where_case_is_folded() -> None:
    one, other = (
        orjson.dumps([{"start": s, "end": s + 2, "label": "LC"}]).decode() for s in (7, 8)
    )
    assert signature("Straße 서울", one, True) == signature("STRASSE 서울", other, True)
    assert signature("Straße 서울", one) != signature("STRASSE 서울", other)
