"""Data: embedded worlds, readers for a user's own files, and vocabularies.

`load` is the door to all of them. Importing this package imports no engine.
"""

from keras_classics.core.boundary.picture_files import write_picture
from keras_classics.data.array_batches import array_batches
from keras_classics.data.captions.caption_batches import caption_batches
from keras_classics.data.clips.clip_folders import read_clip
from keras_classics.data.load import Data, Info, load
from keras_classics.data.pictures.augmenting.mask_augmentation import random_view
from keras_classics.data.pictures.class_batches import (
    classified_batches,
    predict_classes,
    validation_batches,
)
from keras_classics.data.pictures.formats.boundary_maps import boundary_map, outlined
from keras_classics.data.pictures.formats.mask_files import read_mask, resize_mask
from keras_classics.data.pictures.images import read_image
from keras_classics.data.pictures.mask_batches import (
    mask_batches,
    picture_values,
    whole_mask_batches,
)
from keras_classics.data.pictures.preparation import Preparation, fit_preparation
from keras_classics.data.pictures.region_batches import region_batches
from keras_classics.data.pictures.warped_batches import warped_batches
from keras_classics.data.sound.distortion import Distortion, revoiced, stretched
from keras_classics.data.splits import Pictures
from keras_classics.data.store import collect
from keras_classics.data.texts.alphabet import Alphabet
from keras_classics.data.texts.dictionary import read_dictionary
from keras_classics.data.texts.labelled_examples import classed, filmed, tagged, transcribed
from keras_classics.data.texts.sentence_batches import encode_sentences, translation_batches
from keras_classics.data.texts.sentence_groups import sentence_groups
from keras_classics.data.texts.sentences import by_language
from keras_classics.data.texts.sequences import LabelledSequences, sequence_batches
from keras_classics.data.texts.text_units import Units
from keras_classics.data.texts.text_windows import text_windows
from keras_classics.data.texts.transcription import Transcription
from keras_classics.data.texts.translation_vocabularies import load_vocabulary, make_vocabulary
from keras_classics.data.texts.vocabulary import Vocabulary
from keras_classics.data.worlds.moving_scenes import moving_scenes, still_shapes
from keras_classics.data.worlds.planned_movements import arm_reaches, hand_positions, pen_digits

__all__ = [
    "Alphabet",
    "Data",
    "Distortion",
    "Info",
    "LabelledSequences",
    "Pictures",
    "Preparation",
    "Transcription",
    "Units",
    "Vocabulary",
    "arm_reaches",
    "array_batches",
    "boundary_map",
    "by_language",
    "caption_batches",
    "classed",
    "classified_batches",
    "collect",
    "encode_sentences",
    "filmed",
    "fit_preparation",
    "hand_positions",
    "load",
    "load_vocabulary",
    "make_vocabulary",
    "mask_batches",
    "moving_scenes",
    "outlined",
    "pen_digits",
    "picture_values",
    "predict_classes",
    "random_view",
    "read_clip",
    "read_dictionary",
    "read_image",
    "read_mask",
    "region_batches",
    "resize_mask",
    "sentence_groups",
    "sequence_batches",
    "still_shapes",
    "revoiced",
    "stretched",
    "tagged",
    "text_windows",
    "transcribed",
    "translation_batches",
    "validation_batches",
    "warped_batches",
    "whole_mask_batches",
    "write_picture",
]
