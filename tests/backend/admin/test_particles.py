"""Korean particles after values, in sentences of code and of templates."""

import re

import pytest
from flask import Flask, render_template_string
from flask_babel import force_locale, gettext
from hypothesis import given
from hypothesis import strategies as st

from backend.admin.frame.language import add_languages
from backend.admin.words.particles import FORMS, agree


@pytest.mark.parametrize(
    ("value", "particle", "expected"),
    [
        ("사람", "은(는)", "사람은"),
        ("날짜", "은(는)", "날짜는"),
        ("사람", "와(과)", "사람과"),
        ("날짜", "과(와)", "날짜와"),
        ("v12", "이(가)", "v12가"),
        ("v13", "을(를)", "v13을"),
        (10, "은(는)", "10은"),
        ("서울", "(으)로", "서울로"),
        ("v1", "(으)로", "v1로"),
        ("v6", "(으)로", "v6으로"),
        ("병원", "(으)로", "병원으로"),
        ("PER", "을(를)", "PER을(를)"),
        ("", "이(가)", "이(가)"),
    ],
)
def test_the_particle_is_that_which_the_value_asks_for(
    value: object, particle: str, expected: str
) -> None:
    assert agree(f"%(it)s{particle}", {"it": value}) % {"it": value} == expected


@given(st.text(), st.sampled_from(sorted(FORMS)))
def test_a_value_is_never_altered_even_where_it_holds_a_particle(value: str, particle: str) -> None:
    whole = agree(f"%(it)s{particle}|", {"it": value + particle}) % {"it": value + particle}
    assert whole.startswith(value + particle)
    assert re.sub(r"\|$", "", whole.removeprefix(value + particle)) in (particle, *FORMS[particle])


def test_code_and_templates_speak_alike_and_escape_what_is_filled_in() -> None:
    app = Flask(__name__)
    app.secret_key = "of this test"
    add_languages(app)
    told = "{{ _('Roll back to %(name)s', name=name) }}"
    with app.test_request_context(), force_locale("ko"):
        assert gettext("Roll back to %(name)s", name="v2") == "v2로 롤백"
        assert render_template_string(told, name="v3") == "v3으로 롤백"
        assert render_template_string(told, name="<b>").startswith("&lt;b&gt;")
