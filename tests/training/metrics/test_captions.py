"""The golden set was computed with the COCO evaluation code and METEOR 1.5's own jar."""

import math
import shutil

import pytest

from keras_classics.core.errors import InputError
from keras_classics.training.metrics.captions import _score, caption_metrics, caption_scores

pytest.importorskip("pycocoevalcap")

HYPOTHESES = [
    "a man riding a wave on a surfboard",
    "a dog runs in the grass",
    "children playing in a park",
]
REFERENCES = [
    [
        "a man riding a wave on top of a surfboard",
        "a surfer rides a large wave in the ocean",
        "a person on a surf board rides a wave",
    ],
    ["a black dog runs through the grass", "the dog is running across a green field"],
    [
        "two children play with a ball in the park",
        "kids are playing football outside",
        "two boys kick a soccer ball on the grass",
    ],
]
GOLDEN = {
    "BLEU-1": (0.852715, 0.882497, 0.705401, 1.0),
    "BLEU-2": (0.657061, 0.882497, 0.488716, 0.0),
    "BLEU-3": (0.492649, 0.770932, 4e-6, 0.0),
    "BLEU-4": (0.423891, 0.701824, 0.0, 0.0),
    "ROUGE-L": (0.679236, 0.871429, 0.758706, 0.407572),
    "CIDEr-D": (1.584913, 2.698514, 1.520847, 0.535379),
}
METEOR = (0.339676, 0.449720, 0.310215, 0.259419)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_set(name):
    corpus, *each = GOLDEN[name]
    metrics = caption_metrics(HYPOTHESES, REFERENCES, meteor=False)
    scores = caption_scores(HYPOTHESES, REFERENCES, meteor=False)
    assert metrics[name] == pytest.approx(corpus, abs=1e-6)
    assert scores[name] == pytest.approx(each, abs=1e-6)
    assert list(metrics) == list(scores) == list(GOLDEN)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("java"), reason="METEOR needs Java")
def test_golden_set_meteor():
    corpus, each = _score(HYPOTHESES, REFERENCES, "auto")["METEOR"]
    assert corpus == pytest.approx(METEOR[0], abs=1e-6)
    assert each == pytest.approx(METEOR[1:], abs=1e-6)


def test_without_java_there_is_no_meteor(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert list(caption_metrics(HYPOTHESES, REFERENCES)) == list(GOLDEN)
    with pytest.raises(InputError, match="java is not on the path"):
        caption_metrics(HYPOTHESES, REFERENCES, meteor=True)


@pytest.mark.filterwarnings("error")
def test_a_java_that_fails_is_reported_and_does_not_hang(monkeypatch, tmp_path):
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="METEOR's Java program failed"):
        caption_metrics(HYPOTHESES, REFERENCES)


def test_both_sides_are_tokenised_alike():
    shouted = [f"{text.upper()} !" for text in HYPOTHESES]
    dotted = [[f"{text.capitalize()}." for text in texts] for texts in REFERENCES]
    assert caption_metrics(shouted, dotted, meteor=False) == caption_metrics(
        HYPOTHESES, REFERENCES, meteor=False
    )


def test_nothing_is_printed(capsys):
    caption_metrics(HYPOTHESES, REFERENCES, meteor=False)
    assert capsys.readouterr() == ("", "")


def test_perfect_captions_score_the_maximum():
    texts = ["a red circle left of a square", "two dogs run over green grass"]
    metrics = caption_metrics(texts, [[text] for text in texts], meteor=False)
    expected = dict.fromkeys(GOLDEN, 1.0) | {"CIDEr-D": 10.0}
    assert metrics == pytest.approx(expected, abs=1e-6)


def test_short_captions_pay_the_brevity_penalty_against_the_closest_reference():
    # "a b" against lengths 3 and 5: both words are right, the closest length is 3.
    metrics = caption_metrics(["a b"], [["a b c", "a b c d e"]], meteor=False)
    assert metrics["BLEU-1"] == pytest.approx(math.exp(1 - 3 / 2), abs=1e-6)


def test_rouge_is_the_longest_common_subsequence():
    # "a c d" of 4 and 3 words: precision 3/4, recall 1, beta 1.2.
    metrics = caption_metrics(["a b c d"], [["a c d"]], meteor=False)
    precision, recall, beta = 3 / 4, 1.0, 1.2
    f = (1 + beta**2) * precision * recall / (recall + beta**2 * precision)
    assert metrics["ROUGE-L"] == pytest.approx(f, abs=1e-9)


def test_a_single_image_has_no_rare_words():
    metrics = caption_metrics(HYPOTHESES[:1], REFERENCES[:1], meteor=False)
    assert metrics["CIDEr-D"] == 0.0


def test_an_empty_hypothesis_scores_nothing():
    scores = caption_scores(["", *HYPOTHESES[1:]], REFERENCES, meteor=False)
    assert {name: each[0] for name, each in scores.items()} == pytest.approx(
        dict.fromkeys(GOLDEN, 0.0), abs=1e-12
    )


@pytest.mark.parametrize(
    ("hypotheses", "references", "message"),
    [
        ([], [], "0 hypotheses"),
        (["a"], [["a"], ["b"]], "1 hypotheses and references of 2"),
        (["a", "b"], [["a"], []], r"Image 1 has the references \[\]"),
        (["a", "b"], [["a"], "b"], "Image 1 has the references 'b'"),
        (["a", "b"], [["a", "."], ["b"]], "Image 0 has the reference '.'"),
    ],
)
def test_bad_input_is_refused(hypotheses, references, message):
    with pytest.raises(InputError, match=message):
        caption_metrics(hypotheses, references, meteor=False)
