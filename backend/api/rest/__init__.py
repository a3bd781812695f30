"""The API: one file a noun, each a list of operations; `wire.py` brings them into Flask."""
