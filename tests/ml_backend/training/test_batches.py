from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from ml_backend.contract.training_config import TrainingConfig
from ml_backend.training.batches import BatchPlan

Lengths = st.lists(st.integers(1, 700), min_size=1, max_size=120)


@given(Lengths, st.integers(1, 9), st.integers(1, 2000), st.integers(0, 3), st.integers(1, 7))
def test_an_epoch_holds_every_example_once_within_both_limits(
    lengths: list[int], documents: int, characters: int, epoch: int, odd: int
) -> None:
    sizes = [1 + length % odd for length in lengths]
    batches = BatchPlan(lengths, sizes, documents, characters, seed=1).epoch(epoch)
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        assert 1 <= len(batch) <= documents
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= characters


def test_batches_are_of_like_length() -> None:
    lengths = [1 + i % 90 for i in range(1000)]
    plan = BatchPlan(lengths, lengths, 8, 10_000, seed=1)
    padded = sum(len(batch) * max(lengths[i] for i in batch) for batch in plan.epoch(0))
    assert padded < 1.15 * sum(lengths)


def test_batches_are_sorted_by_what_the_encoder_computes() -> None:
    sizes = [1 + i % 90 for i in range(1000)]
    plan = BatchPlan([100] * 1000, sizes, 8, 10_000, seed=1)
    padded = sum(len(batch) * max(sizes[i] for i in batch) for batch in plan.epoch(0))
    assert padded < 1.15 * sum(sizes)


def test_epochs_and_seeds_differ_and_the_same_ones_agree() -> None:
    lengths = [1 + i % 90 for i in range(250)]
    plan = BatchPlan(lengths, lengths, 8, 10_000, seed=1)
    assert plan.epoch(0) == BatchPlan(lengths, lengths, 8, 10_000, seed=1).epoch(0)
    assert plan.epoch(0) != plan.epoch(1)
    assert plan.epoch(0) != BatchPlan(lengths, lengths, 8, 10_000, seed=2).epoch(0)


@given(Lengths, st.integers(0, 60))
def test_a_stream_can_be_entered_anywhere(lengths: list[int], first: int) -> None:
    plan = BatchPlan(lengths, lengths, 4, 900, seed=7)
    whole = list(islice(plan.stream(), first + 5))
    assert list(islice(plan.stream(first), 5)) == whole[first:]
    assert [batch.number for batch in whole] == list(range(first + 5))


def test_a_stream_counts_epochs() -> None:
    stream = BatchPlan([10] * 7, [10] * 7, 4, 100, seed=0).stream()
    assert [batch.epochs for batch in islice(stream, 4)] == [0.5, 1.0, 1.5, 2.0]


def test_steps_are_epochs_within_bounds_and_accumulation_shares_them_out() -> None:
    def steps(together: int = 1, **options: int) -> int:
        config = TrainingConfig(batch_documents=4, most_batch_documents=4, **options)
        plan = BatchPlan.of(
            [10] * 10, [10] * 10, config, seed=0, together=together
        )  # 3 batches an epoch
        return plan.steps(config, together=together)

    assert steps(epochs=4, min_steps=1) == 12
    assert steps(epochs=4, min_steps=1, together=5) == 3
    assert steps(epochs=4, min_steps=1, max_steps=7) == 7
    assert steps(epochs=1, min_steps=9) == 9


def test_batches_grow_when_the_steps_would_not_see_all_gold() -> None:
    def documents(examples: int, together: int = 1) -> int:
        config = TrainingConfig(epochs=2, max_steps=100)
        return BatchPlan.of(
            [1] * examples, [1] * examples, config, seed=0, together=together
        ).documents

    assert documents(examples=400) == 8
    assert documents(examples=401) == 16
    assert documents(examples=401, together=2) == 8
    assert documents(examples=100_000) == 32
