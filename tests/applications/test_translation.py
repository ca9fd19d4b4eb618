"""The translating application as a user meets it, good input and bad."""

import io
import json
import random
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import keras_classics as kc
from support import ROOT, load_application

SHIPPED = ROOT / "saved_models" / "translation-phrases"
MADE = ["--data-options", "train=640", "validation=32", "test=32", "--units", "16"]
SMALL = [*MADE, "--epochs", "1"]


@pytest.fixture(scope="module")
def application():
    return load_application("translation")


@pytest.fixture(scope="module")
def finished(application, tmp_path_factory):
    """The folder of a whole, tiny job."""
    out = tmp_path_factory.mktemp("job") / "run"
    assert application.main([*SMALL, "--out", str(out)]) == 0
    return out


@pytest.fixture
def parallel(tmp_path):
    colours = "red blue green black white grey pink brown".split()
    for language, words in {"en": ("the", "house"), "fr": ("la", "maison")}.items():
        lines = [f"{words[0]} {a} {b} {words[1]}" for a in colours for b in colours]
        (tmp_path / f"a.{language}").write_text("\n".join(lines))
    return f"parallel:{tmp_path}/a.en,{tmp_path}/a.fr"


@pytest.mark.slow
def test_the_whole_job_leaves_everything_beside_its_results(finished):
    run = json.loads((finished / "run.json").read_text())
    assert run["settings"]["languages"] == ["en", "fr"]
    metrics = json.loads((finished / "metrics.json").read_text())
    assert set(metrics) == {"fr"}
    table = pd.read_csv(finished / "translations.csv", keep_default_na=False)
    target = kc.data.load_vocabulary(finished / "target.json")
    again = kc.training.translation_metrics(
        list(table["translation"]), [[target.normalize(text)] for text in table["reference"]]
    )
    # Among fewer words than there are: it has learned something.
    assert 1 < metrics["fr"].pop("perplexity") < len(target)
    assert again.figures == pytest.approx(metrics["fr"])
    assert len(table) == 32
    for picture in ("alignments.png", "projection.png"):
        assert Image.open(finished / picture).width > 500
    assert list(pd.read_csv(finished / "history.csv")["epoch"]) == [1]


@pytest.mark.slow
def test_the_export_says_what_the_evaluation_said(finished):
    import tensorflow as tf

    table = pd.read_csv(finished / "translations.csv", keep_default_na=False)
    shipped = tf.saved_model.load(str(finished / "saved_model"))
    answer = shipped.serve(tf.constant(table["source"]))
    assert [row[0].decode() for row in answer["translations"].numpy()] == list(table["translation"])
    np.testing.assert_allclose(
        answer["log_probabilities"][:, 0], table["log_probability"], rtol=1e-4
    )
    assert answer["translations"].shape == (32, 5)
    assert answer["alignments"].shape[:2] == (32, 5)


@pytest.mark.slow
def test_several_runs_write_together_if_their_vocabularies_are_the_same(
    application, finished, tmp_path, capsys
):
    alone = (finished / "metrics.json").read_text()
    given = ["evaluate", "--out", str(finished), "--sentences", "1", "--ensemble"]
    assert application.main([*given, str(finished)]) == 0
    assert "beam 5, 2 models" in capsys.readouterr().out
    assert (finished / "metrics.json").read_text() == alone
    # With itself it says what it says alone.
    together = pd.read_csv(finished / "ensemble" / "translations.csv", keep_default_na=False)
    table = pd.read_csv(finished / "translations.csv", keep_default_na=False)
    assert list(together["translation"]) == list(table["translation"])
    np.testing.assert_allclose(together["log_probability"], table["log_probability"], rtol=1e-4)
    other = tmp_path / "other"
    shutil.copytree(finished, other)
    kc.data.make_vocabulary("token", ["un deux trois"]).save(other / "target.json")
    assert application.main([*given, str(other)]) == 1
    assert "of whose files others are target.json" in capsys.readouterr().err
    settings = json.loads((other / "run.json").read_text())
    settings["settings"]["languages"] = ["en", "nl"]
    (other / "run.json").write_text(json.dumps(settings))
    assert application.main([*given, str(other)]) == 1
    assert "a translator of en-nl" in capsys.readouterr().err
    assert application.main([*given, str(tmp_path)]) == 1
    assert "holds no trained translator" in capsys.readouterr().err


