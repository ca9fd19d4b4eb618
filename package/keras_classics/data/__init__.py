"""Data: embedded worlds, readers for a user's own files, and vocabularies.

`load` is the door to all of them. Importing this package imports no engine.
"""

from keras_classics.core.picture_files import write_picture
from keras_classics.core.text_files import (
    read_lines,
    read_table,
    read_text,
    write_table,
    write_text,
)
from keras_classics.core.tokenization import tokenize
from keras_classics.data.batches import pad_arrays, steps_per_epoch
from keras_classics.data.captions.caption_batches import (
    caption_batches,
    encode_captions,
    network_input,
)
from keras_classics.data.load import Data, Info, load
from keras_classics.data.pictures.class_batches import (
    classified_batches,
    predict_classes,
    validation_batches,
)
from keras_classics.data.pictures.images import grey, read_image
from keras_classics.data.pictures.preparation import Preparation, fit_preparation
from keras_classics.data.sound.recordings import (
    BANDS,
    log_mel,
    log_mel_frames,
    read_wave,
    write_wave,
)
from keras_classics.data.splits import Picture, Pictures
from keras_classics.data.store import collect
from keras_classics.data.texts.alphabet import Alphabet
from keras_classics.data.texts.dictionary import dictionary_units, read_dictionary
from keras_classics.data.texts.documents import Document, collect_documents
from keras_classics.data.texts.sentence_batches import (
    encode_sentences,
    multilingual_batches,
    read_groups,
    translation_batches,
)
from keras_classics.data.texts.sentences import by_language
from keras_classics.data.texts.sequences import (
    LabelledSequences,
    Units,
    all_batches,
    sequence_batches,
)
from keras_classics.data.texts.text_windows import text_windows
from keras_classics.data.texts.translation_vocabularies import (
    load_vocabulary,
    make_vocabulary,
)
from keras_classics.data.texts.vocabulary import Vocabulary
from keras_classics.data.worlds.phrases import make_phrase, phrase_groups
from keras_classics.data.worlds.source_code import TOKEN_CLASSES, classify_characters

__all__ = [
    "BANDS",
    "TOKEN_CLASSES",
    "Alphabet",
    "Data",
    "Document",
    "Info",
    "LabelledSequences",
    "Picture",
    "Pictures",
    "Preparation",
    "Units",
    "Vocabulary",
    "all_batches",
    "by_language",
    "caption_batches",
    "classified_batches",
    "classify_characters",
    "collect",
    "collect_documents",
    "dictionary_units",
    "encode_captions",
    "encode_sentences",
    "fit_preparation",
    "grey",
    "load",
    "load_vocabulary",
    "log_mel",
    "log_mel_frames",
    "make_phrase",
    "make_vocabulary",
    "multilingual_batches",
    "network_input",
    "pad_arrays",
    "phrase_groups",
    "predict_classes",
    "read_dictionary",
    "read_groups",
    "read_image",
    "read_lines",
    "read_table",
    "read_text",
    "read_wave",
    "sequence_batches",
    "steps_per_epoch",
    "text_windows",
    "tokenize",
    "translation_batches",
    "validation_batches",
    "write_picture",
    "write_table",
    "write_text",
    "write_wave",
]
