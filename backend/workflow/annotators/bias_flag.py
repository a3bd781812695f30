"""Who accepts wrong pre-labels more than chance allows: a test of each person against the others.

The model: of the wrong pre-labels that were shown to person i, each is let stand with probability
q_i, independently. Even who reads all lets some stand, and some errs as the version does with no
pre-label in sight, so chance is what comes of the others: what they let stand, and what everybody
said just so on blind documents, where nobody can have accepted anything. Careful people differ, so
chance allows odds of TOLERANCE times the others' odds. The null hypothesis of person i is

    q_i / (1 - q_i)  ≤  TOLERANCE · q / (1 - q)        q: of all others together

Given how many were let stand in all, the number of person i follows Fisher's noncentral
hypergeometric distribution when both odds differ by just TOLERANCE, so the probability of as many
or more is exact for any size (McCullagh and Nelder, "Generalized Linear Models", 7.3). Over
several people Holm's step-down procedure keeps the chance of any false flag at LEVEL (Holm, "A
simple sequentially rejective multiple test procedure", 1979); who is flagged leaves the others'
reference, so that one who signs everything does not hide another.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scipy.stats import nchypergeom_fisher

LEVEL = 0.05  # the chance of any false flag in a project
TOLERANCE = 2.0  # how far careful people's odds may differ


@dataclass(frozen=True, slots=True)
class LetStand:
    """Wrong pre-labels that there were, and how many of them are in what people submitted."""

    wrong: int = 0
    stood: int = 0

    def __add__(self, other: "LetStand") -> "LetStand":
        return LetStand(self.wrong + other.wrong, self.stood + other.stood)

    @property
    def share(self) -> float | None:
        """The share that was let stand, None where there was none."""
        return self.stood / self.wrong if self.wrong else None


@dataclass(frozen=True, slots=True)
class Tested:
    """One person's test: the others' share, the probability under chance, and whether to worry."""

    others: float | None
    p: float
    flagged: bool


def judge_people(
    shown: Mapping[int, LetStand], blind: LetStand, *, level: float = LEVEL
) -> dict[int, Tested]:
    """Test everybody who was shown a wrong pre-label; `blind` is of all people's blind documents.

    `p` is that of each person alone; a flag takes into account how many were tested.
    """
    tested: dict[int, Tested] = {}
    left = {person: its for person, its in shown.items() if its.wrong}
    while left:
        found = {
            person: _test(its, sum((o for p, o in left.items() if p != person), blind))
            for person, its in left.items()
        }
        worst = min(found, key=lambda person: (found[person].p, person))
        if found[worst].p > level / len(left):
            return tested | found
        tested[worst] = Tested(found[worst].others, found[worst].p, flagged=True)
        del left[worst]
    return tested


def _test(its: LetStand, others: LetStand) -> Tested:
    """How probable so many or more are if chance allows just TOLERANCE times the others' odds."""
    if not others.wrong or not its.stood:
        return Tested(others.share, 1.0, flagged=False)
    total = its + others
    chance = nchypergeom_fisher(total.wrong, total.stood, its.wrong, TOLERANCE)
    return Tested(others.share, float(min(1.0, chance.sf(its.stood - 1))), flagged=False)