@pytest.mark.slow
def test_the_litert_file_says_it_in_numbers_and_words(application, finished):
    pytest.importorskip("ai_edge_litert")
    assert application.main(["export", "--format", "litert", "--out", str(finished)]) == 0
    table = pd.read_csv(finished / "translations.csv", keep_default_na=False).head(4)
    source, target = (
        kc.data.load_vocabulary(finished / f"{side}.json") for side in ("source", "target")
    )
    limit = json.loads((finished / "run.json").read_text())["settings"]["max_words"]
    asked = []
    for text in table["source"]:
        ids = source.encode(text)
        asked.append({"ids": np.pad(ids, (0, limit + 2 - len(ids)))[None].astype("int32")})
    [answers] = kc.export.answers_elsewhere([(finished / "model.tflite", asked)])
    said = [target.join(map(bytes.decode, filter(None, each["words"][0, 0]))) for each in answers]
    assert said == list(table["translation"])


@pytest.mark.slow
def test_training_goes_on_with_more_epochs_and_refuses_other_settings(
    application, finished, tmp_path, capsys
):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    more = [*MADE, "--epochs", "2", "--out", str(out)]
    assert application.main(["train", *more]) == 0
    assert list(pd.read_csv(out / "history.csv")["epoch"]) == [1, 2]
    assert application.main(["train", *more, "--units", "8"]) == 1
    assert "units 16, now 8" in capsys.readouterr().err


@pytest.mark.slow
def test_a_vocabulary_of_another_model_is_refused_with_both_sizes(
    application, finished, tmp_path, capsys
):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    kc.data.Vocabulary(["one", "two"]).save(out / "source.json")
    assert application.main(["train", *SMALL, "--out", str(out)]) == 1
    assert "and this one 6" in capsys.readouterr().err
    assert application.main(["evaluate", *MADE, "--out", str(out)]) == 1
    assert "and this one 6" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "ask"),
    [
        (
            ["--vocabulary", "character", "--attention", "none", "--scheduled-sampling", "uniform"],
            [],
        ),
        (["--vocabulary", "sentencepiece", "--vocabulary-size", "40"], []),
        (["--languages", "en,fr,en2", "--context", "initial_state"], ["--into", "en2"]),
    ],
)
def test_other_units_and_several_targets_end_to_end(
    application, parallel, tmp_path, capsys, arguments, ask
):
    (tmp_path / "a.en2").write_text((tmp_path / "a.en").read_text())
    out = ["--out", str(tmp_path / "run")]
    given = ["--data", f"{parallel},{tmp_path}/a.en2", "--units", "8", "--batch-size", "8",
             *arguments, *out]  # fmt: skip
    for verb, own in (("train", ["--epochs", "1"]), ("evaluate", []), ("export", [])):
        assert application.main([verb, *given, *own]) == 0
    assert application.main(["translate", "the red house", "--n-best", "2", *ask, *out]) == 0
    assert "the red house -> " in capsys.readouterr().out
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert len(metrics) == (2 if ask else 1)
    history = pd.read_csv(tmp_path / "run" / "history.csv")
    sampled = "--scheduled-sampling" in arguments
    assert list(history.get("gold_probability", ())) == ([0.5] if sampled else [])
    if ask:
        assert application.main(["translate", "the red house", *out]) == 1
        assert "one of en-fr, en-en2" in capsys.readouterr().err


