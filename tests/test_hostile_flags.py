"""Files of strangers through the program and the applications, by every flag that reads one.

The answer to a hostile file is one line and exit code 1. A flag that takes a text and stands in no
table here fails the last test: say what it is.
"""

import argparse
import functools
import inspect
import json
import shutil
import sys
import typing
from pathlib import Path

import keras
import numpy as np
import pytest

import hostile
import keras_classics as kc
from support import ROOT, growth, load_application
from weights.states import ARGUMENTS, small_state

PROGRAM = "keras-classics"
PROGRAMS = [PROGRAM, *sorted(path.stem for path in (ROOT / "applications").glob("*.py"))]
SMALL = ["--set", *(f"{key}={value}" for key, value in ARGUMENTS.items())]
VGG = ["--set", "width=0.05", "dense_units=8", "classes=3", "input_shape=(32,32,3)"]
LABELLED = {"task": "recognize", "data": "digit_lines"}
SETTINGS = {"translation": {"languages": ["en", "fr"]}}


@functools.cache
def main_of(program):
    return kc.cli.main if program == PROGRAM else load_application(program).main


def exit_code(program, arguments):
    try:
        return main_of(program)(arguments)
    except SystemExit as end:
        return end.code


@functools.cache
def sound_models(folder):
    """Small models of the kinds that the applications open, below a folder."""
    classifier = kc.models.LeNet5Modern(classes=3, input_shape=(32, 32, 1))
    kc.save_model(classifier, folder / "classification.keras")
    kc.save_model(kc.transfer.embedder(classifier, 4), folder / "recall.keras")
    pictures = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), "uint8")
    recipe = kc.training.quick_recipe(classifier)
    kc.data.fit_preparation(recipe, pictures, size=32, channels=1).save(folder / "preparation.npz")
    recognizer = kc.models.ctc_recognizer(
        labels=3, input_shape=(12, None, 1), filters=(4, 4), strides=(1, 2), units=4
    )
    kc.save_model(recognizer, folder / "labelling.keras")
    image = keras.Input((16, 16, 3))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    kc.save_model(keras.Model(image, keras.layers.Dense(3)(features)), folder / "explain.keras")
    said = keras.layers.Conv2D(3, 3, padding="same")(image)
    kc.save_model(keras.Model(image, said), folder / "segmentation.keras")
    kc.save_model(kc.models.style_network(filters=1, blocks=1), folder / "generate.keras")
    return folder


def run_of(application, path, models, **settings):
    """A run's folder as a finished training leaves it, but for the hostile file that lies in it."""
    job = next(
        each for each in vars(load_application(application)).values()
        if inspect.isclass(each) and issubclass(each, kc.jobs.Job) and each.__module__ == application
    )  # fmt: skip
    sound = {
        "run.json": json.dumps({"settings": {**SETTINGS.get(application, {}), **settings}}),
        "classes.json": json.dumps(["a", "b", "c"]),
        "known.json": json.dumps({"classes": ["a", "b", "c"]}),
        "codec.json": json.dumps({"kind": "image", "labels": "123", "height": 12}),
    }
    for name, text in sound.items():
        if name != path.name:
            path.with_name(name).write_text(text)
    for name, copy in (
        (job.model_file, f"{application}.keras"), ("preparation.npz", "preparation.npz")
    ):  # fmt: skip
        if name != path.name:
            if (models / copy).exists():
                shutil.copyfile(models / copy, path.with_name(name))
            else:
                path.with_name(name).write_bytes(b"")
    return str(path.parent)


def styled(path, models):
    """A sound style network and what saw its pictures are asked for a hostile one."""
    run = path.parent / "run" / "any"
    run.parent.mkdir()
    folder = run_of("generate", run, models, task="style")
    shutil.copyfile(models / "explain.keras", run.with_name("loss_network.keras"))
    return ["stylize", "--images", str(path), "--out", folder]


def stylist(flag):
    """A style network is to be trained with the hostile file."""
    return lambda path, _: ["train", "--task", "style", flag, str(path), *SCENES, "--image-size",
                            "32", "--out", str(path.parent / "out")]  # fmt: skip


def beside(path, name, text):
    """Writes a sound file beside the hostile one."""
    path.with_name(name).write_text(text)
    return path


def npz_files(harm):
    return hostile.npz_files(harm, **small_state())


