"""Looking into models: what they cost, and what they see."""

from keras_classics.analysis import fooling
from keras_classics.analysis.answers import class_probabilities
from keras_classics.analysis.cells.cells import CellFinding, CellReader, Excerpts, find_cells
from keras_classics.analysis.cells.cells_page import write_cells_page
from keras_classics.analysis.cells.text_targets import text_targets
from keras_classics.analysis.drawing.complexity import (
    LayerCost,
    costs,
    multiply_adds,
    trainable_parameters,
    weight_bytes,
)
from keras_classics.analysis.drawing.figures.alignments import draw_alignments, draw_translations
from keras_classics.analysis.drawing.figures.architecture import draw_architecture
from keras_classics.analysis.drawing.figures.box_pictures import draw_boxes
from keras_classics.analysis.drawing.figures.captioned_pictures import draw_captions
from keras_classics.analysis.drawing.figures.confusion import draw_confusion
from keras_classics.analysis.drawing.figures.family_tree import draw_family_tree, family_tree
from keras_classics.analysis.drawing.figures.field_picture import draw_receptive_fields
from keras_classics.analysis.drawing.figures.isometry_picture import draw_isometry
from keras_classics.analysis.drawing.figures.label_spikes import draw_spikes
from keras_classics.analysis.drawing.figures.landscape_pictures import draw_landscape
from keras_classics.analysis.drawing.figures.lesion_picture import draw_lesions
from keras_classics.analysis.drawing.figures.mask_pictures import (
    class_colours,
    draw_masks,
    overlay_classes,
)
from keras_classics.analysis.drawing.figures.memory_pictures import draw_completions, draw_recall
from keras_classics.analysis.drawing.figures.method_pages import draw_methods
from keras_classics.analysis.drawing.figures.mistake_bound_picture import draw_mistake_bounds
from keras_classics.analysis.drawing.figures.mistakes import draw_mistakes
from keras_classics.analysis.drawing.figures.overview_picture import draw_overview
from keras_classics.analysis.drawing.figures.projection_picture import draw_projection
from keras_classics.analysis.drawing.figures.training_curves import draw_history
from keras_classics.analysis.drawing.figures.trajectory_picture import draw_trajectories
from keras_classics.analysis.drawing.html_pages import PageSection, write_page
from keras_classics.analysis.drawing.pages import displayable, draw_maps, draw_tiles, overlay
from keras_classics.analysis.drawing.plots import new_figure, write_figure
from keras_classics.analysis.drawing.projection import (
    Projection,
    group_cosines,
    principal_components,
    project_groups,
)
from keras_classics.analysis.inside import symmetries
from keras_classics.analysis.inside.inversion import Inversion, Inverter, invert
from keras_classics.analysis.inside.isometry import (
    Isometry,
    Spectrum,
    isometry_by_depth,
    jacobian_spectrum,
)
from keras_classics.analysis.inside.landscapes import Landscape, loss_landscape
from keras_classics.analysis.inside.lesions import Lesion, lesion
from keras_classics.analysis.inside.loss_surface import LossSurface
from keras_classics.analysis.inside.maximization import Maximization, maximize
from keras_classics.analysis.inside.memory_capacity import (
    RecallAtLoad,
    first_error_rate,
    recall_by_load,
)
from keras_classics.analysis.inside.network_blocks import Block, find_blocks
from keras_classics.analysis.inside.overview import OverviewRow, measure_speed, overview
from keras_classics.analysis.inside.patches import Patches, draw_patches, find_patches
from keras_classics.analysis.inside.residual_paths import (
    PathGradients,
    path_gradients,
    path_lengths,
)
from keras_classics.analysis.inside.trajectories import Trajectory, principal_trajectory
from keras_classics.analysis.inside.weight_directions import (
    Direction,
    direction_to,
    random_direction,
)
from keras_classics.analysis.maps.cam import CAM, CAM_METHODS, cam, cam_layer, normalized
from keras_classics.analysis.maps.cam_targets import region_target, token_target
from keras_classics.analysis.maps.deconvnet import Deconvnet, deconvnet
from keras_classics.analysis.maps.feature_maps import FeatureMaps
from keras_classics.analysis.maps.guided import guided_gradients
from keras_classics.analysis.maps.map_evaluation import admitted_methods, evaluate_maps
from keras_classics.analysis.maps.map_faithfulness import (
    AverageDrop,
    DeletionInsertion,
    average_drop,
    deletion_insertion,
)
from keras_classics.analysis.maps.map_methods import MAP_METHODS, map_explainer
from keras_classics.analysis.maps.map_sanity import cascading_randomization, randomize_layers
from keras_classics.analysis.maps.map_scores import centre_maps, energy_game, pointing_game
from keras_classics.analysis.maps.masked_scores import Occlusion, Rise, occlusion, rise
from keras_classics.analysis.maps.saliency import Saliency, saliency
from keras_classics.analysis.maps.sampled_gradients import (
    IntegratedGradients,
    SmoothGrad,
    integrated_gradients,
    smooth_grad,
)
from keras_classics.core.graphs.model_ends import ModelEnd, model_ends
from keras_classics.core.graphs.receptive_fields import ReceptiveField, receptive_field

