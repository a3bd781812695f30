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