def preparations(harm):
    facts = {"size": 32, "channels": 1, "flat": False, "resize": 32, "test_crops": 1,
             "augmentation": [], "normalization": ["range", {}]}  # fmt: skip
    arrays = {"shift": np.zeros(1, "f4"), "gain": np.ones(1, "f4")}
    huge = hostile.npz_files(harm, **arrays, facts=json.dumps({**facts, "resize": 2**14}))
    return {
        **hostile.npz_files(harm, **arrays, facts=json.dumps(facts)),
        "an absurd size": huge["sound"],
    }


def convert(name, *settings):
    return lambda path, _: ["convert", name, str(path), *settings]


def checked(spec, verb="check-data"):
    """Data of which one file is hostile, beside a sound picture."""

    def argv(path, _):
        keras.utils.save_img(str(path.with_name("a.png")), np.zeros((4, 4, 3)), scale=False)
        return [verb, spec.format(folder=path.parent), "--set", "strict=True"]

    return argv


def data(spec, *more):
    return lambda path, _: ["train", "--data", f"{spec}:{path.parent}", "--strict", *more]


def masks(path, _):
    """The hostile file is the mask of a sound picture."""
    for name in ("images", "masks"):
        path.with_name(name).mkdir()
    keras.utils.save_img(str(path.with_name("images") / "a.png"), np.zeros((4, 4, 3)), scale=False)
    path.rename(path.with_name("masks") / path.name)
    out = str(path.parent / "out")
    return ["train", "--data", f"masks:{path.parent}", "--strict", "--out", out]


def of_run(application, verb, **settings):
    """A verb that opens a run's folder in which the hostile file lies."""
    return lambda path, models: [verb, "--out", run_of(application, path, models, **settings)]


def asked(application, verb, **settings):
    """A sound model is asked about the hostile file."""

    def argv(path, models):
        run = path.parent / "run" / "any"
        run.parent.mkdir()
        folder = run_of(application, run, models, **settings)
        return [verb, str(path), "--from", folder, "--out", str(path.parent / "out")]

    return argv


def explain(*more):
    return lambda path, models: [
        *(each.format(path=path, models=models) for each in more), "--pixels", "unit",
        "--out", str(path.parent / "out"),
    ]  # fmt: skip


def look(*more):
    return lambda path, models: [
        "receptive", *(each.format(path=path, models=models) for each in more), "--pixels", "unit",
        "--out", str(path.parent / "out"),
    ]  # fmt: skip


