"""Training: resumable fit, recipes, optimizers, losses, metrics."""

from keras_classics.core.cards.recipe import Cosine, Drops, Exponential, Linear, Recipe, step
from keras_classics.training.checkpoints import restore, steps_made
from keras_classics.training.classifier_design import design_classifier
from keras_classics.training.compiling import (
    compile_labeller,
    compile_reader,
    compile_translator,
    cosine_adam,
    falling_optimizer,
    unpadded_cross_entropy,
)
from keras_classics.training.divided_optimizer import DividedOptimizer
from keras_classics.training.losses.boundary_loss import BoundaryLoss
from keras_classics.training.losses.burn_in import burn_in_weights
from keras_classics.training.losses.ctc_loss import (
    CTCLoss,
    labellable,
    labelling_metrics,
)
from keras_classics.training.losses.metric_learning import ContrastiveLoss, TripletLoss, recall_at_k
from keras_classics.training.losses.mixture_density import MixtureDensityLoss
from keras_classics.training.losses.pixel_loss import (
    PixelCrossEntropy,
    compile_segmenter,
    median_frequency_weights,
)
from keras_classics.training.losses.region_loss import compile_detector
from keras_classics.training.metrics.boundary_benchmark import boundary_figures, thin_outlines
from keras_classics.training.metrics.boundary_measure import boundary_f
from keras_classics.training.metrics.boundary_metric import BoundaryF
from keras_classics.training.metrics.box_metric import AveragePrecision
from keras_classics.training.metrics.captions import caption_figures, caption_metrics
from keras_classics.training.metrics.classes import (
    class_scores,
    classification_metrics,
    confusion_matrix,
    predictions,
)
from keras_classics.training.metrics.directions import score_directions
from keras_classics.training.metrics.likelihood import BitsPerCharacter, text_metrics
from keras_classics.training.metrics.picture_distances import FrechetDistance, KernelDistance
from keras_classics.training.metrics.picture_quality import (
    peak_signal_to_noise,
    structural_similarity,
)
from keras_classics.training.metrics.pixel_figures import (
    PixelFigure,
    intersections_over_unions,
    pixel_confusion,
    pixel_figures,
)
from keras_classics.training.metrics.sample_distances import frechet_distance, kernel_distance
from keras_classics.training.metrics.tagging import tagging_metrics
from keras_classics.training.metrics.translations import translation_metrics
from keras_classics.training.optimizers import SkipNonFinite, averaging
from keras_classics.training.recipes import compile_model, quick_recipe
from keras_classics.training.resumable import fit, read_history
from keras_classics.training.trainers.adversarial import AdversarialModel
from keras_classics.training.trainers.gan_trainer import GANTrainer
from keras_classics.training.trainers.gatys import StyledPicture, descend_to_style
from keras_classics.training.trainers.perceptual import PerceptualLoss, PerceptualTrainer
from keras_classics.training.trainers.rtrl import ForwardTrainer
from keras_classics.training.trainers.truncated_bptt import TruncatedBPTT
from keras_classics.training.trainers.vae_trainer import VAETrainer

__all__ = [
    "PerceptualLoss",
    "PerceptualTrainer",
    "StyledPicture",
    "descend_to_style",
    "peak_signal_to_noise",
    "structural_similarity",
    "VAETrainer",
    "FrechetDistance",
    "KernelDistance",
    "frechet_distance",
    "kernel_distance",
    "DividedOptimizer",
    "GANTrainer",
    "AdversarialModel",
    "AveragePrecision",
    "CTCLoss",
    "ContrastiveLoss",
    "BitsPerCharacter",
    "BoundaryF",
    "BoundaryLoss",
    "Cosine",
    "Drops",
    "Exponential",
    "ForwardTrainer",
    "Linear",
    "MixtureDensityLoss",
    "PixelCrossEntropy",
    "PixelFigure",
    "Recipe",
    "SkipNonFinite",
    "TripletLoss",
    "TruncatedBPTT",
    "averaging",
    "boundary_f",
    "boundary_figures",
    "burn_in_weights",
    "caption_figures",
    "caption_metrics",
    "class_scores",
    "classification_metrics",
    "compile_detector",
    "compile_labeller",
    "compile_model",
    "compile_reader",
    "compile_segmenter",
    "compile_translator",
    "confusion_matrix",
    "cosine_adam",
    "design_classifier",
    "falling_optimizer",
    "fit",
    "intersections_over_unions",
    "labellable",
    "labelling_metrics",
    "median_frequency_weights",
    "pixel_confusion",
    "pixel_figures",
    "predictions",
    "quick_recipe",
    "read_history",
    "recall_at_k",
    "restore",
    "score_directions",
    "step",
    "steps_made",
    "tagging_metrics",
    "text_metrics",
    "thin_outlines",
    "translation_metrics",
    "unpadded_cross_entropy",
]
