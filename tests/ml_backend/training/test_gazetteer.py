from pathlib import Path

import pytest

from ml_backend.training.gazetteer import GazetteerError, read_gazetteer


def test_a_line_is_a_surface_a_tab_and_a_label(tmp_path: Path) -> None:
    path = tmp_path / "cities.tsv"
    path.write_text("\ufeff서울 특별시\tLOC\n\n 부산\t 항구 도시 \r\n", "utf-8")
    assert read_gazetteer(path) == [("서울 특별시", "LOC"), ("부산", "항구 도시")]


def test_lines_that_are_no_entries_are_named_together(tmp_path: Path) -> None:
    path = tmp_path / "cities.tsv"
    path.write_text("서울\tLOC\n부산\n\t LOC\na\tb\tc\n", "utf-8")
    with pytest.raises(GazetteerError, match=r"cities\.tsv: .* on line 2, 3, 4$"):
        read_gazetteer(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(GazetteerError, match=r"missing\.tsv: cannot be read"):
        read_gazetteer(tmp_path / "missing.tsv")
    (tmp_path / "latin.tsv").write_bytes("é\tLOC".encode("latin-1"))
    with pytest.raises(GazetteerError, match=r"latin\.tsv: cannot be read"):
        read_gazetteer(tmp_path / "latin.tsv")
