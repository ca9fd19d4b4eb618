"""Callbacks Keras lacks; thin, they call the rooms below."""

from keras_classics.callbacks.samples import Samples
from keras_classics.callbacks.scheduled_sampling import ScheduledSampling

__all__ = ["Samples", "ScheduledSampling"]
