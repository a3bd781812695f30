"""A gazetteer file: a surface, a tab and a label on each line, in UTF-8."""

from pathlib import Path


class GazetteerError(Exception):
    """A file that cannot be read or lines that are no entries; names the file and the lines."""

    def __init__(self, path: Path, reason: str):
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


def read_gazetteer(path: Path) -> list[tuple[str, str]]:
    """Surfaces with labels, in order; empty lines are passed over. Raises GazetteerError."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise GazetteerError(path, f"cannot be read: {error}") from error
    entries: list[tuple[str, str]] = []
    wrong: list[int] = []
    for number, line in enumerate(lines, 1):
        surface, _, label = (part.strip() for part in line.partition("\t"))
        if surface and label and "\t" not in label:
            entries.append((surface, label))
        elif line.strip():
            wrong.append(number)
    if wrong:
        shown = ", ".join(map(str, wrong[:5])) + (" …" if len(wrong) > 5 else "")
        raise GazetteerError(path, f"no surface, tab and label on line {shown}")
    return entries