def write_false_friends(folder, count):
    """Three languages that write the same words: half of them mean the same in all, the others are
    permuted, and the third puts them in reverse. An article at the beginning tells them apart.
    """
    draw, words, alike = random.Random(0), range(12), 6
    permuted = [[*words[:alike], *draw.sample(words[alike:], len(words) - alike)] for _ in "ab"]
    drawn = (tuple(draw.choices(words, k=draw.randint(2, 4))) for _ in range(2 * count))
    said = list(dict.fromkeys(drawn))[:count]
    languages = {
        "en": ("the", words, 1), "a": ("de", permuted[0], 1), "b": ("le", permuted[1], -1),
    }  # fmt: skip
    for language, (article, meaning, order) in languages.items():
        lines = [" ".join([article, *(f"w{meaning[word]}" for word in each[::order])])
                 for each in said]  # fmt: skip
        (folder / f"w.{language}").write_text("\n".join(lines))
    return f"parallel:{folder}/w.en,{folder}/w.a,{folder}/w.b"


def words_right(translations, references):
    """Share of the words that are right, the article aside, where the lengths agree."""
    right = [
        [one == other for one, other in zip(said[1:], true[1:], strict=True)]
        for said, true in zip(map(str.split, translations), map(str.split, references), strict=True)
        if len(said) == len(true)
    ]
    return sum(map(sum, right)) / (sum(map(len, right)) or 1)


@pytest.mark.slow
def test_a_direction_never_trained_is_better_than_chance_and_the_token_decides_the_language(
    application, tmp_path
):
    given = ["--data", write_false_friends(tmp_path, 1800), "--pairs", "en-a,a-en,en-b,b-en",
             "--units", "48", "--dropout", "0.3", "--out", str(tmp_path / "run")]  # fmt: skip
    assert application.main(["train", *given]) == 0
    assert application.main(["evaluate", *given, "--beam", "2"]) == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    for trained in ("en-a", "a-en", "en-b", "b-en"):
        assert metrics[trained]["exact match"] > 0.25
    zero_shot = metrics["a-b (zero-shot)"]
    assert zero_shot["references in language"] == 1.0
    assert zero_shot["in language"] > 0.8 and zero_shot["flips"] > 0.8
    table = pd.read_csv(tmp_path / "run" / "translations.csv", keep_default_na=False)
    table = table[table["direction"] == "a-b (zero-shot)"]
    # Chance: what it said of another sentence.
    chance = words_right(np.roll(table["translation"], 1), table["reference"])
    assert words_right(table["translation"], table["reference"]) > 3 * chance


def sharing_the_middle(tmp_path, pairs):
    return ["--data", write_false_friends(tmp_path, 120), "--pairs", pairs, "--sharing", "middle",
            "--units", "8", "--batch-size", "32", "--out", str(tmp_path / "run")]  # fmt: skip


@pytest.mark.slow
def test_pairs_that_share_encoder_and_middle_are_trained_and_exported_one_by_one(
    application, tmp_path, capsys
):
    given = sharing_the_middle(tmp_path, "en-a,en-b")
    beam = ["--beam", "2"]
    for verb, own in (("train", ["--epochs", "1"]), ("evaluate", beam), ("export", beam)):
        assert application.main([verb, *given, *own]) == 0
    table = pd.read_csv(tmp_path / "run" / "translations.csv", keep_default_na=False)
    assert list(table["direction"].unique()) == ["a", "b"]
    capsys.readouterr()
    last = table.iloc[-1]
    asked = ["--out-of", "en", "--into", "b", "--out", str(tmp_path / "run")]
    assert application.main(["translate", last["source"], *asked]) == 0
    assert capsys.readouterr().out == f"{last['source']} -> {last['translation']}\n"


@pytest.mark.slow
def test_pairs_that_share_middle_and_decoder_are_trained(application, tmp_path):
    given = sharing_the_middle(tmp_path, "en-a,b-a")
    assert application.main(["train", *given, "--epochs", "1"]) == 0
    assert {"en_a_loss", "b_a_loss"} <= set(pd.read_csv(tmp_path / "run" / "history.csv"))
    assert {path.name for path in (tmp_path / "run").glob("*.json")} >= {"en.json", "b.json"}


