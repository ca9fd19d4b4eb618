"""Decoding over anything with a step: functions that know no model.

See `keras_classics.decoding.step` for what a step is.
"""

from keras_classics.decoding.beam import beam_search
from keras_classics.decoding.compiled import CompiledSearch
from keras_classics.decoding.ctc_search import Labellings, ctc_beam_search, ctc_greedy
from keras_classics.decoding.ensemble import Ensemble
from keras_classics.decoding.exhaustive import exhaustive
from keras_classics.decoding.greedy import greedy
from keras_classics.decoding.hypotheses import Decoded, Hypotheses
from keras_classics.decoding.penalties import coverage_penalty, length_penalty
from keras_classics.decoding.sampling import filter_logits, sample
from keras_classics.decoding.scoring import perplexity, score
from keras_classics.decoding.step import Forced, force
from keras_classics.decoding.unknowns import replace_unknowns
from keras_classics.decoding.writing import TextWriter

__all__ = [
    "CompiledSearch",
    "Decoded",
    "Ensemble",
    "Forced",
    "Hypotheses",
    "Labellings",
    "TextWriter",
    "beam_search",
    "coverage_penalty",
    "ctc_beam_search",
    "ctc_greedy",
    "exhaustive",
    "filter_logits",
    "force",
    "greedy",
    "length_penalty",
    "perplexity",
    "replace_unknowns",
    "sample",
    "score",
]
