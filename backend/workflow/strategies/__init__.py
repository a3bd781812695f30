"""Strategies of active learning: which documents people should see next.

`features.py` is what a strategy may know of the candidates, `registry.py` names them all, and
`mixtures.py` chooses documents by one of them or by several. Nothing here knows a database.
"""
