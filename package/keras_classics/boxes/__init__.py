"""Boxes: overlap, suppression, matching, regression, and how good detections are.

Functions of arrays that know no model, as `keras_classics.decoding` is for sequences. A box is
`(ymin, xmin, ymax, xmax)` in pixels, the far edges exclusive; see
`keras_classics.boxes.detections`. Importing this package imports no engine.
"""

from typing import TYPE_CHECKING

from keras_classics.boxes.average_precision import SIZES, Precision, average_precision
from keras_classics.boxes.detection_errors import SortedErrors, sort_errors
from keras_classics.boxes.detections import Detections, Truth
from keras_classics.boxes.diagnosis import diagnose
from keras_classics.boxes.matching import Matches, match, sample_regions
from keras_classics.boxes.overlap import coverage, overlap
from keras_classics.boxes.proposals import (
    ProposalQuality,
    proposal_quality,
    sliding_windows,
)
from keras_classics.boxes.selective_search import selective_search
from keras_classics.boxes.suppression import suppress
from keras_classics.core import importing

if TYPE_CHECKING:
    from keras_classics.boxes.box_regression import (
        RidgeBoxes,
        Whitening,
        apply_regression,
        regression_targets,
    )

__all__ = [
    "SIZES",
    "Detections",
    "Matches",
    "Precision",
    "ProposalQuality",
    "RidgeBoxes",
    "SortedErrors",
    "Truth",
    "Whitening",
    "apply_regression",
    "average_precision",
    "coverage",
    "diagnose",
    "match",
    "overlap",
    "proposal_quality",
    "regression_targets",
    "sample_regions",
    "selective_search",
    "sliding_windows",
    "sort_errors",
    "suppress",
]

_REGRESSION = ("RidgeBoxes", "Whitening", "apply_regression", "regression_targets")

__getattr__ = importing.later(__name__, dict.fromkeys(_REGRESSION, "box_regression"))
