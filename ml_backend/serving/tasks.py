"""Label Studio's tasks in, one prediction each out, in order, whatever a task looks like."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_backend.contract.label_studio import TextControl, shown_as, to_regions
from ml_backend.serving.model_server import UNTRAINED

if TYPE_CHECKING:
    from ml_backend.tagger.predict import TextPrediction

LONGEST_TEXT = 100_000  # characters; longer ones would hold everybody else up

Predict = Callable[[Sequence[str]], "list[TextPrediction | None]"]


@dataclass(slots=True)
class Answer:
    """The results of a request, and what could not be said in them."""

    results: list[dict[str, Any]]
    unusable: dict[str, list[str]] = field(default_factory=dict)  # reason → task ids
    left_out: Counter[str] = field(default_factory=Counter)  # label → entities


def untrained(tasks: Sequence[Any]) -> Answer:
    """Nothing, for each task, before a first version."""
    return Answer([_result([], _place(task, frozenset()) or 0.0, UNTRAINED) for task in tasks])


def answer_tasks(
    tasks: Sequence[Any],
    control: TextControl,
    predict: Predict,
    *,
    version: str,
    versions: AbstractSet[str],
    mapping: Mapping[str, str] | None = None,
) -> Answer:
    """Predict each task under a labelling configuration; `mapping` as for `to_regions`.

    A task without a usable text has an empty result, and so has one of which the last stored by one
    of `versions` is empty: people may be labelling it blind. What `version` has stored is answered
    again as it is: suggestions that people rejected before were left out of it. The score of a task
    is its place in the queue where one of `versions` has stored it, else the tagger's confidence in
    the whole text.
    """
    answer = Answer([])
    texts: list[str] = []
    usable: list[int] = []
    for index, task in enumerate(tasks):
        answer.results.append(_result([], _place(task, versions) or 0.0, version))
        text = _text(task, control)
        reason = why_unusable(text)
        if isinstance(text, str) and reason is None:
            said = _said_before(_stored(task, versions), text, control, version)
            if said is None:
                texts.append(text)
                usable.append(index)
            else:
                answer.results[index]["result"] = said
        else:
            answer.unusable.setdefault(reason or "", []).append(_name(task, index))
    for index, text, prediction in zip(usable, texts, predict(texts), strict=True):
        if prediction is None:
            reason = "the tagger failed on it"
            answer.unusable.setdefault(reason, []).append(_name(tasks[index], index))
            continue
        regions, left_out = to_regions(prediction.entities, text, control, mapping)
        if left_out:
            known = {*control.labels, *shown_as(mapping or {}, control.labels.labels)}
            answer.left_out.update(
                entity.label for entity in prediction.entities if entity.label not in known
            )
        place = _place(tasks[index], versions)
        score = in_unit(prediction.confidence) if place is None else place
        answer.results[index] = _result(regions, score, version)
    return answer


def in_unit(value: float) -> float:
    """The value as a score in [0, 1]; 0 for what is no number."""
    return min(1.0, max(0.0, float(value))) if value == value else 0.0


def why_unusable(text: object) -> str | None:
    """Why something cannot be tagged as a text, None when it can."""
    if text is None:
        return "no text"
    if not isinstance(text, str):
        return f"the text is of type {type(text).__name__}"
    if len(text) > LONGEST_TEXT:
        return f"more than {LONGEST_TEXT} characters"
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: cannot be sent back as JSON
        return "the text is not Unicode"
    return None


def _result(regions: list[dict[str, Any]], score: float, version: str) -> dict[str, Any]:
    return {"result": regions, "score": score, "model_version": version}


def _text(task: Any, control: TextControl) -> object:
    data = task.get("data") if isinstance(task, dict) else None
    return data.get(control.text_field) if isinstance(data, dict) else None


def _place(task: Any, versions: AbstractSet[str]) -> float | None:
    """The score of the newest prediction that one of our versions has stored with the task."""
    stored = _stored(task, versions)
    return float(stored["score"]) if stored else None


def _said_before(
    stored: Mapping[str, Any] | None, text: str, control: TextControl, version: str
) -> list[Any] | None:
    """What is stored of a task, where it is to stay: an empty result, and one of `version` itself
    while its text and labels are the same."""
    said = stored.get("result") if stored is not None else None
    if stored is None or not isinstance(said, list):
        return None
    if said and stored["model_version"] != version:
        return None
    return said if all(_fits(region, text, control) for region in said) else None


def _fits(region: Any, text: str, control: TextControl) -> bool:
    """Whether a stored region is one of this text under this configuration."""
    value = region.get("value") if isinstance(region, dict) else None
    if not isinstance(value, dict) or region.get("from_name") != control.from_name:
        return False
    start, end, labels = value.get("start"), value.get("end"), value.get("labels")
    if type(start) is not int or type(end) is not int or not isinstance(labels, list):
        return False
    return (
        0 <= start < end <= len(text)
        and text[start:end] == value.get("text")
        and all(label in control.labels for label in labels)
    )


def _stored(task: Any, versions: AbstractSet[str]) -> Mapping[str, Any] | None:
    """The newest prediction with a place in the queue that one of our versions has stored."""
    stored = task.get("predictions") if isinstance(task, dict) else None
    ours = [
        one
        for one in (stored if isinstance(stored, list) else ())
        if isinstance(one, dict)
        and isinstance(one.get("model_version"), str)
        and one["model_version"] in versions
        and isinstance(one.get("score"), int | float)
        and 0 <= one["score"] <= 1
    ]
    return max(reversed(ours), key=_number, default=None)


def _number(prediction: Mapping[str, Any]) -> int:
    number = prediction.get("id")
    return number if isinstance(number, int) else -1


def _name(task: Any, index: int) -> str:
    """A task for the log: its id, or where it stood in the request."""
    number = task.get("id") if isinstance(task, dict) else None
    return str(number) if isinstance(number, int) else f"#{index}"
