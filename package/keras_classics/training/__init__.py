"""Training: resumable fit, records of runs, metrics."""

from keras_classics.core.recipe import Cosine, Drops, Exponential, Linear, Recipe, Step, step
from keras_classics.core.text_files import write_json
from keras_classics.training.burn_in import burn_in_weights
from keras_classics.training.ctc_loss import (
    CTCLoss,
    edit_distance,
    impossible_labellings,
    labelling_metrics,
)
from keras_classics.training.metrics.captions import caption_metrics, caption_scores
from keras_classics.training.metrics.classes import (
    class_scores,
    classification_metrics,
    confusion_matrix,
)
from keras_classics.training.metrics.language_identity import LanguageIdentifier
from keras_classics.training.metrics.likelihood import BitsPerCharacter, bigram_nats
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
from keras_classics.training.resumable import fit, read_history, restore
from keras_classics.training.rtrl import ForwardTrainer
from keras_classics.training.runs import (
    check_continues,
    describe_run,
    finished_settings,
    read_json,
    read_metrics,
    read_run,
    record_metrics,
    record_run,
    run_settings,
)
from keras_classics.training.truncated_bptt import TruncatedBPTT

__all__ = [
    "CTCLoss",
    "BitsPerCharacter",
    "Cosine",
    "Drops",
    "Exponential",
    "ForwardTrainer",
    "LanguageIdentifier",
    "Linear",
    "Recipe",
    "SkipNonFinite",
    "Step",
    "TranslationScores",
    "TruncatedBPTT",
    "averaging",
    "bigram_nats",
    "burn_in_weights",
    "caption_metrics",
    "caption_scores",
    "check_continues",
    "class_scores",
    "classification_metrics",
    "compile_model",
    "confusion_matrix",
    "decay_weights",
    "describe_run",
    "edit_distance",
    "finished_settings",
    "fit",
    "flip_shares",
    "impossible_labellings",
    "labelling_metrics",
    "learning_rate",
    "quick_recipe",
    "read_history",
    "read_json",
    "read_metrics",
    "read_run",
    "record_metrics",
    "record_run",
    "restore",
    "run_settings",
    "step",
    "translation_metrics",
    "write_json",
]
