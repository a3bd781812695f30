"""Gazetteers of the dictionaries themselves, which the tests install."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ml_backend.cli.tagger import tagger
from ml_backend.tagger.surfaces import LONGEST
from ml_backend.training import dictionaries
from ml_backend.training.dictionaries import DictionaryError, write_gazetteer
from ml_backend.training.gazetteer import read_gazetteer


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("mecab-ko", {("안정환", "person"), ("부산", "place"), ("개", "unit")}),
        ("jieba", {("毛泽东", "person"), ("北京", "place"), ("外交部", "organisation")}),
    ],
)
def test_a_dictionary_becomes_a_gazetteer(name: str, known: set, tmp_path: Path) -> None:
    out = tmp_path / "made" / "words.tsv"
    result = CliRunner().invoke(tagger, ["gazetteer", name, "--out", str(out)])
    assert result.exit_code == 0, result.output
    entries = read_gazetteer(out)
    assert f"{len(entries)} entries" in result.output
    assert known <= set(entries)
    assert len(set(entries)) == len(entries)
    assert max(len(surface) for surface, _ in entries) <= LONGEST


def test_one_that_is_not_installed_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        dictionaries.DICTIONARIES,
        "gone",
        lambda: iter([(str(dictionaries._file("no_such_dictionary", "words")), "noun")]),
    )
    with pytest.raises(DictionaryError, match="pip install no_such_dictionary"):
        write_gazetteer("gone", tmp_path / "words.tsv")
    assert not (tmp_path / "words.tsv").exists()


def test_jieba_takes_more_words_of_its_own_form(tmp_path: Path) -> None:
    more, out = tmp_path / "more.txt", tmp_path / "words.tsv"
    more.write_text("欢乐动漫 10 nz\n義演 28 n\n没有词性 3\n的 5 n\n\n", "utf-8")
    command = ["gazetteer", "jieba", "--out", str(out)]
    assert CliRunner().invoke(tagger, command).exit_code == 0
    alone = set(read_gazetteer(out))
    done = CliRunner().invoke(tagger, [*command, "--also", str(more)])
    assert done.exit_code == 0, done.output
    added = {("欢乐动漫", "proper noun"), ("義演", "noun")}
    assert set(read_gazetteer(out)) == alone | added
    assert not alone & added


@pytest.mark.parametrize(
    ("dictionary", "sentence"),
    [("mecab-ko", "--also goes with jieba"), ("jieba", "more.txt: no UTF-8")],
)
def test_more_words_that_cannot_be_read_are_a_sentence(
    dictionary: str, sentence: str, tmp_path: Path
) -> None:
    more, out = tmp_path / "more.txt", tmp_path / "words.tsv"
    more.write_bytes("欢乐 10 nz".encode("gb18030"))
    command = ["gazetteer", dictionary, "--out", str(out), "--also", str(more)]
    done = CliRunner().invoke(tagger, command)
    assert done.exit_code != 0
    assert sentence in done.output
    assert not out.exists()
