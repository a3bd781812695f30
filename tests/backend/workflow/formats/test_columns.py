"""Column files in: layout, scheme and kind are found, contradictions refused where they stand."""

import io
from pathlib import Path
from unicodedata import normalize

import pytest

from backend.errors import InvalidInputError
from backend.workflow.formats import (
    bio_characters,
    bio_words,
    bioes_characters,
    bioes_words,
)
from backend.workflow.formats.blocks import BLOCK_LINES
from backend.workflow.formats.format import ExportDocument, WritableFormat
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.record import RefusedLine
from ml_backend.contract.entity import Entity
from tests.backend.workflow.formats.sources import good, records_in, records_of, shown

CONLL_2003 = """-DOCSTART- -X- -X- O

EU NNP I-NP I-ORG
rejects VBZ I-VP O
German JJ I-NP I-MISC
call NN I-NP O

Peter NNP I-NP I-PER
Blackburn NNP I-NP I-PER

-DOCSTART- -X- -X- O

BRUSSELS NNP I-NP I-LOC
1996-08-22 CD I-NP O
"""
PEOPLES_DAILY = "海 O\n钓 O\n在 O\n厦 B-LOC\n门 I-LOC\n与 O\n金 B-LOC\n门 I-LOC\n\n我 O\n"


def test_conll_2003_is_read_by_word_with_its_iob1_tags(tmp_path: Path) -> None:
    path = tmp_path / "eng.train"
    path.write_text(CONLL_2003)
    with open_records(path) as opened:
        assert opened.format is bio_words
        assert shown(list(opened.records)) == [
            ("EU rejects German call", [("EU", "ORG"), ("German", "MISC")]),
            ("Peter Blackburn", [("Peter Blackburn", "PER")]),
            ("BRUSSELS 1996-08-22", [("BRUSSELS", "LOC")]),
        ]


def test_a_mark_between_documents_needs_no_blank_line_after_it(tmp_path: Path) -> None:
    content = "-DOCSTART- -X- O O\nI O\nlike O\nLondon I-GPE\n\n-DOCSTART- O\nis O\n"
    assert shown(records_in(tmp_path, content, bio_words)) == [
        ("I like London", [("London", "GPE")]),
        ("-DOCSTART- is", []),
    ]


