"""What gold and a model differ in, as pages call it and draw it."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l

from ml_backend.contract.pairing import Kind

KINDS = {
    Kind.MISSED: _l("missed"),
    Kind.SPURIOUS: _l("spurious"),
    Kind.BOUNDARY: _l("other boundaries"),
    Kind.LABEL: _l("another label"),
    Kind.BOTH: _l("other boundaries and label"),
}


def by_kind(counts: Mapping[tuple[str, str], int]) -> dict[Kind, int]:
    """How many there are of each kind, by counts of kind and label."""
    return {kind: sum(n for (one, _label), n in counts.items() if one == kind) for kind in KINDS}


def by_label(counts: Mapping[tuple[str, str], int]) -> list[tuple[str, dict[str, int]]]:
    """Each label with its counts by kind, the label with most of them first."""
    found: dict[str, dict[str, int]] = {}
    for (kind, label), count in counts.items():
        found.setdefault(label, {})[kind] = count
    return sorted(found.items(), key=lambda row: (-sum(row[1].values()), row[0]))
