"""Where champion and gold differ, and what may be wrong in the gold: one review of both."""
