"""The strategies of selection as pages call them; their order is that of the registry."""

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from backend.workflow.selection.candidates import DROPOUT_PASSES
from backend.workflow.strategies.registry import STRATEGIES
from backend.workflow.strategies.strategy import Need

WORDS: dict[str, tuple[LazyString, LazyString]] = {
    "mnlp": (
        _l("Least confidence (MNLP)"),
        _l("The usual start: what the tagger is least sure of, whatever its length."),
    ),
    "margin": (
        _l("Margin"),
        _l("When texts are short: those for which two labellings are nearly as likely."),
    ),
    "mean_entropy": (
        _l("Mean entropy"),
        _l("When entities are frequent: texts that are unclear all along."),
    ),
    "max_entropy": (
        _l("Highest entropy"),
        _l("When entities are rare: texts with one place that is unclear."),
    ),
    "total_entropy": (
        _l("Total entropy"),
        _l("When a document costs the same whatever its length: those with most that is unclear."),
    ),
    "disagreement": (
        _l("Disagreement"),
        _l(
            "When the tagger is sure of its mistakes: texts that it reads differently each time; "
            "costs several readings."
        ),
    ),
    "badge": (
        _l("Gradient embedding (BADGE)"),
        _l("For large batches: unsure and unlike each other at once."),
    ),
    "k_means": (
        _l("Diversity (k-means++)"),
        _l("At the start, or beside an uncertainty: texts of all kinds, frequent ones more often."),
    ),
    "k_center": (
        _l("Coverage (k-center)"),
        _l("When nothing may be overlooked: what is least like anything seen, odd texts first."),
    ),
    "density": (
        _l("Density"),
        _l("Beside an uncertainty, when it finds oddities: texts that are like many others."),
    ),
    "balance": (
        _l("Label balance"),
        _l("When labels are under their target: texts expected to hold them."),
    ),
    "cost": (
        _l("Cost"),
        _l("Beside another, when time is short: texts that take people few seconds."),
    ),
    "random": (
        _l("Random"),
        _l("When no other is better in a replay: the control of them all."),
    ),
}
"""Strategy → its title, and when to use it."""


def cost_in_words(name: str) -> str:
    """How often the champion has to read each candidate for a strategy."""
    needs = STRATEGIES[name].needs
    if Need.DROPOUT in needs:
        return _("%(count)s readings", count=1 + DROPOUT_PASSES)
    if needs & {Need.VECTORS, Need.GRADIENTS}:
        return _("1 reading, and comparing")
    return _("1 reading") if needs else _("no reading")


RECOMMENDED = "mnlp"
"""The strategy that stands open on every page: what a project begins with."""

FAMILIES: tuple[tuple[LazyString, tuple[str, ...]], ...] = (
    (
        _l("What the tagger is unsure of"),
        ("mnlp", "margin", "mean_entropy", "max_entropy", "total_entropy", "disagreement"),
    ),
    (_l("Texts unlike each other"), ("badge", "k_means", "k_center", "density")),
    (_l("Labels, time and the control"), ("balance", "cost", "random")),
)
"""What strategies look at, and those that do; each strategy is in one."""


def in_words(mixture: Mapping[str, float]) -> str:
    """A mixture (strategy → weight) as a reader's language writes it."""
    return " + ".join(
        str(WORDS[name][0]) if weight == 1 else f"{weight:g} × {WORDS[name][0]}"
        for name, weight in mixture.items()
        if name in WORDS
    )
