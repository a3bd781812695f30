"""Several taggers that vote, as one version.

VERSION/config.json   format, calibration, how it was made, SHA-256 of each member's configuration
VERSION/members/0…    each member, a tagger's folder (see `checkpoint`)
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml_backend.contract.entity import Entity
from ml_backend.tagger import checkpoint
from ml_backend.tagger.calibration import Calibration
from ml_backend.tagger.checkpoint import CONFIG, CheckpointError
from ml_backend.tagger.heads.head import Decoded
from ml_backend.tagger.predict import Tagger, TextPrediction, told
from ml_backend.tagger.scores import TextScores, text_scores

FORMAT = "goldloop-ensemble-1"


class Ensemble:
    """Taggers of one label set; it changes nothing in itself, so threads may share it."""

    def __init__(self, members: Sequence[Tagger], calibration: Calibration | None = None):
        if not members or any(one.labels != members[0].labels for one in members):
            raise ValueError("an ensemble needs members, all of the same labels")
        self._members, self._calibration = members, calibration or Calibration()
        self.labels = members[0].labels

    @classmethod
    def load(cls, folder: Path) -> "Ensemble":
        """Read a version's folder; raises CheckpointError."""
        members = [Tagger.load(member) for member in member_folders(folder)]
        return cls(members, checkpoint.calibration(folder))

    def predict(self, texts: Sequence[str]) -> list[TextPrediction]:
        """Tag each text: N in, N out, in order."""
        said = [member.predict(texts) for member in self._members]
        readings = [vote(of_text) for of_text in zip(*said, strict=True)]
        return told(texts, self._calibration, readings)

    def score(
        self, texts: Sequence[str], *, dropout_passes: int = 0
    ) -> list[tuple[TextPrediction, TextScores]]:
        """Tag each text as `predict` does, and say what selection ranks it by.

        The members are a committee: they disagree without passes too.
        """
        found = [
            member.examine(texts, passes=dropout_passes, seed=number)
            for number, member in enumerate(self._members)
        ]
        of_texts = list(zip(*found, strict=True))
        readings = [vote([one.reading for one in of_text]) for of_text in of_texts]
        curve = self._calibration.spans
        return [
            (prediction, text_scores(of_text, prediction.entities, self.labels, curve))
            for prediction, of_text in zip(
                told(texts, self._calibration, readings), of_texts, strict=True
            )
        ]


def vote(readings: Sequence[Decoded | TextPrediction]) -> Decoded:
    """What most of the members found in a text.

    No two entities of it can contradict each other: those that do are not in one member's
    reading, and more than half of the members hold each. An entity's probability is the mean over
    the members, and the confidence the mean of the probabilities of this very reading, 0 for a
    member that reads otherwise: too low both, which calibration mends.
    """
    found: dict[tuple[int, int, str], list[float]] = defaultdict(list)
    for reading in readings:
        for entity in reading.entities:
            found[entity.key].append(entity.probability or 0.0)
    entities = [
        Entity(*key, sum(said) / len(readings))
        for key, said in sorted(found.items())
        if 2 * len(said) > len(readings)
    ]
    agreed = [reading.confidence for reading in readings if reading.entities == entities]
    nothing = sum(reading.nothing for reading in readings)
    return Decoded(entities, sum(agreed) / len(readings), nothing / len(readings))


def save(folder: Path, *, training: dict[str, Any], calibration: Calibration) -> None:
    """Make the members in `folder/members` one version; the configuration is written last."""
    members = sorted((folder / "members").iterdir(), key=lambda member: int(member.name))
    config = {
        "format": FORMAT,
        "members": {member.name: checkpoint.sha256(member / CONFIG) for member in members},
        "calibration": calibration.to_dict(),
        "training": training,
    }
    checkpoint.write_config(folder, config)


def is_ensemble(folder: Path) -> bool:
    """Whether a version's folder holds several taggers; raises CheckpointError."""
    return checkpoint.read_config(folder).get("format") == FORMAT


def member_folders(folder: Path) -> list[Path]:
    """The members' folders, in order; raises CheckpointError where one is not what it was."""
    members = checkpoint.read_config(folder).get("members")
    if not isinstance(members, dict) or not members or not all(map(str.isdecimal, members)):
        raise CheckpointError(folder, f"{CONFIG} names no members")
    result = []
    for name, digest in sorted(members.items(), key=lambda item: int(item[0])):
        member = folder / "members" / name
        if not (member / CONFIG).is_file() or checkpoint.sha256(member / CONFIG) != digest:
            raise CheckpointError(folder, f"member {name} is not what {CONFIG} says")
        result.append(member)
    return result