EXPLAIN = "{models}/explain.keras"
# By program and flag: the file, the hostile ones, and what is asked with it.
FLAGS = {
    (PROGRAM, "source"): [
        ("a.npz", npz_files, convert("resnet_18", *SMALL)),
        ("a.pth", hostile.pth_files, convert("resnet_18", *SMALL)),
        ("a.safetensors", hostile.safetensors_files, convert("resnet_18", *SMALL)),
        ("a.keras", hostile.keras_files, convert("vgg_d", *VGG)),
        ("a.h5", hostile.h5_files, convert("vgg_d", *VGG)),
    ],
    (PROGRAM, "spec"): [
        ("a.xml", hostile.xml_files, checked("voc:{folder}")),
        ("instances.json", hostile.json_files, checked("coco:{folder}/instances.json")),
        ("a.csv", hostile.table_files, checked("boxes:{folder}/a.csv", verb="draw-data")),
    ],
    (PROGRAM, "path"): [
        ("a.keras", hostile.keras_files, lambda path, _: ["serve-check", str(path)]),
        ("a.onnx", hostile.wave_files, lambda path, _: ["serve-check", str(path)]),
        ("saved_model.pb", hostile.wave_files, lambda path, _: ["serve-check", str(path.parent)]),
    ],
    (PROGRAM, "--input"): [
        ("a.npz", npz_files,
         lambda path, models: ["serve-check", f"{models}/explain.keras", "--input", str(path)]),
        ("a.png", hostile.picture_files,
         lambda path, _: ["serve-check", str(ROOT / "saved_models" / "captioning-scenes"),
                          "--input", str(path)]),
    ],
    (PROGRAM, "folder"): [
        ("saved_model.pb", hostile.wave_files,
         lambda path, _: ["shipped", str(path.parents[1])]),
        ("run.json", hostile.json_files,
         lambda path, _: ["ship", str(path.parent), str(path.parent / "to")]),
    ],
    ("benchmark", "results"): [
        ("a.csv", hostile.table_files, lambda path, _: ["table", str(path)])
    ],
    ("benchmark", "--insert"): [
        ("a.md", hostile.text_files, lambda path, _: ["table", "--insert", str(path)])
    ],
    ("benchmark", "--out"): [
        ("a.csv", hostile.table_files, lambda path, _: ["build", "--out", str(path), *NOTHING])
    ],
    ("formats", "results"): [
        ("a.csv", hostile.table_files, lambda path, _: ["table", str(path)])
    ],
    ("formats", "--out"): [
        ("a.csv", hostile.table_files, lambda path, _: ["table", str(path)])
    ],
    ("captioning", "--data"): [
        ("captions.json", hostile.json_files, data("captions", "--image-size", "32")),
        ("captions.csv", hostile.table_files, data("captions", "--image-size", "32")),
    ],
    ("captioning", "--encoder"): [
        ("a.keras", hostile.keras_files,
         lambda path, _: ["train", *SCENES, "--encoder", str(path), "--attention", "additive",
                          "--out", str(path.parent / "out")]),
    ],
    ("captioning", "queries"): [
        ("a.png", hostile.picture_files,
         lambda path, _: ["caption", str(path), "--from",
                          str(ROOT / "saved_models" / "captioning-scenes")]),
    ],
    ("captioning", "--from/--model"): [
        ("saved_model.pb", hostile.wave_files,
         lambda path, _: ["caption", "a.png", "--from",
                          str(shipped_beside(path, "captioning-scenes"))]),
    ],
    ("captioning", "--out"): [
        ("run.json", hostile.json_files, of_run("captioning", "evaluate")),
        ("vocabulary.json", hostile.json_files, of_run("captioning", "evaluate")),
    ],
    ("classification", "--data"): [
        ("a.npz", npz_files,
         lambda path, _: ["train", "--data", f"npz:{path}", "--out", str(path.parent / "out")]),
    ],
    ("classification", "queries"): [
        ("a.png", hostile.picture_files, asked("classification", "predict"))
    ],
    ("classification", "--out"): [
        ("run.json", hostile.json_files, of_run("classification", "evaluate")),
        ("classes.json", hostile.json_files, of_run("classification", "evaluate")),
        ("preparation.npz", preparations, of_run("classification", "evaluate")),
        ("model.keras", hostile.keras_files, of_run("classification", "evaluate")),
    ],
    ("recall", "--data"): [
        ("a.npz", npz_files,
         lambda path, _: ["train", "--data", f"npz:{path}", "--out", str(path.parent / "out")]),
    ],
    ("recall", "--stored-data"): [
        ("a.npz", npz_files,
         lambda path, _: ["recall", "--stored-data", f"npz:{path}",
                          "--out", str(path.parent / "out")]),
    ],
    ("recall", "--out"): [
        ("classes.json", hostile.json_files, of_run("recall", "evaluate")),
        ("preparation.npz", preparations, of_run("recall", "evaluate")),
    ],
    ("segmentation", "--data"): [("a.png", hostile.picture_files, masks)],
    ("segmentation", "--model"): [
        ("a.keras", hostile.keras_files,
         lambda path, _: ["train", "--model", str(path), "--data-options", "train=2", "validation=1",
                          "test=1", "--batch-size", "2", "--out", str(path.parent / "out")]),
    ],
    ("segmentation", "--start-from"): [
        ("run.json", hostile.json_files,
         lambda path, _: ["train", "--start-from", str(path.parent), "--data-options", "train=2",
                          "validation=1", "test=1", "--batch-size", "2",
                          "--out", str(path.parent / "out")]),
    ],
    ("segmentation", "queries"): [
        ("a.png", hostile.picture_files, asked("segmentation", "segment"))
    ],
    ("segmentation", "--out"): [
        ("run.json", hostile.json_files, of_run("segmentation", "evaluate")),
        ("known.json", hostile.json_files, of_run("segmentation", "evaluate")),
    ],
    ("generate", "--data"): [
        ("a.npz", npz_files,
         lambda path, _: ["train", "--data", f"npz:{path}", "--out", str(path.parent / "out")]),
    ],
    ("generate", "--style-picture"): [
        ("a.png", hostile.picture_files, stylist("--style-picture"))
    ],
    ("generate", "--loss-network"): [
        ("a.keras", hostile.keras_files, stylist("--loss-network"))
    ],
    ("generate", "--loss-weights"): [
        ("a.pth", hostile.pth_files,
         lambda path, _: ["train", "--task", "style", "--loss-network", "squeezenet_1_1",
                          "--loss-weights", str(path), *SCENES, "--image-size", "32",
                          "--out", str(path.parent / "out")]),
    ],
    ("generate", "--network"): [
        ("a.keras", hostile.keras_files,
         lambda path, _: ["stylize", "--network", str(path), "--images",
                          str(ROOT / "saved_models" / "detection-scenes" / "example.png"),
                          "--out", str(path.parent / "out")]),
        ("saved_model.pb", hostile.wave_files,
         lambda path, _: ["stylize", "--network", str(path.parent), "--images",
                          str(ROOT / "saved_models" / "detection-scenes" / "example.png"),
                          "--out", str(path.parent / "out")]),
    ],
    ("generate", "--beside"): [
        ("run.json", hostile.json_files,
         lambda path, _: ["evaluate", "--beside", str(path.parent),
                          "--out", str(path.parent / "out")]),
    ],
    ("generate", "--start-from"): [
        ("run.json", hostile.json_files,
         lambda path, _: ["train", "--task", "super_resolution", "--start-from", str(path.parent),
                          "--loss", "pixels", *SCENES, "--image-size", "32",
                          "--out", str(path.parent / "out")]),
    ],
    ("generate", "--images"): [("a.png", hostile.picture_files, styled)],
    ("generate", "--out"): [
        ("run.json", hostile.json_files, of_run("generate", "sample")),
        ("loss_network.keras", hostile.keras_files,
         of_run("generate", "stylize", task="style")),
    ],
    ("compress", "--data"): [
        ("a.npz", npz_files,
         lambda path, _: ["train", "--data", f"npz:{path}", "--out", str(path.parent / "out")]),
    ],
    ("compress", "--out"): [("run.json", hostile.json_files, of_run("compress", "prune"))],
    ("detection", "--data"): [
        ("a.csv", hostile.table_files,
         lambda path, _: ["train", "--data", f"boxes:{path}", "--strict", "--out",
                          str(path.parent / "out")]),
    ],
    ("detection", "--backbone"): [
        ("a.keras", hostile.keras_files,
         lambda path, _: ["train", *SCENES, "--backbone", str(path), "--out",
                          str(path.parent / "out")]),
    ],
    ("detection", "queries"): [
        ("a.png", hostile.picture_files,
         lambda path, _: ["detect", str(path), "--from",
                          str(ROOT / "saved_models" / "detection-scenes")]),
    ],
    ("detection", "--from"): [
        ("saved_model.pb", hostile.wave_files,
         lambda path, _: ["detect", "a.png", "--from",
                          str(shipped_beside(path, "detection-scenes"))]),
    ],
    ("detection", "--out"): [
        ("run.json", hostile.json_files, of_run("detection", "evaluate")),
        ("known.json", hostile.json_files, of_run("detection", "evaluate")),
    ],
    ("look_inside", "--data"): [
        ("a.npz", npz_files,
         lambda path, _: ["train", "--data", f"npz:{path}", "--out", str(path.parent / "out")]),
    ],
    ("look_inside", "--out"): [
        ("run.json", hostile.json_files, of_run("look_inside", "receptive"))
    ],
    ("look_inside", "--model"): [("a.keras", hostile.keras_files, look("--model", "{path}"))],
    ("look_inside", "--weights"): [
        ("a.pth", hostile.pth_files, look("--model", "squeezenet_1_1", "--weights", "{path}")),
    ],
    ("look_inside", "--classes"): [
        ("a.txt", hostile.text_files, look("--model", EXPLAIN, "--classes", "{path}")),
    ],
    ("look_inside", "--images"): [
        ("a.png", hostile.picture_files, look("--model", EXPLAIN, "--images", "{path}"))
    ],
    ("look_inside", "--beside"): [
        ("run.json", hostile.json_files,
         lambda path, _: ["lesion", "--beside", str(path.parent), "--out",
                          str(path.parent / "out")]),
    ],
    ("explain", "--model"): [
        ("a.keras", hostile.keras_files, explain("--model", "{path}", "--evaluate"))
    ],
    ("explain", "--weights"): [
        ("a.weights.h5", hostile.h5_files,
         explain("--model", "lenet_5_modern", "--weights", "{path}", "--evaluate")),
        ("a.pth", hostile.pth_files,
         explain("--model", "squeezenet_1_1", "--weights", "{path}", "--evaluate")),
    ],
    ("explain", "--classes"): [
        ("a.txt", hostile.text_files, explain("--model", EXPLAIN, "--classes", "{path}",
                                              "--evaluate")),
    ],
    ("explain", "images"): [
        ("a.png", hostile.picture_files, explain("{path}", "--model", EXPLAIN))
    ],
    ("labelling", "--data"): [
        ("a.conllu", hostile.text_files,
         lambda path, _: ["train", "--task", "tag", "--data", f"conllu:{path}",
                          "--out", str(path.parent / "out")]),
        ("train.npz", npz_files, data("speech", "--out", "/tmp/never")),
    ],
    ("labelling", "queries"): [
        ("a.png", hostile.picture_files, asked("labelling", "label", **LABELLED))
    ],
    ("labelling", "--out"): [
        ("run.json", hostile.json_files, of_run("labelling", "evaluate")),
        ("codec.json", hostile.json_files, of_run("labelling", "evaluate", **LABELLED)),
    ],
    ("language_model", "--data"): [
        ("a.txt.gz", hostile.gz_files, lambda path, _: ["train", "--data", f"text:{path}"])
    ],
    ("language_model", "--out"): [
        ("run.json", hostile.json_files, of_run("language_model", "write")),
        ("alphabet.json", hostile.json_files, of_run("language_model", "write")),
    ],
    ("multi30k", "folder"): [
        ("train.en", hostile.text_files,
         lambda path, _: [str(beside(path, "train.fr", "a\n" * 600).parent), "--pairs", "en-fr",
                          "--out", str(path.parent / "out")]),
    ],
    ("reproduce", "--results"): [
        ("perceptron.json", hostile.json_files,
         lambda path, _: ["list", "--results", str(path.parent)]),
        ("perceptron.csv", hostile.table_files,
         lambda path, _: ["page", "--results", str(decided(path).parent), "--out",
                          str(path.parent / "page.html")]),
    ],
    ("reproduce", "--out"): [
        ("perceptron.json", hostile.json_files,
         lambda path, _: ["run", "perceptron", "--quick", "--out", str(path.parent)]),
    ],
    ("translation", "--data"): [
        ("train.en", hostile.text_files,
         lambda path, _: ["train", "--data",
                          f"parallel:{beside(path, 'train.fr', 'a' * 600).parent}",
                          "--out", str(path.parent / "out")]),
    ],
    ("translation", "--dictionary"): [
        ("a.txt", hostile.text_files,
         lambda path, models: ["evaluate", "--dictionary", str(path), "--out",
                          run_of("translation", path.with_name("any"), models)]),
    ],
    ("translation", "--groups"): [
        ("a.txt", hostile.text_files, lambda path, models: [
            "project", "--groups", str(path), "--out",
            run_of("translation", path.with_name("any"), models)]),
    ],
    ("translation", "--ensemble"): [
        ("run.json", hostile.json_files, lambda path, models: [
            "evaluate", "--ensemble", str(path.parent), "--out",
            run_of("translation", path.with_name("any"), models)]),
    ],
    ("translation", "--out"): [
        ("run.json", hostile.json_files, of_run("translation", "evaluate")),
        ("source.json", hostile.json_files, of_run("translation", "evaluate")),
    ],
    ("translation", "--from"): [
        ("source.json", hostile.json_files, lambda path, _: [
            "translate", "a", "--from", str(shipped_beside(path, "translation-phrases"))]),
        ("run.json", hostile.json_files, lambda path, _: [
            "translate", "a", "--from", str(shipped_beside(path, "translation-phrases"))]),
        ("saved_model.pb", hostile.wave_files, lambda path, _: [
            "translate", "a", "--from", str(shipped_beside(path, "translation-phrases"))]),
    ],
}  # fmt: skip