@pytest.mark.slow
def test_groups_of_a_file_are_projected(application, finished, tmp_path, capsys):
    groups = tmp_path / "groups.txt"
    groups.write_text("twenty-one days\n21 days\n\nin one year\nin 1 year\n")
    arguments = ["project", *MADE, "--out", str(finished), "--groups", str(groups)]
    assert application.main(arguments) == 0
    assert "within groups" in capsys.readouterr().out
    assert list(pd.read_csv(finished / "projection.csv")["group"].unique()) == [
        "twenty-one days",
        "in one year",
    ]


@pytest.mark.slow
def test_long_sentences_are_counted_or_refused(application, parallel, tmp_path, capsys):
    given = ["train", "--data", parallel, "--max-words", "3", "--units", "4", "--epochs", "1",
             "--batch-size", "8", "--out", str(tmp_path / "run")]  # fmt: skip
    assert application.main([*given, "--strict"]) == 1
    assert "52 sentences are longer than 3 tokens" in capsys.readouterr().err
    assert application.main(given) == 0
    assert "52 of 52 train source sentences were cut to 3 tokens" in capsys.readouterr().out


@pytest.mark.slow
def test_what_is_kept_is_the_average_of_the_weights(application, parallel, tmp_path):
    given = ["train", "--data", parallel, "--units", "4", "--epochs", "1", "--batch-size", "8",
             "--average-epochs", "1", "--out", str(tmp_path)]  # fmt: skip
    assert application.main(given) == 0
    model = kc.load_model(tmp_path / "translator.keras")
    kept = list(np.load(tmp_path / "checkpoint.npz").values())
    count = len(model.variables)
    for weight in map(np.array, model.trainable_variables):
        trained, averaged = (
            any(np.array_equal(weight, array) for array in side)
            for side in (kept[:count], kept[count:])
        )
        assert averaged and not trained


@pytest.mark.slow
def test_the_shipped_models_recorded_score_is_true():
    import tensorflow as tf

    run = json.loads((SHIPPED / "run.json").read_text())
    assert run["commit"] and run["command"] and run["data"]["made_with"]["babel"]
    examples = kc.export.read_examples(SHIPPED)
    # All of the test split: the figures on the examples are those of the run.
    assert len(examples.inputs) == examples.split_size == run["data"]["sizes"]["test"]
    recorded = json.loads((SHIPPED / "metrics.json").read_text())["fr"]
    assert examples.figures == {name: recorded[name] for name in examples.figures}
    shipped = tf.saved_model.load(str(SHIPPED))
    answer = shipped.serve(tf.constant(examples.inputs))
    translations = [row[0].decode() for row in answer["translations"].numpy()]
    measured = kc.training.translation_metrics(translations, examples.references).figures
    assert measured["exact match"] == pytest.approx(recorded["exact match"], abs=2e-3)
    assert measured["BLEU"] == pytest.approx(recorded["BLEU"], abs=0.2)
    assert measured["exact match"] >= 0.9


@pytest.mark.slow
def test_the_shipped_models_examples_are_still_held_back_here_and_now():
    run = json.loads((SHIPPED / "run.json").read_text())
    examples, settings = kc.export.read_examples(SHIPPED), run["settings"]
    data = kc.data.load(
        "phrases", seed=settings["seed"], languages=settings["languages"],
        **settings["data_options"],
    )  # fmt: skip
    texts = {
        split: getattr(data, split).of(settings["languages"]).texts for split in ("train", "test")
    }
    # Whatever the releases of Babel and num2words are, but for what two meanings share in one.
    for number, language in enumerate(settings["languages"]):
        kept = examples.inputs if number == 0 else [true[0] for true in examples.references]
        assert len(set(kept) & set(texts["train"][language])) <= len(kept) / 100
    english, french = (texts["test"][language] for language in settings["languages"])
    here = kc.export.hash_examples(english, [[text] for text in french])
    if here != examples.split_sha256:
        made = run["data"]["made_with"]
        pytest.skip(f"the test phrases here differ from those of the run, made with {made}")
    for language in settings["languages"]:
        assert not set(texts["test"][language]) & set(texts["train"][language])


