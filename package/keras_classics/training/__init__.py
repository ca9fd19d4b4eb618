"""Training: resumable fit, recipes, optimizers, losses, metrics."""

from keras_classics.core.recipe import Cosine, Drops, Exponential, Linear, Recipe, Step, step
from keras_classics.training.adversarial import ADVERSARIAL_METHODS, AdversarialModel
from keras_classics.training.burn_in import burn_in_weights
from keras_classics.training.checkpoints import restore
from keras_classics.training.classifier_design import Design, design_classifier
from keras_classics.training.compiling import (
    compile_reader,
    compile_translator,
    cosine_adam,
    falling_optimizer,
    unpadded_cross_entropy,
)
from keras_classics.training.ctc_loss import (
    CTCLoss,
    edit_distance,
    labellable,
    labelling_metrics,
)
from keras_classics.training.metrics.box_metric import AveragePrecision
from keras_classics.training.metrics.captions import (
    caption_figures,
    caption_metrics,
    caption_scores,
    shuffled_captions,
)
from keras_classics.training.metrics.classes import (
    class_scores,
    classification_metrics,
    confusion_matrix,
    predictions,
)
from keras_classics.training.metrics.directions import (
    ScoredDirections,
    direction_languages,
    direction_metrics,
    score_directions,
)
from keras_classics.training.metrics.language_identity import LanguageIdentifier
from keras_classics.training.metrics.likelihood import (
    BitsPerCharacter,
    bigram_nats,
    likelihood,
    text_metrics,
    text_nats,
)
from keras_classics.training.metrics.tagging import tagging_metrics
from keras_classics.training.metrics.translations import (
    TranslationScores,
    flip_shares,
    translation_metrics,
)
from keras_classics.training.optimizers import SkipNonFinite, averaging
from keras_classics.training.recipes import (
    compile_model,
    decay_weights,
    learning_rate,
    quick_recipe,
)
from keras_classics.training.resumable import fit, read_history
from keras_classics.training.rtrl import ForwardTrainer
from keras_classics.training.truncated_bptt import TruncatedBPTT

__all__ = [
    "ADVERSARIAL_METHODS",
    "AdversarialModel",
    "AveragePrecision",
    "CTCLoss",
    "BitsPerCharacter",
    "Cosine",
    "Design",
    "Drops",
    "Exponential",
    "ForwardTrainer",
    "LanguageIdentifier",
    "Linear",
    "Recipe",
    "ScoredDirections",
    "SkipNonFinite",
    "Step",
    "TranslationScores",
    "TruncatedBPTT",
    "averaging",
    "bigram_nats",
    "burn_in_weights",
    "caption_figures",
    "caption_metrics",
    "caption_scores",
    "class_scores",
    "classification_metrics",
    "compile_model",
    "compile_reader",
    "compile_translator",
    "confusion_matrix",
    "cosine_adam",
    "decay_weights",
    "design_classifier",
    "direction_languages",
    "direction_metrics",
    "edit_distance",
    "falling_optimizer",
    "fit",
    "flip_shares",
    "labellable",
    "labelling_metrics",
    "learning_rate",
    "likelihood",
    "predictions",
    "quick_recipe",
    "read_history",
    "restore",
    "score_directions",
    "shuffled_captions",
    "step",
    "tagging_metrics",
    "text_metrics",
    "text_nats",
    "translation_metrics",
    "unpadded_cross_entropy",
]