def decided(path):
    """Writes beside the hostile rows of a claim that it has a verdict."""
    record = {"name": "perceptron", "title": "", "part": "", "criterion": "So.", "code": "",
              "quick": False, "seeds": 1, "verdict": "holds", "reason": "", "minutes": 1.0,
              "processor_minutes": 1.0, "earlier": [], "machine": "", "started": ""}  # fmt: skip
    return beside(path, "perceptron.json", json.dumps(record))


NOTHING = ["--models", "lenet_5"]
SCENES = ["--data", "scenes", "--data-options", "train=8", "validation=2", "test=2"]
# They are read as others are: as --out, --loss-network and --loss-weights.
SAME = {("segmentation", "--from"), ("classification", "--from"), ("labelling", "--from"),
        ("generate", "--judge-network"), ("generate", "--judge-weights")}  # fmt: skip
# Texts, names and numbers; and places that are only written.
PLAIN = {
    PROGRAM: {"--augment", "--family", "--files", "--out", "name", "pattern", "to"},
    "benchmark": {"--attacks", "--beside", "--cells", "--depths", "--layers", "--methods", "--model",
        "--models", "--networks", "--sizes", "--widths"},  # fmt: skip
    "captioning": {"--decoder", "--encoder-layer", "--to"},
    "classification": {"--model", "--recipe", "--to"},
    "compress": {"--model", "--recipe"},
    "demo": {"--host"},
    "detection": {"--augment", "--backbone-layer", "--depths", "--to"},
    "explain": {"--layer", "--out", "--picture", "--target"},
    "generate": {"--to"},
    "labelling": {"--encoder", "--model", "--to"},
    "language_model": {"--cell", "--prime"},
    "look_inside": {"--layers", "--recipe"},
    "multi30k": {"--out", "--systems"},
    "recall": {"--model", "--recipe", "--unseen"},
    "reproduce": {"--names", "names"},
    "segmentation": {"--to"},
    "translation": {"--cell", "--into", "--languages", "--out-of", "--pairs", "--to",
                    "--zero-shot", "queries"},
}  # fmt: skip