def test_the_shipped_model_is_small():
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) <= 5_000_000


def test_translate_answers_from_the_shipped_model_and_names_faulty_sentences(
    application, tmp_path, capsys, monkeypatch
):
    # Where there is no run of one's own.
    monkeypatch.chdir(tmp_path)
    arguments = ["translate"]
    assert application.main([*arguments, "twenty-one"]) == 0
    said = capsys.readouterr()
    assert said.out == "twenty-one -> vingt et un\n"
    assert said.err == f"answers from the shipped model, {SHIPPED}, which learned phrases\n"
    assert application.main([*arguments, "  ", "3 kilometers"]) == 1
    captured = capsys.readouterr()
    assert "has 0 tokens" in captured.err and "--strict" not in captured.err
    assert captured.out == "3 kilometers -> 3 kilomètres\n"
    long = " ".join(["one"] * 60)
    assert application.main([*arguments, long]) == 0
    # Not among the translations.
    assert "sentences that were cut to 50 tokens: 1" in capsys.readouterr().err
    assert application.main([*arguments, "--strict", long]) == 1
    assert "has 60 tokens" in capsys.readouterr().err
    lines = io.TextIOWrapper(io.BytesIO("3 kilometers\nan \xe9".encode("latin-1")))
    monkeypatch.setattr("sys.stdin", lines)
    assert application.main(arguments) == 1
    captured = capsys.readouterr()
    assert "3 kilomètres" in captured.out and "Line 2 of standard input" in captured.err
    drawn = tmp_path / "runs" / "translation" / "answers.png"
    assert not drawn.exists()
    assert application.main([*arguments, "twenty-one", "3 kilometers", "--draw"]) == 0
    # A square for each.
    width, height = Image.open(drawn).size
    assert width == 2 * height


@pytest.mark.parametrize("verb", ["evaluate", "export", "project"])
def test_verbs_that_need_a_trained_model_say_so(application, verb, tmp_path, capsys):
    assert application.main([verb, "--out", str(tmp_path)]) == 1
    assert "holds no trained translator" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "phrase"], "Did you mean phrases"),
        (["--data", "parallel:/no/a.en,/no/a.fr"], "/no/a.en cannot be read"),
        (["--data", "scenes"], "no parallel text"),
        (["--languages", "en"], "at least one target"),
        (["--languages", "en,es"], "en, fr, nl, de"),
        (["--pairs", "en-fr,fr"], "en-fr,fr-en"),
        (["--data-options", "number=3"], "'number' was given to 'phrases'"),
        (["--cell", "gruu", "--data-options", "train=70", "validation=9"], "'gruu'"),
    ],
)
def test_mistakes_are_one_sentence(application, arguments, message, tmp_path, capsys):
    assert application.main(["train", *arguments, "--out", str(tmp_path / "run")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_dictionary_that_is_not_there_is_told_before_the_training(application, tmp_path, capsys):
    assert application.main(["--dictionary", "/no/file", "--out", str(tmp_path / "run")]) == 1
    assert "/no/file cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_folder_without_an_export_is_not_answered_for_by_another(application, tmp_path, capsys):
    assert application.main(["translate", "one", "--out", str(tmp_path)]) == 1
    assert "holds no exported model, and holds no trained translator" in capsys.readouterr().err


def test_the_export_of_a_captioner_is_called_so_and_the_one_that_is_named_answers(
    application, capsys
):
    captioner = ROOT / "saved_models" / "captioning-scenes"
    asked = ["translate", "3 kilometers", "--from"]
    assert application.main([*asked, str(captioner)]) == 1
    error = capsys.readouterr().err
    assert f"{captioner} holds an export of something else than a translator." in error
    named = re.search(r"Name (\S+), or", error)[1]
    assert application.main([*asked, named]) == 0
    assert "3 kilomètres" in capsys.readouterr().out
