"""A linear chain of tags: sums over all sequences, the best one, and the CRF that owns both."""