@pytest.mark.parametrize("separator", [" ", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_peoples_daily_is_read_by_character(tmp_path: Path, separator: str, end: str) -> None:
    path = tmp_path / "example.train"
    path.write_bytes(PEOPLES_DAILY.replace(" ", separator).replace("\n", end).encode())
    with open_records(path) as opened:
        assert opened.format is bio_characters
        assert shown(list(opened.records)) == [
            ("海钓在厦门与金门", [("厦门", "LOC"), ("金门", "LOC")]),
            ("我", []),
        ]


@pytest.mark.parametrize(
    ("format", "tags"),
    [
        (bioes_characters, "B-LOC M-LOC E-LOC S-LOC O"),
        (bioes_characters, "B-LOC I-LOC L-LOC U-LOC O"),
        (bio_characters, "B-LOC I-LOC I-LOC B-LOC O"),
        (bio_characters, "I-LOC I-LOC I-LOC B-LOC O"),
        (bio_characters, "LOC_B LOC_I LOC_I LOC_B -"),
    ],
)
def test_each_scheme_gives_the_same_entities(
    tmp_path: Path, format: WritableFormat, tags: str
) -> None:
    path = tmp_path / "a.txt"
    rows = zip("北京市京的", tags.split(), strict=True)
    path.write_text("".join(f"{token}\t{tag}\n" for token, tag in rows))
    with open_records(path) as opened:
        assert opened.format is format
        (found,) = good(list(opened.records))
    assert found.entities == [Entity(0, 3, "LOC"), Entity(3, 4, "LOC")]


def test_segment_digits_are_told_from_digits_of_the_text(tmp_path: Path) -> None:
    tokens = ["价0", "格1", "10", "20", "31", "02", "a0", "。0", "\ufffd\ufffd0"]
    long = [f"{character}{place}" for place, character in enumerate("themostimportant12")]
    content = "".join(f"{token}\tO\n" for token in [*tokens, *long])
    records = records_in(tmp_path, content, bio_characters)
    assert [text for text, _ in shown(records)] == ["价格1230a。\ufffdthemostimportant12"]


def test_a_wrong_segment_digit_is_refused(tmp_path: Path) -> None:
    content = "价0\tO\n格1\tO\n\n" * 6 + "价0\tO\n格2\tO\n"
    *others, last = records_in(tmp_path, content, bio_characters)
    assert shown(others) == [("价格", [])] * 6
    assert str(last) == "a.txt:20: '格2' does not end in its segment, which is 1 or 0"


def test_digits_that_do_not_count_are_text(tmp_path: Path) -> None:
    content = "H2\tO\nO5\tO\n\nx1\tO\n"
    assert [text for text, _ in shown(records_in(tmp_path, content, bio_characters))] == [
        "H2O5",
        "x1",
    ]


def test_spaces_tabs_and_labels_with_spaces_are_kept_between_tabs(tmp_path: Path) -> None:
    content = "\t\tO\n가\tB-IT 용어\n \tI-IT 용어\n나\tI-IT 용어\n"
    records = records_in(tmp_path, content, bio_characters)
    assert shown(records) == [("\t가 나", [("가 나", "IT 용어")])]


def test_between_spaces_a_blank_is_a_token_and_a_third_column_is_refused(tmp_path: Path) -> None:
    content = "가 O\n  O\n나  O\n\n가 O\n나 NNG O\n"
    assert shown(records_in(tmp_path, content, bio_characters)) == [
        ("가 나", []),
        "a.txt:6: 3 columns where the file has 2",
    ]


def test_comments_and_ids_over_a_sentence_are_no_rows(tmp_path: Path) -> None:
    content = "# id 7 domain=ko\n서울에\tB-LOC\n#\tO\n\n# id 8\n간다\tO\n"
    assert shown(records_in(tmp_path, content, bio_words)) == [
        ("서울에 #", [("서울에", "LOC")]),
        ("간다", []),
    ]


@pytest.mark.parametrize(
    ("damaged", "line", "reason"),
    [
        ("가\tI-X\n나\tO\n", 4, "I-X may not follow O in BIO"),
        ("가\tB-X\n나\tI-Y\n", 5, "I-Y may not follow B-X in BIO"),
        ("가\tB-X\n나\tE-X\n", 5, "E is no tag of BIO, which the file follows"),
        ("가\tB-X\n나\n", 5, "1 columns where the file has 2"),
        ("가\tB-X\n나\tNNG\tO\n", 5, "3 columns where the file has 2"),
        ("가\tB-X\n나\tX\n", 5, "'X' is no tag"),
        ("가\tO\n\tO\n", 5, "a row without a token"),
    ],
)
def test_a_damaged_sentence_is_refused_and_the_others_go_on(
    tmp_path: Path, damaged: str, line: int, reason: str
) -> None:
    content = f"서\tB-X\n울\tI-X\n\n{damaged}\n서\tB-X\n울\tI-X\n"
    first, refused, last = records_in(tmp_path, content, bio_characters)
    assert shown([first, last]) == [("서울", [("서울", "X")])] * 2
    assert isinstance(refused, RefusedLine)
    assert str(refused).startswith(f"a.txt:{line}: ")
    assert reason in refused.reason
    assert isinstance(refused.raw, str)
    comment, _, lines = refused.raw.partition("\n")
    assert comment.startswith("# goldloop columns: ")
    assert lines == damaged.rstrip("\n")  # to be mended


def test_a_byte_that_cannot_be_decoded_costs_one_sentence(tmp_path: Path) -> None:
    content = "서\tO\n울\tO\n\n".encode() * 40 + b"\xff\tO\n\n" + "끝\tO\n".encode()
    records = records_in(tmp_path, content, bio_characters)
    assert [str(record) for record in records if isinstance(record, RefusedLine)] == [
        "a.txt:121: text is damaged: byte 0xff at character 1 cannot be decoded"
    ]
    assert len(records) == 42


def test_a_file_without_blank_lines_is_refused_in_pieces_and_not_held(tmp_path: Path) -> None:
    content = "가\tO\n" * (BLOCK_LINES + 5) + "\n나\tO\n"
    first, second, last = records_in(tmp_path, content, bio_characters)
    assert isinstance(first, RefusedLine)
    assert isinstance(second, RefusedLine)
    assert (first.line, second.line) == (1, BLOCK_LINES + 1)
    assert "without a blank line" in first.reason
    assert shown([last]) == [("나", [])]


def test_what_is_no_column_file_is_refused_as_a_whole(tmp_path: Path) -> None:
    (refused,) = records_in(tmp_path, "가나다\n라마바\n", bio_words)
    assert str(refused) == "a.txt: this is no file of tokens and tags in columns"


def test_decomposed_syllables_are_characters(tmp_path: Path) -> None:
    path = tmp_path / "nfd.txt"
    path.write_text("".join(f"{normalize('NFD', one)}\tO\n" for one in "서울에 간다"))
    with open_records(path) as opened:
        assert opened.format is bio_characters
        assert shown(list(opened.records)) == [(normalize("NFD", "서울에 간다"), [])]


def test_chinese_words_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("我们\tO\n在\tO\n北京\tB-LOC\n大学\tI-LOC\n学习\tO\n汉语\tO\n")
    with pytest.raises(InvalidInputError, match="bio-characters or bio-words"):
        records_of(path)
    assert shown(records_of(path, bio_characters)) == [
        ("我们在北京大学学习汉语", [("北京大学", "LOC")])
    ]
    assert shown(records_of(path, bio_words))[0][1] == [("北京 大学", "LOC")]


DOCUMENT = ExportDocument(
    "d", "롯데는 서울 중구에 산다", [Entity(0, 2, "ORG"), Entity(4, 9, "LOC"), Entity(11, 13, "X")]
)


def test_by_word_an_entity_is_widened_to_its_words_and_told() -> None:
    out = io.BytesIO()
    losses = [str(loss) for loss in bioes_words.write([DOCUMENT], out)]
    assert losses == [
        "document 'd': a column file has no place for an id",
        "document 'd' [0, 2) 'ORG': ends inside a word: written as '롯데는'",
        "document 'd' [4, 9) 'LOC': ends inside a word: written as '서울 중구에'",
    ]
    rows = "롯데는\tS-ORG\n서울\tB-LOC\n중구에\tE-LOC\n산다\tS-X\n\n"
    assert out.getvalue().decode() == rows


def test_by_character_every_code_point_is_a_row() -> None:
    out = io.BytesIO()
    document = ExportDocument("d", "\u1100\u1161\u11a8 가", [Entity(0, 3, "X")])
    assert [loss.entity for loss in bio_characters.write([document], out)] == [None]  # its id
    rows = "\u1100\tB-X\n\u1161\tI-X\n\u11a8\tI-X\n \tO\n가\tO\n\n"
    assert out.getvalue().decode() == rows


@pytest.mark.parametrize(
    ("format", "document", "reason"),
    [
        (bio_characters, ExportDocument("d", "가\n나", []), "holds a new line"),
        (bio_words, ExportDocument("d", "가  나", []), "several in a row"),
        (bio_words, ExportDocument("d", " 가", []), "spaces at an end"),
        (bio_words, ExportDocument("d", "가\t나", []), "holds a tab"),
        (bio_words, ExportDocument("d", "-DOCSTART-", []), "no document"),
    ],
)
def test_a_text_that_columns_cannot_hold_is_left_out_and_told(
    format: WritableFormat, document: ExportDocument, reason: str
) -> None:
    out = io.BytesIO()
    (loss,) = format.write([document], out)
    assert (loss.document_id, loss.entity, out.getvalue()) == ("d", None, b"")
    assert reason in loss.reason


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        (Entity(2, 3, "X"), "overlaps [0, 3) 'LOC', which is kept"),
        (Entity(3, 4, "X"), "nothing but spaces"),
        (Entity(5, 6, "Y"), "another entity is in the same word '나다'"),
        (Entity(7, 8, "a\tb"), "a tab or a new line"),
    ],
)
def test_an_entity_that_words_cannot_hold_is_told(entity: Entity, reason: str) -> None:
    document = ExportDocument(
        "d", "가나라 나다 마", [Entity(0, 3, "LOC"), Entity(4, 5, "X"), entity]
    )
    losses = list(bio_words.write([document], io.BytesIO()))
    (loss,) = [loss for loss in losses if loss.entity == entity]
    assert reason in loss.reason