def shipped_beside(path, name):
    """The parts of a shipped model, but for the hostile one."""
    for part in (ROOT / "saved_models" / name).iterdir():
        if part.name != path.name:
            path.with_name(part.name).symlink_to(part)
    return path.parent


ROWS = [(*flag, *row) for flag, rows in FLAGS.items() for row in rows]


@pytest.mark.parametrize(
    ("program", "flag", "file", "kind", "argv"), ROWS, ids=[" ".join(row[:3]) for row in ROWS]
)
def test_the_answer_to_a_hostile_file_is_one_line(
    tmp_path, tmp_path_factory, capsys, monkeypatch, program, flag, file, kind, argv
):
    models, harm = sound_models(tmp_path_factory.getbasetemp()), tmp_path / "harm"
    files = {name: content for name, content in kind(harm).items() if name != "sound"}
    # All of them come to the functions behind the flags; here the way to these is tried.
    for name in (list(files)[0], list(files)[-1]):
        folder = tmp_path / name
        folder.mkdir()
        (folder / file).write_bytes(files[name])
        monkeypatch.chdir(folder)
        arguments = argv(folder / file, models)
        codes = []
        taken = growth(lambda given=arguments: codes.append(exit_code(program, given)))  # noqa: B023
        said = capsys.readouterr().err.splitlines()
        errors = [line for line in said if line.startswith("error: ")]
        assert codes == [1] and len(errors) == 1, (name, said)
        assert not [line for line in said if "Traceback" in line]
        assert taken < max(500e6, 4 * len(files[name])) and not harm.exists(), name


