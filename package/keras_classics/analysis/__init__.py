"""Looking into models: what they cost, and later what they see."""

from keras_classics.analysis import symmetries
from keras_classics.analysis.cells import CellFinding, CellReader, Excerpts, find_cells
from keras_classics.analysis.cells_page import write_cells_page
from keras_classics.analysis.complexity import (
    LayerCost,
    costs,
    multiply_adds,
    trainable_parameters,
    weight_bytes,
)
from keras_classics.analysis.family_tree import draw_family_tree, family_tree
from keras_classics.analysis.projection import group_cosines, principal_components
from keras_classics.analysis.text_targets import text_targets
from keras_classics.analysis.translations import draw_alignments, draw_projection

__all__ = [
    "CellFinding",
    "CellReader",
    "Excerpts",
    "LayerCost",
    "costs",
    "draw_alignments",
    "draw_family_tree",
    "draw_projection",
    "family_tree",
    "find_cells",
    "group_cosines",
    "multiply_adds",
    "principal_components",
    "symmetries",
    "text_targets",
    "trainable_parameters",
    "weight_bytes",
    "write_cells_page",
]