__all__ = [
    "AverageDrop",
    "Block",
    "CAM",
    "CAM_METHODS",
    "CellFinding",
    "CellReader",
    "Deconvnet",
    "DeletionInsertion",
    "Direction",
    "Excerpts",
    "FeatureMaps",
    "IntegratedGradients",
    "Inversion",
    "Inverter",
    "Isometry",
    "Landscape",
    "LayerCost",
    "Lesion",
    "LossSurface",
    "MAP_METHODS",
    "Maximization",
    "ModelEnd",
    "Occlusion",
    "OverviewRow",
    "PageSection",
    "Patches",
    "PathGradients",
    "Projection",
    "RecallAtLoad",
    "ReceptiveField",
    "Rise",
    "Saliency",
    "SmoothGrad",
    "Spectrum",
    "Trajectory",
    "admitted_methods",
    "average_drop",
    "cam",
    "cam_layer",
    "cascading_randomization",
    "centre_maps",
    "class_probabilities",
    "class_colours",
    "costs",
    "deconvnet",
    "deletion_insertion",
    "direction_to",
    "displayable",
    "draw_alignments",
    "draw_architecture",
    "draw_boxes",
    "overlay_classes",
    "draw_captions",
    "draw_completions",
    "draw_confusion",
    "draw_family_tree",
    "draw_history",
    "draw_isometry",
    "draw_masks",
    "draw_landscape",
    "draw_lesions",
    "draw_maps",
    "draw_methods",
    "draw_mistakes",
    "draw_overview",
    "draw_patches",
    "draw_projection",
    "draw_mistake_bounds",
    "draw_recall",
    "draw_receptive_fields",
    "draw_spikes",
    "draw_tiles",
    "draw_trajectories",
    "draw_translations",
    "energy_game",
    "evaluate_maps",
    "family_tree",
    "find_blocks",
    "find_cells",
    "find_patches",
    "first_error_rate",
    "fooling",
    "group_cosines",
    "guided_gradients",
    "integrated_gradients",
    "invert",
    "isometry_by_depth",
    "jacobian_spectrum",
    "lesion",
    "loss_landscape",
    "map_explainer",
    "maximize",
    "measure_speed",
    "model_ends",
    "multiply_adds",
    "new_figure",
    "normalized",
    "occlusion",
    "overlay",
    "overview",
    "path_gradients",
    "path_lengths",
    "pointing_game",
    "principal_components",
    "principal_trajectory",
    "project_groups",
    "random_direction",
    "randomize_layers",
    "recall_by_load",
    "receptive_field",
    "region_target",
    "rise",
    "saliency",
    "smooth_grad",
    "symmetries",
    "text_targets",
    "token_target",
    "trainable_parameters",
    "weight_bytes",
    "write_cells_page",
    "write_figure",
    "write_page",
]
