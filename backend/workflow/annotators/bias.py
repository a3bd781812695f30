"""What pre-labels do to people: the same work with and without them, for each and for all.

Chance has drawn the documents of the blind slice, so what differs between both is the pre-labels'
doing: how long a document takes, how much has to be done by hand, how right the result is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from backend.workflow.annotators.bias_evidence import Observed
from backend.workflow.annotators.bias_flag import LetStand, Tested, judge_people


@dataclass(frozen=True, slots=True)
class Work:
    """Annotations of one kind; None where nothing was there to count.

    `seconds` is the median a document, `edits` the mean. `f1` is strict, micro, against the truth
    of `judged` documents.
    """

    documents: int
    seconds: float | None
    edits: float | None
    judged: int
    f1: float | None


@dataclass(frozen=True, slots=True)
class WithAndWithout:
    """Somebody's work with pre-labels and without.

    `stood` counts wrong pre-labels that were shown and let stand, `same_blind` those that nobody
    showed and that were said all the same.
    """

    helped: Work
    blind: Work
    stood: LetStand
    same_blind: LetStand


@dataclass(frozen=True, slots=True)
class Bias:
    """The comparison for everybody together, for each person, and the test of each."""

    everybody: WithAndWithout
    people: Mapping[int, WithAndWithout]
    tested: Mapping[int, Tested]

    @property
    def flagged(self) -> list[int]:
        """Who accepts wrong pre-labels more than chance allows."""
        return [person for person, its in self.tested.items() if its.flagged]


def bias(observed: Sequence[Observed]) -> Bias:
    """Compare what was annotated with and without pre-labels."""
    everybody = _compare(observed)
    people = {
        person: _compare([one for one in observed if one.account_id == person])
        for person in sorted({one.account_id for one in observed})
    }
    tested = judge_people(
        {person: its.stood for person, its in people.items()}, everybody.same_blind
    )
    return Bias(everybody, people, tested)


def _compare(observed: Collection[Observed]) -> WithAndWithout:
    helped = [one for one in observed if not one.blind]
    blind = [one for one in observed if one.blind]
    return WithAndWithout(_work(helped), _work(blind), _let_stand(helped), _let_stand(blind))


def _work(its: Collection[Observed]) -> Work:
    timed = [one.seconds for one in its if one.seconds]
    judged = [(one.said, one.truth) for one in its if one.truth is not None]
    entities = sum(len(said) + len(truth) for said, truth in judged)
    return Work(
        documents=len(its),
        seconds=median(timed) if timed else None,
        edits=sum(one.edits for one in its) / len(its) if its else None,
        judged=len(judged),
        f1=2 * sum(len(said & truth) for said, truth in judged) / entities if entities else None,
    )


def _let_stand(its: Collection[Observed]) -> LetStand:
    wrong = [
        (one.prelabels - one.truth, one.said)
        for one in its
        if one.truth is not None and one.prelabels is not None
    ]
    return LetStand(sum(len(w) for w, _ in wrong), sum(len(w & said) for w, said in wrong))
