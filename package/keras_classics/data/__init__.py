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
from keras_classics.data.captions.caption_batches import (
    CaptionedImages,
    caption_batches,
    collect,
    encode_captions,
    network_input,
    steps_per_epoch,
)
from keras_classics.data.captions.folder import load_captions
from keras_classics.data.load import SOURCES, Data, Info, Source, load, load_scenes
from keras_classics.data.pictures.arrays import load_digits, load_npz
from keras_classics.data.pictures.class_batches import (
    LabelledImages,
    check_labelled,
    classified_batches,
    collect_labelled,
    predict_classes,
    validation_batches,
)
from keras_classics.data.pictures.class_folders import load_folder
from keras_classics.data.pictures.images import grey, read_image
from keras_classics.data.pictures.preparation import Preparation, fit_preparation
from keras_classics.data.sound.recordings import (
    BANDS,
    Recording,
    frame_count,
    load_speech,
    log_mel,
    log_mel_frames,
    read_wave,
    write_wave,
)
from keras_classics.data.texts.alphabet import Alphabet
from keras_classics.data.texts.conllu import TaggedSentence, load_conllu, read_conllu
from keras_classics.data.texts.dictionary import dictionary_units, read_dictionary
from keras_classics.data.texts.documents import Document, collect_documents, load_text
from keras_classics.data.texts.parallel import (
    ParallelTexts,
    collect_parallel,
    load_parallel,
    tag_target,
)
from keras_classics.data.texts.sentence_batches import (
    encode_sentences,
    multilingual_batches,
    pad_rows,
    read_groups,
    translation_batches,
)
from keras_classics.data.texts.sentences import by_language, load_sentences
from keras_classics.data.texts.sequences import (
    LabelledSequences,
    Units,
    all_batches,
    pad_arrays,
    sequence_batches,
)
from keras_classics.data.texts.text_windows import TextWindows, text_windows
from keras_classics.data.texts.translation_vocabularies import (
    UNITS,
    CharacterVocabulary,
    SentencepieceVocabulary,
    TokenVocabulary,
    load_vocabulary,
    make_vocabulary,
)
from keras_classics.data.texts.vocabulary import Vocabulary
from keras_classics.data.tfds import load_tfds
from keras_classics.data.worlds.digit_lines import draw_line, load_digit_lines
from keras_classics.data.worlds.phrases import Phrase, load_phrases, make_phrase, phrase_groups
from keras_classics.data.worlds.source_code import (
    TOKEN_CLASSES,
    classify_characters,
    load_source_code,
)

__all__ = [
    "BANDS",
    "SOURCES",
    "TOKEN_CLASSES",
    "UNITS",
    "Alphabet",
    "CaptionedImages",
    "CharacterVocabulary",
    "Data",
    "Document",
    "Info",
    "LabelledImages",
    "LabelledSequences",
    "ParallelTexts",
    "Phrase",
    "Preparation",
    "Recording",
    "SentencepieceVocabulary",
    "Source",
    "TaggedSentence",
    "TextWindows",
    "TokenVocabulary",
    "Units",
    "Vocabulary",
    "all_batches",
    "by_language",
    "caption_batches",
    "check_labelled",
    "classified_batches",
    "classify_characters",
    "collect",
    "collect_documents",
    "collect_labelled",
    "collect_parallel",
    "dictionary_units",
    "draw_line",
    "encode_captions",
    "encode_sentences",
    "fit_preparation",
    "frame_count",
    "grey",
    "load",
    "load_captions",
    "load_conllu",
    "load_digit_lines",
    "load_digits",
    "load_folder",
    "load_npz",
    "load_parallel",
    "load_phrases",
    "load_scenes",
    "load_sentences",
    "load_source_code",
    "load_speech",
    "load_text",
    "load_tfds",
    "load_vocabulary",
    "log_mel",
    "log_mel_frames",
    "make_phrase",
    "make_vocabulary",
    "multilingual_batches",
    "network_input",
    "pad_arrays",
    "pad_rows",
    "phrase_groups",
    "predict_classes",
    "read_conllu",
    "read_dictionary",
    "read_groups",
    "read_image",
    "read_lines",
    "read_table",
    "read_text",
    "read_wave",
    "sequence_batches",
    "steps_per_epoch",
    "tag_target",
    "text_windows",
    "tokenize",
    "translation_batches",
    "validation_batches",
    "write_picture",
    "write_table",
    "write_text",
    "write_wave",
]
