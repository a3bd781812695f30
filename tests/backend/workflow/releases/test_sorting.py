"""Sorted pairs come out as Python would sort them, however they were spilled."""

import hashlib
import tempfile
from pathlib import Path
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.releases import sorting
from backend.workflow.releases.sorting import SortedPairs, merged

keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n"), max_size=6)


@given(
    st.lists(
        st.one_of(keys.map(str.encode), st.none(), st.booleans()),
        unique_by=lambda k: k if isinstance(k, bytes) else object(),
    )
)
def test_pairs_are_sorted_over_any_runs(found: list[bytes | bool | None]) -> None:
    """None stands for a spill, a truth value for the end of a page with little or much room."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = SortedPairs(folder / "first", folder / "second")
        page: list[tuple[bytes, bytes]] = []
        for key in [*found, True]:
            if key is None:
                pairs.spill()
            elif isinstance(key, bool):
                with patch.object(sorting, "RUN", 20 * key):
                    pairs.add(page)
                page = []
            else:
                page.append((b'"%b"' % key, b"beside %b" % key))
        facts = pairs.finish()
        wanted = sorted(b'"%b"' % key for key in found if isinstance(key, bytes))
        assert (folder / "first").read_bytes() == b"".join(line + b"\n" for line in wanted)
        beside = (folder / "second").read_bytes().split(b"\n")[:-1]
        assert [b'"%b"' % line.removeprefix(b"beside ") for line in beside] == wanted
        assert {path.name for path in folder.iterdir()} == {"first", "second"}
        written = (folder / "first").read_bytes()
        assert facts[0].sha256 == hashlib.sha256(written).hexdigest()
        assert (facts[0].size, facts[0].lines) == (len(written), len(wanted))


@given(
    st.lists(st.lists(st.binary(max_size=5).map(lambda b: b.replace(b"\n", b"") + b"\n"))),
    st.integers(1, 20),
)
def test_runs_are_merged_in_blocks_of_any_size(runs: list[list[bytes]], block: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        files = []
        for number, lines in enumerate(runs):
            path = Path(name) / str(number)
            path.write_bytes(b"".join(sorted(lines)))
            files.append(path.open("rb"))
        found = [line for some in merged(files, block) for line in some]
        for file in files:
            file.close()
    assert found == sorted(line for lines in runs for line in lines)
