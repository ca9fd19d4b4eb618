"""Callbacks Keras lacks; thin, they call the rooms below."""

from keras_classics.callbacks.activations import Activations
from keras_classics.callbacks.attention import Attention
from keras_classics.callbacks.grad_cam import GradCAM
from keras_classics.callbacks.gradients import Gradients
from keras_classics.callbacks.pictures import PictureCallback
from keras_classics.callbacks.samples import Samples
from keras_classics.callbacks.scheduled_sampling import ScheduledSampling, half_way_constant

__all__ = [
    "Activations",
    "Attention",
    "GradCAM",
    "Gradients",
    "PictureCallback",
    "Samples",
    "ScheduledSampling",
    "half_way_constant",
]
