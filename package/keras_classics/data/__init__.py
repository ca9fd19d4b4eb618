"""Data: embedded worlds, readers for a user's own files, and vocabularies.

`load` is the door to all of them. Importing this package imports no engine.
"""

from keras_classics.core.text import tokenize
from keras_classics.data.captioning import (
    CaptionedImages,
    caption_batches,
    collect,
    encode_captions,
    network_input,
    steps_per_epoch,
)
from keras_classics.data.captions import load_captions
from keras_classics.data.images import read_image
from keras_classics.data.load import SOURCES, Data, Info, Source, load, load_scenes
from keras_classics.data.tfds import load_tfds
from keras_classics.data.vocabulary import Vocabulary

__all__ = [
    "SOURCES",
    "CaptionedImages",
    "Data",
    "Info",
    "Source",
    "Vocabulary",
    "caption_batches",
    "collect",
    "encode_captions",
    "load",
    "load_captions",
    "load_scenes",
    "load_tfds",
    "network_input",
    "read_image",
    "steps_per_epoch",
    "tokenize",
]
