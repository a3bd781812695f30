"""Where gold stands in the normal form: the same however a text is spaced."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.duplicates.canonical import signature
from backend.workflow.duplicates.normal_form import normal_form

texts = st.lists(st.sampled_from("가나 A\t\n\u3000\u200b㎞ｶﾞ각e\u0301"), max_size=9).map("".join)


@given(texts, st.data())
def test_an_offset_is_the_length_of_the_form_before_it(text: str, data: st.DataObject) -> None:
    offset = st.integers(0, len(text))
    spans = data.draw(st.lists(st.tuples(offset, offset, st.sampled_from("BA")), max_size=3))
    stored = [{"start": start, "end": end, "label": label} for start, end, label in spans]
    form = [len(normal_form(text[:cut])) for cut in range(len(text) + 1)]
    wanted = sorted((form[start], form[end], label) for start, end, label in spans)
    assert signature(text, orjson.dumps(stored).decode()) == tuple(wanted)
