"""What a replay is asked to do: which strategies, how often, how much, and by which cost."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, get_args

from backend.errors import InvalidInputError
from backend.workflow.replay.points import Cost
from backend.workflow.selection.cost import DEFAULTS, CostModel
from backend.workflow.strategies.mixtures import read_mixture

RANDOM = "random"  # what every other strategy is held against
FULL = "full"  # no strategy: one training on all of the pool, as far as any can come
DEFAULT_STRATEGIES = (RANDOM, "mnlp", "badge", "density+mnlp", "cost+mnlp")

# trains in about a minute, and always for the same number of steps: curves compare gold alone
LEARNER: Mapping[str, str | int | float | bool] = {
    "epochs": 8,
    "min_steps": 300,
    "max_steps": 1500,
    "batch_documents": 16,
    "most_batch_documents": 16,
    "looks": 4,
    "calibration": "temperature",
    "serving_form": "fp32",
}


@dataclass(frozen=True, slots=True)
class ReplayConfig:
    """A replay as it was asked for; the same one gives the same curves.

    A strategy is a name of `backend/workflow/strategies`, or a mixture: names joined by `+`, each
    with a weight after a colon where it is not 1, as in `mnlp:2+cost`. Each is tried with every
    seed; `random` always is. A run begins with `start` documents drawn at random, and takes
    `batch` more in each of `rounds` rounds, out of at most `candidates` that the model of that
    round has read. `label_target` is how many entities of each label `balance` wants. `person` is
    what the simulated one needs, see `CostModel`.
    """

    strategies: tuple[str, ...] = DEFAULT_STRATEGIES
    rounds: int = 8
    batch: int = 100
    start: int = 100
    seeds: int = 3
    cost: Cost = "documents"
    candidates: int = 5000
    label_target: int = 200
    learner: dict[str, Any] = field(default_factory=lambda: dict(LEARNER))
    person: dict[str, float] = field(default_factory=lambda: seconds_of(DEFAULTS))
    project: str = ""  # its key, empty for gold of a file
    asked_by: str = ""

    def __post_init__(self) -> None:
        least = {
            "rounds": 1,
            "batch": 1,
            "start": 20,
            "seeds": 1,
            "candidates": self.batch,
            "label_target": 1,
        }
        for name, value in least.items():
            if getattr(self, name) < value:
                raise InvalidInputError(f"{name} must be at least {value}")
        if self.cost not in get_args(Cost):
            raise InvalidInputError(f"cost must be one of {', '.join(get_args(Cost))}")
        for written in self.strategies:
            read_mixture(written)

    @property
    def mixtures(self) -> dict[str, dict[str, float]]:
        """The strategies to try by their names, random first."""
        return {name: read_mixture(name) for name in dict.fromkeys((RANDOM, *self.strategies))}

    @property
    def cost_model(self) -> CostModel:
        """The seconds that the simulated person needs."""
        its = self.person
        return CostModel(its["document"], its["character"], its["entity"], its["edit"])

    def goes_on(self, other: "ReplayConfig") -> bool:
        """Whether the other asks for the same, but for strategies, seeds, what compares them, and
        more rounds."""
        return other == replace(
            self,
            strategies=other.strategies,
            seeds=other.seeds,
            cost=other.cost,
            rounds=max(self.rounds, other.rounds),
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "ReplayConfig":
        """Read what `to_dict` wrote."""
        return cls(**{**record, "strategies": tuple(record["strategies"])})


def seconds_of(model: CostModel) -> dict[str, float]:
    """The four numbers of a cost model, for a person of middling pace."""
    return {name: getattr(model, name) for name in ("document", "character", "entity", "edit")}
