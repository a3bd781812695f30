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
from ml_backend.tagger.document_confidence import Reading
from ml_backend.tagger.heads.head import Decoded
from ml_backend.tagger.heads.scheduling import Range, heaviest_apart, heaviest_nested
from ml_backend.tagger.predict import Tagger, TextPrediction, told
from ml_backend.tagger.probabilities import Chances, Key, probabilities
from ml_backend.tagger.scores import TextScores, text_scores

FORMAT = "goldloop-ensemble-1"
LEAST = 1 / 3  # mean probability from which an entity can be told


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
        return told(texts, self._calibration, self._voted(texts, list(zip(*said, strict=True))))

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
        voted = self._voted(texts, [[one.reading for one in of_text] for of_text in of_texts])
        curve = self._calibration.spans
        return [
            (prediction, text_scores(of_text, prediction.entities, self.labels, curve))
            for prediction, of_text in zip(
                told(texts, self._calibration, voted), of_texts, strict=True
            )
        ]

    def _voted(self, texts: Sequence[str], readings: Sequence[Sequence[Reading]]) -> list[Decoded]:
        """Each text's reading from those of the members, who are asked what they think of what
        only others found."""
        own = [[_chances(reading) for reading in of_text] for of_text in readings]
        doubted = [
            number
            for number, of_text in enumerate(own)
            if any(one.keys() != of_text[0].keys() for one in of_text)
        ]
        asked = [sorted(set().union(*own[number])) for number in doubted]
        some = [texts[number] for number in doubted]
        for place, member in enumerate(self._members if doubted else ()):
            for number, chances in zip(doubted, probabilities(member, some, asked), strict=True):
                own[number][place] = chances | own[number][place]
        nested = any(member.nested for member in self._members)
        return [vote(*pair, nested=nested) for pair in zip(readings, own, strict=True)]


def vote(
    readings: Sequence[Reading], chances: Sequence[Chances], *, nested: bool = False
) -> Decoded:
    """What the members together hold likely enough.

    `chances` has each member's probability of what any of them found, 0 where it is not there. An
    entity's is their mean, and of the sets that can be true together the heaviest is told, each
    entity weighing what its mean exceeds LEAST by. The confidence is the mean of the
    probabilities of this very reading, 0 for a member that reads otherwise: too low, which
    calibration mends.
    """
    sums: dict[Key, float] = defaultdict(float)
    for member in chances:
        for key, chance in member.items():
            sums[key] += chance / len(chances)
    best: dict[Range, Entity] = {}  # of each range, the likeliest label
    for (start, end, label), chance in sorted(sums.items(), key=lambda item: (item[1], item[0])):
        if chance > LEAST:
            best[start, end] = Entity(start, end, label, chance)
    likely = sorted(best.values())
    choose = heaviest_nested if nested else heaviest_apart
    kept = choose(
        [(one.start, one.end) for one in likely],
        [(one.probability or 0.0) - LEAST for one in likely],
    )
    entities = [likely[place] for place in kept]
    agreed = [reading.confidence for reading in readings if reading.entities == entities]
    nothing = sum(reading.nothing for reading in readings)
    return Decoded(entities, sum(agreed) / len(readings), nothing / len(readings))


def _chances(reading: Reading) -> Chances:
    return {entity.key: entity.probability or 0.0 for entity in reading.entities}


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
