"""Callbacks Keras lacks; thin, they call the rooms below."""

from keras_classics.callbacks.activation_pictures import Activations
from keras_classics.callbacks.attention_pictures import Attention
from keras_classics.callbacks.detection_precision import DetectionPrecision
from keras_classics.callbacks.generated_pictures import Generated, WarnOfCollapse
from keras_classics.callbacks.grad_cam import GradCAM
from keras_classics.callbacks.gradient_pictures import Gradients
from keras_classics.callbacks.picture_callback import PictureCallback
from keras_classics.callbacks.robust_accuracy import RobustAccuracy
from keras_classics.callbacks.scheduled_sampling_schedule import (
    ScheduledSampling,
    half_way_constant,
    scheduled_sampling,
)
from keras_classics.callbacks.text_samples import Samples
from keras_classics.callbacks.weight_pruning import HoldWeights, Pruning
from keras_classics.callbacks.weight_trajectory import WeightTrajectory

__all__ = [
    "Generated",
    "WarnOfCollapse",
    "Activations",
    "Attention",
    "DetectionPrecision",
    "GradCAM",
    "Gradients",
    "HoldWeights",
    "PictureCallback",
    "Pruning",
    "RobustAccuracy",
    "Samples",
    "ScheduledSampling",
    "WeightTrajectory",
    "half_way_constant",
    "scheduled_sampling",
]