class Parsed(BaseException):
    """Raised in place of parsing; carries the parser."""


def flags_of(program):
    """Names of all flags and arguments of a program that take a text or a path."""
    main = main_of(program)
    module = kc.cli if program == PROGRAM else sys.modules[program]
    jobs = [each for each in vars(module).values() if inspect.isclass(each)
            and issubclass(each, kc.jobs.Job) and each.__module__ == module.__name__]  # fmt: skip
    # A benchmark builds the flags of the verb that is asked for alone.
    verbs = [*(verb for job in jobs for verb in job.verbs), *getattr(module, "VERBS", ())]
    for verb in [[], *([verb] for verb in verbs)]:
        try:
            main(verb)
        except Parsed as parsed:
            yield from texts_of(parsed.args[0])


def texts_of(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from texts_of(each)
        elif action.nargs != 0 and action.choices is None and takes_text(action.type):
            yield "/".join(action.option_strings) or action.dest


def takes_text(kind):
    """Whether the type of a flag reads a text or a path, by itself or by a function for paths."""
    makes = typing.get_type_hints(kind).get("return") if inspect.isfunction(kind) else kind
    return makes in (None, str, Path)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_flag_that_takes_a_text_is_in_a_table(monkeypatch, program):
    def stop(parser, *_, **__):
        raise Parsed(parser)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", stop)
    found = set(flags_of(program))
    known = {flag for name, flag in {*FLAGS, *SAME} if name == program} | PLAIN.get(program, set())
    assert found == known, "add a row to FLAGS, or say in PLAIN that it names no file"
