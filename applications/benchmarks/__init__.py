"""The verbs of `applications/benchmark.py`, one file per kind of contest."""
