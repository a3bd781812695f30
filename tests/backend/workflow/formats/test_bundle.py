"""Files, archives and folders look alike: every encoding in every packing, damage told."""

import gzip
import zipfile
from pathlib import Path

import pytest

from backend.errors import InvalidInputError
from backend.workflow.formats import jsonl, text
from backend.workflow.formats.bundle import open_bundle
from backend.workflow.formats.reading import open_records
from backend.workflow.formats.record import RefusedLine
from tests.backend.workflow.formats.sources import good, records_of, shown

LINES = ["한석규가 운영하는 사진관", "🙂 emoji 서울", "각각 NFD", "北京 3일"]
CODECS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949"]


def packed(path: Path, content: bytes, packing: str) -> Path:
    """The content in a file of this packing; what it is called says nothing of it."""
    if packing == "gzip":
        path.write_bytes(gzip.compress(content))
    elif packing == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("안/a.txt", content)
    elif packing == "folder":
        (path / "sub").mkdir(parents=True)
        (path / "sub" / "a.txt").write_bytes(content)
    else:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize("packing", ["plain", "gzip", "zip", "folder"])
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_encoding_in_every_packing(
    tmp_path: Path, codec: str, packing: str, end: str
) -> None:
    lines = LINES if codec != "cp949" else [LINES[0], "서울 3일", "롯데는"]
    path = packed(tmp_path / "a.txt", end.join([*lines, ""]).encode(codec), packing)
    read: list[int] = []
    with open_records(path, text, advance=read.append) as opened:
        found = good(list(opened.records))
    assert [record.text for record in found] == lines
    assert opened.compression == ("plain" if packing == "folder" else packing)
    assert opened.encoding.startswith({"u": "UTF", "c": "CP949"}[codec[0]])
    assert sum(read) == opened.size, "progress comes to its end"


@pytest.mark.parametrize("codec", CODECS)
def test_json_is_read_in_every_encoding(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"text": "서울"}\n{"text": "부산\\n\\u2028"}\n'.encode(codec))
    assert [one.text for one in good(records_of(path))] == ["서울", "부산\n\u2028"]


def test_a_damaged_byte_costs_its_line_and_says_where(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("가나다 라마\n".encode() * 3 + b"\xea\xb0\n" + "끝\n".encode())
    *before, damaged, after = records_of(path)
    assert len(good(before)) == 3
    assert isinstance(damaged, RefusedLine)
    reason = "text is damaged: byte 0xea at character 1 cannot be decoded"
    assert str(damaged) == f"a.txt:4: {reason}"
    assert shown([after]) == [("끝", [])]


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_gzip_file_that_is_cut_gives_what_it_has_and_says_so(tmp_path: Path, kept: float) -> None:
    content = gzip.compress("".join(f"{n}번째 줄 {n * n}\n" for n in range(20_000)).encode())
    path = tmp_path / "a.txt.gz"
    path.write_bytes(content[: int(len(content) * kept)])
    *before, last = records_of(path)
    assert len(good(before)) > 100
    assert isinstance(last, RefusedLine)
    assert "damaged after this" in last.reason
    assert last.line == before[-1].line


def test_a_damaged_member_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a.txt", "b.txt", "c.txt"):
            archive.writestr(name, f"줄 {name}\n" * 20)
    content = bytearray(path.read_bytes())
    at = content.index("줄 b.txt".encode())
    content[at : at + 3] = "중".encode()  # the checksum no longer holds
    path.write_bytes(content)
    refused = [one for one in records_of(path) if isinstance(one, RefusedLine)]
    assert [one.file for one in refused] == ["a.zip/b.txt"]
    assert {one.file for one in records_of(path)} == {f"a.zip/{n}.txt" for n in "abc"}


@pytest.mark.parametrize("packing", ["gz", "zip"])
def test_what_unpacks_without_measure_is_stopped_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: str
) -> None:
    monkeypatch.setattr("backend.workflow.formats.bundle._LARGEST", 1_000_000)
    path, content = tmp_path / f"a.txt.{packing}", "줄\n".encode() * 500_000
    if packing == "gz":
        path.write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.txt", content)
    *before, last = records_of(path)
    assert isinstance(last, RefusedLine)
    assert "it unpacks to more than 100 times its size" in last.reason
    assert 0 < len(before) < 500_000


def test_a_member_in_no_encoding_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "a.txt").write_text("하나\n", "utf-8")
    (tmp_path / "all" / "b.txt").write_bytes(bytes(range(256)))
    found = records_of(tmp_path / "all", text)
    assert shown(found)[0] == ("하나", [])
    assert "b.txt" in str(found[1])
    assert "--encoding" in str(found[1])


def test_what_systems_leave_behind_is_no_member(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a.txt", "__MACOSX/a.txt", ".DS_Store", "x/.hidden"):
            archive.writestr(name, "글\n")
        archive.mkdir("empty")
    with open_bundle(path) as bundle:
        assert [source.name for source in bundle.sources] == ["a.zip/a.txt"]


def test_names_of_old_korean_archives_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("XXXXXX.txt", "글\n")
    path.write_bytes(path.read_bytes().replace(b"XXXXXX", "개체명".encode("cp949")))
    with open_bundle(path) as bundle:
        assert [source.name for source in bundle.sources] == ["a.zip/개체명.txt"]


def test_what_is_no_archive_or_empty_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(InvalidInputError, match=r"a\.zip is a damaged zip archive"):
        records_of(path)
    (tmp_path / "none").mkdir()
    with pytest.raises(InvalidInputError, match="none holds no file"):
        records_of(tmp_path / "none", jsonl)


def test_an_empty_file_has_no_documents(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"")
    (tmp_path / "a.conll").write_bytes(b"\n\n")
    assert records_of(tmp_path / "a.jsonl") == records_of(tmp_path / "a.conll") == []
