"""Every strategy by its key, in the order in which they are listed to people."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from backend.workflow.strategies import (
    badge,
    balance,
    cost,
    density,
    disagreement,
    k_center,
    k_means,
    margin,
    max_entropy,
    mean_entropy,
    mnlp,
    random,
    total_entropy,
)
from backend.workflow.strategies.strategy import Need, Strategy

_ALL = (
    Strategy(
        "mnlp",
        "Least confidence (MNLP)",
        "The usual start: what the tagger is least sure of, whatever its length.",
        frozenset({Need.SCORES}),
        score=mnlp.score,
    ),
    Strategy(
        "margin",
        "Margin",
        "When texts are short: those for which two labellings are nearly as likely.",
        frozenset({Need.SCORES}),
        score=margin.score,
    ),
    Strategy(
        "mean_entropy",
        "Mean entropy",
        "When entities are frequent: texts that are unclear all along.",
        frozenset({Need.SCORES}),
        score=mean_entropy.score,
    ),
    Strategy(
        "max_entropy",
        "Highest entropy",
        "When entities are rare: texts with one place that is unclear.",
        frozenset({Need.SCORES}),
        score=max_entropy.score,
    ),
    Strategy(
        "total_entropy",
        "Total entropy",
        "When a document costs the same whatever its length: those with most that is unclear.",
        frozenset({Need.SCORES}),
        score=total_entropy.score,
    ),
    Strategy(
        "disagreement",
        "Disagreement",
        "When the tagger is sure of its mistakes: texts that it reads differently each time; "
        "costs several readings.",
        frozenset({Need.SCORES, Need.DROPOUT}),
        score=disagreement.score,
    ),
    Strategy(
        "badge",
        "Gradient embedding (BADGE)",
        "For large batches: unsure and unlike each other at once.",
        frozenset({Need.SCORES, Need.GRADIENTS}),
        pick=badge.pick,
    ),
    Strategy(
        "k_means",
        "Diversity (k-means++)",
        "At the start, or beside an uncertainty: texts of all kinds, frequent ones more often.",
        frozenset({Need.SCORES, Need.VECTORS}),
        pick=k_means.pick,
    ),
    Strategy(
        "k_center",
        "Coverage (k-center)",
        "When nothing may be overlooked: what is least like anything seen, odd texts first.",
        frozenset({Need.SCORES, Need.VECTORS}),
        pick=k_center.pick,
    ),
    Strategy(
        "density",
        "Density",
        "Beside an uncertainty, when it finds oddities: texts that are like many others.",
        frozenset({Need.SCORES, Need.VECTORS}),
        score=density.score,
    ),
    Strategy(
        "balance",
        "Label balance",
        "When labels are under their target: texts expected to hold them.",
        frozenset({Need.SCORES}),
        score=balance.score,
    ),
    Strategy(
        "cost",
        "Cost",
        "Beside another, when time is short: texts that take people few seconds.",
        frozenset({Need.SCORES}),
        score=cost.score,
    ),
    Strategy(
        "random",
        "Random",
        "When no other is better in a replay: the control of them all.",
        frozenset(),
        score=random.score,
    ),
)
STRATEGIES: Mapping[str, Strategy] = MappingProxyType({one.key: one for one in _ALL})


def needs(mixture: Iterable[str]) -> frozenset[Need]:
    """What the strategies of these keys need, all together."""
    return frozenset(need for key in mixture for need in STRATEGIES[key].needs)
