"""A version of several members, and what each says of the gold that it never saw.

Members vote, and are trained side by side where each would leave the other cores idle. With
`members` each is trained on all gold from a seed of its own (deep ensembles,
Lakshminarayanan et al. 2017), with `folds` on all gold but one part. What a member says of its
part shows where the gold itself may be wrong: FOLDER/out_of_fold.jsonl has a line for each piece
of a training document,
`{"id", "start", "text", "gold", "entities", "confidence"}`, `start` being where the piece begins in
its document and the probabilities the member's own, not calibrated.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ml_backend.contract.messages import write_jsonl
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger import checkpoint
from ml_backend.tagger.predict import Tagger
from ml_backend.training.dataset import Example, TrainingData, TrainingDataError
from ml_backend.training.distributed import is_first
from ml_backend.training.fit import Step
from ml_backend.training.side_by_side import train_all
from ml_backend.training.state import mark_of

OUT_OF_FOLD = "out_of_fold.jsonl"
_APART = 1_000_003  # between the seeds of members, so that those of neighbouring seeds differ

# Trains one member into a folder: make_member(data, config, seed=, folder=, about=, watch=,
# resume_in=, start_from=) -> record.
MakeMember = Callable[..., dict[str, Any]]


def make_members(
    make_member: MakeMember,
    data: TrainingData,
    config: TrainingConfig,
    *,
    seed: int,
    folder: Path,
    watch: Callable[[Step], None],
    resume_in: Path | None,
    start_from: Path | None,
    processes: int = 1,
) -> list[dict[str, Any]]:
    """Train the members into `folder/members/0…`; of folds, write what each says of its own part.

    As many as there may be processes are trained at a time, in this process where that is one.

    Returns the members' records. Members that are whole in `resume_in` are not trained again.
    Raises TrainingDataError where a member would have nothing to learn from.
    """
    parts = parts_of(data.train, config.folds, seed=seed) if config.folds else None
    seen = _without_one_each(data, parts, config.folds) if parts else [data] * config.members
    # members are judged and calibrated together, not each
    alone = config.model_copy(
        update={"folds": 0, "members": 1, "calibration": "none", "doubtful": "tell"}
    )
    built = (resume_in or folder) / "members"
    records: dict[int, dict[str, Any]] = {}
    trainings = {}
    for number, gold in enumerate(seen):
        own_seed = seed if parts else seed + number * _APART
        about = {"mark": mark_of(gold, alone, seed=own_seed, together=0)}
        if record := _whole(built / str(number), about["mark"]):
            records[number] = record
            continue
        trainings[number] = partial(
            make_member,
            gold,
            alone,
            seed=own_seed,
            folder=built / str(number),
            about=about,
            resume_in=resume_in and resume_in / f"member-{number}",
            start_from=start_from,
        )
    told = _together(watch, members=len(seen), whole=len(records))
    made = train_all(list(trainings.values()), told, processes=processes)
    records |= dict(zip(trainings, made, strict=True))
    if is_first():
        if built != folder / "members":
            folder.mkdir(parents=True, exist_ok=True)
            built.rename(folder / "members")
        if parts:
            write_jsonl(folder / OUT_OF_FOLD, _out_of_fold(data.train, parts, folder / "members"))
    return [records[number] for number in range(len(seen))]


def _without_one_each(
    data: TrainingData, parts: Sequence[int | None], folds: int
) -> list[TrainingData]:
    """All gold but one part each; raises TrainingDataError where no entity is left."""
    result = []
    for number in range(folds):
        kept = [one for one, part in zip(data.train, parts, strict=True) if part != number]
        if not any(one.entities for one in kept):
            raise TrainingDataError(
                f"without part {number + 1} of {folds} no document to train on holds an "
                "entity: there is too little gold for folds"
            )
        result.append(replace(data, train=kept))
    return result


def parts_of(examples: Sequence[Example], folds: int, *, seed: int) -> list[int | None]:
    """The part that each example is in, from 0; None for one that every member learns from.

    Parts are as even as whole duplicate groups allow. Examples of less weight than gold are in
    none: nobody asks whether a guess is wrong.
    """
    by_group: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(examples):
        if one.weight >= 1:
            by_group[one.group or f"example {place}"].append(place)
    groups = list(by_group.values())
    random.Random(f"parts {seed}").shuffle(groups)
    groups.sort(key=len, reverse=True)
    parts: list[int | None] = [None] * len(examples)
    sizes = [0] * folds
    for places in groups:
        smallest = sizes.index(min(sizes))
        sizes[smallest] += len(places)
        for place in places:
            parts[place] = smallest
    return parts


def _whole(folder: Path, mark: str) -> dict[str, Any] | None:
    """The record of a member that an earlier, killed training of the same finished."""
    if not (folder / checkpoint.CONFIG).exists():
        return None
    record = checkpoint.training_record(folder)
    return record if record.get("mark") == mark else None


def _together(
    watch: Callable[[Step], None], *, members: int, whole: int
) -> Callable[[int, Step], None]:
    """Tell how far all members are, `whole` of them before, as if each took as many steps as the
    one that speaks."""
    taken: dict[int, int] = {}

    def told(place: int, step: Step) -> None:
        taken[place] = step.step
        done = whole * step.steps + sum(taken.values())
        watch(replace(step, step=done, steps=members * step.steps))

    return told


def _out_of_fold(
    examples: Sequence[Example], parts: Sequence[int | None], members: Path
) -> Iterator[dict[str, Any]]:
    """Each example of a part, in the part's order."""
    for number in sorted({part for part in parts if part is not None}):
        tagger = Tagger.load(members / str(number))
        unseen = [one for one, part in zip(examples, parts, strict=True) if part == number]
        for one, said in zip(unseen, tagger.predict([one.text for one in unseen]), strict=True):
            yield {
                "id": one.document,
                "start": one.start,
                "text": one.text,
                "gold": [entity.to_dict() for entity in one.entities],
                "entities": [entity.to_dict() for entity in said.entities],
                "confidence": said.confidence,
            }
