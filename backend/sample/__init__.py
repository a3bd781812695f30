"""A generated Korean corpus with gold entities, for the demo, the tests and the benchmarks."""
