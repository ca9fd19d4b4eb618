"""Training: resumable fit, records of runs, metrics."""

from keras_classics.training.metrics import caption_metrics, caption_scores
from keras_classics.training.resumable import fit, read_history, restore
from keras_classics.training.runs import read_run, record_metrics, record_run, write_json

__all__ = [
    "caption_metrics",
    "caption_scores",
    "fit",
    "read_history",
    "read_run",
    "record_metrics",
    "record_run",
    "restore",
    "write_json",
]
