"""Features of made-up candidates."""

from typing import Any

import numpy as np

from backend.workflow.strategies.features import Features, make_features


def made(n: int = 200, *, seed: int = 0, **given: Any) -> Features:
    """n candidates with random scores, vectors of four clusters, and gradients."""
    random = np.random.default_rng(seed)
    scores = [
        {
            "log_probability": -float(random.exponential(3)),
            "characters": int(random.integers(5, 60)),
            "margin": float(random.random()),
            "mean_entropy": float(random.random()),
            "max_entropy": float(random.random()),
            "disagreement": float(random.random()),
            "expected": {"PS": float(random.exponential()), "LC": float(random.exponential())},
        }
        for _ in range(n)
    ]
    centres = 10 * np.eye(4, 8)[np.arange(n) % 4]
    defaults: dict[str, Any] = {
        "wanted": {"PS": 100, "LC": 0},
        "seconds": random.exponential(20, n),
        "vectors": centres + random.normal(scale=0.1, size=(n, 8)),
        "gradients": random.normal(size=(n, 16)) * random.exponential(size=(n, 1)),
    }
    lengths = [int(one["characters"]) for one in scores]
    return make_features(range(1, n + 1), lengths, scores, ["PS", "LC"], **(defaults | given))
