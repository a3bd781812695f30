"""The Korean catalogue: every sentence of the pages is translated, with the same names in it."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask

from backend.admin.frame.language import CATALOGUES, _catalogue
from tests.backend.admin.conftest import SignIn, token_in

SOURCE = Path("backend/admin")
METHODS = [("**.py", "python"), ("**.html", "jinja2")]


def written() -> dict[object, Message]:
    with (CATALOGUES / "ko/LC_MESSAGES/messages.po").open("rb") as file:
        return {message.id: message for message in read_po(file) if message.id}


def said() -> set[object]:
    """Every sentence that the pages mark for translation."""
    keywords = {**DEFAULT_KEYWORDS, "_l": None}
    found = extract_from_dir(SOURCE, METHODS, keywords=keywords)
    return {sentence for _file, _line, sentence, _comments, _context in found}


def names(sentence: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)", sentence))


def test_the_catalogue_holds_exactly_the_sentences_of_the_pages() -> None:
    assert set(written()) == said(), "run `make catalogue`"


def test_every_sentence_is_translated() -> None:
    for message in written().values():
        strings = [message.string] if isinstance(message.string, str) else message.string
        assert all(strings), message.id
        assert not message.fuzzy, message.id


def test_translations_name_what_the_sentences_name() -> None:
    for message in written().values():
        several = isinstance(message.id, tuple)
        wanted = names(" ".join(message.id) if several else message.id)
        assert names(message.string[0] if several else message.string) == wanted, message.id


def test_the_catalogue_is_read_as_it_is_written(app: Flask) -> None:
    korean = _catalogue("ko")
    assert korean.gettext("Sign in") == "로그인"
    assert korean.ngettext("%(num)s label", "%(num)s labels", 1) == "레이블 %(num)s개"
    assert _catalogue("en").gettext("Sign in") == "Sign in"


@pytest.mark.parametrize("path", ["/", "/projects/general", "/projects/empty", "/password"])
def test_pages_are_read_in_korean(sign_in: SignIn, path: str) -> None:
    client = sign_in("curator")
    token = token_in(client.get("/password").text)
    client.post("/language", data={"language": "ko", "csrf_token": token})
    page = client.get(path).text
    assert '<html lang="ko">' in page
    assert "로그아웃" in page
    for english in (">Sign out<", ">Documents<", ">Champion<", "Next<"):
        assert english not in page
