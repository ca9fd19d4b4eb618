"""Cells: what is known of a text, scores beside other calculations, and a planted cell found."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

import keras_classics as kc
from keras_classics.analysis.cells import cell_scores
from keras_classics.data.texts.documents import Document
from keras_classics.data.worlds.source_code import TOKEN_CLASSES, classify_characters
from support import in_browser

CLASSES = ("space", "comment", "string", "operator")
ALPHABET = kc.data.Alphabet("()ab<")


def test_what_is_known_of_every_character():
    text = 'ANN SMITH:\nI say "no" (or [so])\n\nBOB:\n  see http://a.b/c. x\n'
    known = kc.analysis.text_targets(text)

    def where(name):
        return "".join(c if on else "_" for c, on in zip(text, known[name], strict=True))

    assert where("inside_quotes").strip("_") == '"no'
    assert where("speaker_line").replace("_", "") == "ANN SMITH:\nBOB:\n"
    assert where("capitals_line").replace("_", "") == "ANN SMITH:\nBOB:\n"
    assert where("inside_url").strip("_") == "http://a.b/c."
    assert known["line_position"][:13].tolist() == [*range(1, 12), 1, 2]
    assert known["line_share"][10] == 1.0 and known["line_share"][4] == pytest.approx(5 / 11)
    assert known["word_position"][:6].tolist() == [1, 2, 3, 0, 1, 2]
    start = text.index("  see")
    assert known["indentation"][start - 1 : start + 6].tolist() == [0, 1, 2, 2, 2, 2, 2]
    start = text.index("(or")
    assert known["bracket_depth"][start - 1 : start + 9].tolist() == [0, 1, 1, 1, 1, 2, 2, 2, 1, 0]


def test_of_code_the_truth_is_tokenizes():
    code = 'f("(")  # (\ng(1)\n'
    known = kc.analysis.text_targets(code, classify_characters(code), TOKEN_CLASSES)
    assert known["bracket_depth"].tolist() == [0, 1, 1, 1, 1, 0] + [0] * 6 + [0, 1, 1, 0, 0]
    assert np.flatnonzero(known["inside_string"]).tolist() == [2, 3, 4]
    assert np.flatnonzero(known["inside_comment"]).tolist() == [8, 9, 10]


def test_scores_equal_those_of_scipy_and_scikit_learn():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 3)).astype("float32")
    holds = values[:, 1] + rng.normal(size=200) > 0.5
    counts = np.round(2 * values[:, 2] + rng.normal(size=200))
    for target, expected in ((holds, stats.pointbiserialr), (counts, stats.spearmanr)):
        found = cell_scores.correlations(values, target)
        wanted = [expected(target, column)[0] for column in values.T]
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    maximum, moved = cell_scores.shifted_maxima(
        values.reshape(2, 100, 3), holds.reshape(2, 100), 20, 0
    )
    assert maximum == pytest.approx(np.abs(cell_scores.correlations(values, holds)).max())
    assert moved.shape == (20,) and moved.max() < maximum
    auc, accuracy = cell_scores.threshold_scores(values[:, 1], holds, values[:, 1], holds)
    assert auc == pytest.approx(metrics.roc_auc_score(holds, values[:, 1]))
    best = max(
        metrics.balanced_accuracy_score(holds, values[:, 1] >= threshold)
        for threshold in values[:, 1]
    )
    assert accuracy == pytest.approx(best)


def test_what_two_characters_say_is_their_mean():
    tokens = np.array([[0, 1, 0, 1, 1]])
    target = np.array([[False, True, False, False, True]])
    said = cell_scores.bigram_prediction(tokens, target, np.array([[1, 0, 1, 1]]))
    # After (1, 1), also for a beginning: one of one; (1, 0): none of one; (0, 1): one of two.
    np.testing.assert_allclose(said, [[1.0, 0.0, 0.5, 1.0]])


def bracketed(seed, length=1500):
    """Text that is mostly a within brackets and mostly b outside, and a truth to be found."""
    rng, text, inside = np.random.default_rng(seed), [], []
    while len(text) < length:
        for opened, common in ((True, "a"), (False, "b")):
            run = rng.choice(["ab".replace(common, ""), common], rng.integers(5, 30), p=[0.3, 0.7])
            text += ["(" if opened else ")", *run]
            inside += [opened] * (1 + len(run))
    classes = np.where(inside, CLASSES.index("comment"), 0).astype("uint8")
    return Document(f"text {seed}", "".join(text), classes)


@pytest.fixture(scope="module")
def planted():
    """An Elman network whose third unit is a latch that brackets set, the others noise."""
    model = kc.models.language_model(len(ALPHABET), 4, 1, "elman", initial_range=0.3, seed=2)
    kernel, recurrent, bias = model.get_layer("recurrent_1").get_weights()
    kernel[:, 2] = 0.0
    kernel[ALPHABET.encode("()"), 2] = [8.0, -8.0]
    recurrent[:, 2] = [0.0, 0.0, 3.0, 0.0]
    model.get_layer("recurrent_1").set_weights([kernel, recurrent, bias])
    weights, bias = model.get_layer("logits").get_weights()
    weights[2, ALPHABET.encode("ab")] = [0.42, -0.42]
    bias[ALPHABET.encode("<")] = -5.0
    model.get_layer("logits").set_weights([weights, bias])
    return model


@pytest.fixture(scope="module")
def found(planted):
    return kc.analysis.find_cells(
        planted, [bracketed(n) for n in range(4)], ALPHABET, characters=2400, length=300,
        class_names=CLASSES,
    )  # fmt: skip


def test_a_planted_cell_is_found_and_its_loss_is_felt(found):
    findings, _ = found
    finding = next(each for each in findings if each.target == "inside_comment")
    assert (finding.layer, finding.cell, finding.kind) == (1, 2, "binary")
    assert abs(finding.correlation) > 0.99 and finding.follows
    assert finding.roc_auc > 0.99 and finding.balanced_accuracy > 0.99
    assert finding.probe > 0.99 and abs(finding.bigram) < 0.8
    assert abs(finding.shifted) < 0.7 and finding.p_value == 0.01
    assert abs(finding.untrained) < 0.9
    # Held at its median it says the same everywhere: right on one side, wrong on the other.
    assert finding.rise_on + finding.rise_off > 0.05


def test_the_untrained_control_is_drawn_by_the_seed():
    model = kc.models.language_model(len(ALPHABET), 4, 1, "elman")

    def controls(seed):
        findings, _ = kc.analysis.find_cells(
            model, [bracketed(n) for n in range(2)], ALPHABET, characters=1200, length=300,
            shifts=1, seed=seed, class_names=CLASSES,
        )  # fmt: skip
        return [each.untrained for each in findings]

    assert controls(0) == controls(0) != controls(1)


def test_targets_that_never_vary_are_left_out(found):
    findings, excerpts = found
    assert "inside_url" in excerpts.targets
    assert {"inside_url", "indentation"}.isdisjoint(each.target for each in findings)
    assert excerpts.tokens.shape == (8, 200) and excerpts.activations.shape == (8, 200, 4)


def test_lstms_are_read_by_their_squashed_cells():
    model = kc.models.language_model(len(ALPHABET), 6, 2, initial_range=0.5, seed=1)
    tokens, targets = np.stack([ALPHABET.encode(bracketed(0).text[:160])] * 2), {}
    reader = kc.analysis.CellReader(model)
    excerpts = reader.excerpts(tokens, targets)
    states = reader.read(tokens)[1][:, 100:]
    expected = np.tanh(np.concatenate([states[..., 6:12], states[..., 18:24]], axis=-1))
    np.testing.assert_allclose(excerpts.activations, expected, atol=1e-6)
    assert reader.cells == [(layer, cell) for layer in (1, 2) for cell in range(6)]
    logs = reader.read(tokens)[0]
    np.testing.assert_allclose(np.exp(logs).sum(axis=-1), 1.0, atol=1e-5)
    assert excerpts.nats[0, 7] == pytest.approx(-logs[0, 7, tokens[0, 8]])


def test_too_little_text_is_refused(planted):
    with pytest.raises(kc.InputError, match="excerpts of 5000"):
        kc.analysis.find_cells(planted, [bracketed(0)], ALPHABET, length=5000)
    with pytest.raises(kc.InputError, match="more than 101 characters"):
        kc.analysis.find_cells(planted, [bracketed(0)], ALPHABET, length=100)


class Strict(HTMLParser):
    """Every element is closed in its turn; keeps texts and classes."""

    VOID = ("meta", "br")

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.pages, self.classes, self.links = [], [], set(), []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.classes |= set(attributes.get("class", "").split())
        self.links += [attributes[key] for key in ("src", "href") if key in attributes]
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "pre":
            self.pages.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "pre" in self.open:
            self.pages[-1] += data


def test_the_page_is_whole_shows_the_text_and_needs_nothing_else(found, planted, tmp_path):
    findings, excerpts = found
    path = tmp_path / "cells.html"
    reader = kc.analysis.CellReader(planted)
    kc.analysis.write_cells_page(path, findings, excerpts, reader, ALPHABET, title="a < b & c")
    content = path.read_text("utf-8")
    page = Strict()
    page.feed(content)
    page.close()
    assert page.open == [] and page.links == [] and "<script" not in content
    assert "<title>a &lt; b &amp; c</title>" in content
    texts = {ALPHABET.decode(row) for row in excerpts.tokens}
    assert len(page.pages) == len(findings) and set(page.pages) <= texts
    styled = set(re.findall(r"\.([a-z]+\d*)", content[: content.index("</style>")]))
    assert page.classes <= styled and {"p10", "n10", "on"} <= page.classes


# Of each character its colour and its line.
SEEN = """((spans) => ({
  width: document.documentElement.scrollWidth,
  room: document.documentElement.clientWidth,
  rows: new Set(spans.map(each => each.getBoundingClientRect().top)).size,
  spans: spans.map(each => [each.textContent, getComputedStyle(each).backgroundColor,
                            getComputedStyle(each).borderBottomWidth]),
}))([...document.querySelector("pre").querySelectorAll("span")])"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [500, 1280])
def test_a_browser_shows_each_character_in_the_colour_of_its_cell(found, planted, tmp_path, width):
    findings, excerpts = found
    path, reader = tmp_path / "cells.html", kc.analysis.CellReader(planted)
    kc.analysis.write_cells_page(path, findings[:1], excerpts, reader, ALPHABET)
    seen = in_browser(path, width, SEEN)
    assert seen["width"] <= seen["room"] and seen["rows"] > 1
    text = "".join(character for character, _, _ in seen["spans"])
    row = [ALPHABET.decode(row) for row in excerpts.tokens].index(text)
    number = reader.cells.index((findings[0].layer, findings[0].cell))
    levels = excerpts.activations[row, :, number]
    for level, (_, colour, _) in zip(levels, seen["spans"], strict=True):
        red, green, blue = map(int, re.findall(r"\d+", colour)[:3])
        # White where the cell rests; else blue for positive, red for negative.
        shade = round(10 * float(level) / np.abs(excerpts.activations[..., number]).max())
        assert np.sign(blue - red) == np.sign(shade), (level, colour)
    holds = excerpts.targets[findings[0].target][row]
    if findings[0].kind == "counter":
        holds = holds > np.median(excerpts.targets[findings[0].target])
    assert [float(line.removesuffix("px")) > 0 for _, _, line in seen["spans"]] == list(holds > 0)
