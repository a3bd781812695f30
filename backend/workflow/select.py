"""Stage 3: the order in which people should see documents, and the permanent roles of groups."""

from itertools import accumulate

from backend.db.tables import Part

# percent of the random arm's duplicate groups; the order and the shares are permanent
_SHARES = ((Part.DEV, 35), (Part.GATE, 35), (Part.CERTIFY, 15), (Part.TEST, 15))


def part_of(group_key: str) -> Part:
    """The permanent held-out role of a duplicate group of the random arm, by its hash.

    The key is itself a SHA-256, so its first 60 bits are as good as a draw.
    """
    draw = int(group_key[:15], 16) * 100 // 16**15
    bounds = accumulate(share for _, share in _SHARES)
    return next(part for (part, _), bound in zip(_SHARES, bounds, strict=True) if draw < bound)
