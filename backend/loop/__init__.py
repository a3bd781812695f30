"""The turns of the loop: each alternates short transactions with slow work, and may run again."""
