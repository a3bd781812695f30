"""The pages in English and Korean: who reads which, and the catalogue they are read from."""

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Blueprint, Flask, abort, current_app, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import Babel, Domain, get_locale
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from backend.admin.frame.own_address import own_address
from backend.admin.words.particles import agree

LANGUAGES = {"en": "English", "ko": "한국어"}
CATALOGUES = Path(__file__).parents[1] / "translations"

language_switch = Blueprint("language", __name__)


def add_languages(app: Flask) -> None:
    """Let every page be read in either language; English is the language of the source."""
    babel = Babel(app, locale_selector=language)
    babel.domain_instance = _CATALOGUES
    app.jinja_env.globals.update(
        gettext=_in_template,
        ngettext=_counted_in_template,
        language=language,
        languages=LANGUAGES,
        address_to_read=address_to_read,
    )


def language() -> str:
    """The language chosen in this session, or else the browser's, or else English."""
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(LANGUAGES) or "en"


def address_to_read() -> str:
    """Where this page can be read again: its own address, or, where that takes forms alone, the
    address of the page that the form was on."""
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    try:
        adapter.match(method="GET")
    except HTTPException:
        came = urlsplit(request.referrer or "")
        return f"{came.path}?{came.query}" if came.query else came.path
    return request.full_path.rstrip("?")


@language_switch.post("/language")
def change() -> ResponseReturnValue:
    """Read on in another language, on the page one came from."""
    chosen = request.form.get("language", "")
    if chosen not in LANGUAGES:
        abort(400)
    session["language"] = chosen
    return redirect(own_address(request.form.get("next", "")), code=303)


class _Catalogues(Domain):
    """Reads the catalogues as they are written: nothing is compiled, so nothing is stale."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return NullTranslations() if locale is None else _catalogue(locale.language)

    def gettext(self, string: str, **values: Any) -> str:
        found = self.get_translations().ugettext(string)
        return agree(found, values) % values if values else found

    def ngettext(self, singular: str, plural: str, num: int, **values: Any) -> str:
        values.setdefault("num", num)
        return agree(self.get_translations().ungettext(singular, plural, num), values) % values


_CATALOGUES = _Catalogues()


@pass_eval_context
def _in_template(context: EvalContext, string: str, **values: Any) -> str:
    return _filled(context, _CATALOGUES.get_translations().ugettext(string), values)


@pass_eval_context
def _counted_in_template(
    context: EvalContext, singular: str, plural: str, num: int, **values: Any
) -> str:
    found = _CATALOGUES.get_translations().ungettext(singular, plural, num)
    return _filled(context, found, {"num": num} | values)


def _filled(context: EvalContext, sentence: str, values: dict[str, Any]) -> str:
    """As Jinja's own: always a format, and values are escaped where the template escapes."""
    found = agree(sentence, values)
    safe = Markup(found) if context.autoescape else found  # noqa: S704 - of our own catalogue
    return safe % values


@cache
def _catalogue(language: str) -> NullTranslations:
    written = CATALOGUES / language / "LC_MESSAGES" / "messages.po"
    if not written.exists():
        return NullTranslations()
    compiled = BytesIO()
    with written.open("rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return Translations(compiled)
