"""The demo's first training with the default options is worth showing to people."""

import pytest

from benchmarks import first_training


@pytest.mark.timeout(900)
def test_the_first_training_generalises():
    found = first_training.measure()
    assert found["micro_f1"] >= first_training.F1_BAR
    assert found["recall_unseen"] > 0.5
