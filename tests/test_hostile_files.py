"""Files of strangers at every door: refused in a sentence, in little memory, and nothing runs.

A door is what reads files: a public function, a flag of the program or of an application. The
tables are complete by test: a new door without a row fails.
"""

import inspect
import io
import json
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest

import hostile
import keras_classics as kc
from core.test_public_face import PUBLIC
from keras_classics.analysis.inside.trajectories import write_state
from keras_classics.core.boundary.text_files import read_lines, read_table, read_text
from keras_classics.data.faults import Faults
from keras_classics.data.load import SOURCES
from keras_classics.data.sound.recordings import read_wave
from keras_classics.data.texts.conllu import read_conllu
from support import ROOT, growth, load_application
from weights.states import ARGUMENTS, small_state

# What reading a file may take of memory, whatever it holds.
FLOOR, TIMES = 500e6, 4

PICTURES = {"x": np.arange(144, dtype="uint8").reshape(9, 4, 4), "y": np.arange(9) % 3}
RECORDINGS = {
    "audio": np.arange(1800, dtype="int16"),
    "offsets": np.arange(0, 1801, 200),
    "digit": np.arange(9) % 3,
}
CHECKPOINT = {
    "00000": np.zeros((2, 1), "f4"), "00001": np.array(3), "00002": np.array(0.1, "f4"),
    "steps": np.array(3),
}  # fmt: skip
POINTS = {"losses": np.zeros(2), "done": np.zeros(2, bool), "fingerprint": np.array("00")}
FACTS = {
    "size": 8, "channels": 3, "flat": False, "resize": 8, "test_crops": 1, "augmentation": [],
    "normalization": ["range", {}],
}  # fmt: skip
STATISTICS = {"shift": np.zeros(3, "f4"), "gain": np.ones(3, "f4"), "facts": json.dumps(FACTS)}


class Door(NamedTuple):
    """A place where files come in.

    Attributes:
        file: The name a file has there, in a folder of its own.
        kind: Makes hostile files, by what is wrong with them.
        read: Opens the door to the file.
        covers: The public functions that are this door, below `kc`.
        admits: What is wrong elsewhere and not here.
    """

    file: str
    kind: Callable[[Path], dict[str, bytes]]
    read: Callable[[Path], object]
    covers: tuple[str, ...] = ()
    admits: tuple[str, ...] = ()


def npz(arrays):
    return lambda harm: hostile.npz_files(harm, **arrays)


def packed_network(harm):
    """A small network of one binary layer, and what may be wrong in its file."""
    model = keras.Sequential([keras.Input((3,)), kc.layers.BinaryDense(2), keras.layers.Softmax()])
    packed = kc.compression.pack(model, engine="numpy")
    with tempfile.TemporaryDirectory() as folder:
        packed.save(Path(folder) / "a.npz")
        with np.load(Path(folder) / "a.npz") as arrays:
            found = dict(arrays)
    return hostile.npz_files(harm, **found)


def lenet():
    return kc.models.LeNet5Modern()


def of_folder(spec):
    """Loads the folder that a file lies in as data."""
    return lambda path: kc.data.load(f"{spec}:{path.parent}", strict=True)


def two_classes(path):
    """The hostile picture is one of a class, beside a sound one of another."""
    other = path.parents[1] / "other" / "b.png"
    other.parent.mkdir()
    keras.utils.save_img(str(other), np.zeros((4, 4, 3)), scale=False)
    return kc.data.load(f"folder:{path.parents[1]}", strict=True)


def frame_of_a_clip(path):
    """The hostile picture is the frame of a clip, whose class stands beside another."""
    folder = path.parents[1] / "data"
    for name in ("one", "other"):
        (folder / name / "clip").mkdir(parents=True, exist_ok=True)
    keras.utils.save_img(str(folder / "other" / "clip" / "b.png"), np.zeros((4, 4, 3)), scale=False)
    (folder / "one" / "clip" / path.name).symlink_to(path.resolve())
    return kc.data.load(f"frames:{folder}", strict=True)


def video_of_a_class(path):
    """The hostile file is a video, whose class stands beside another."""
    pytest.importorskip("av")
    folder = path.parents[1] / "data"
    for name in ("one", "other"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "one" / "a.mp4").symlink_to(path.resolve())
    return kc.data.load(f"videos:{folder}", strict=True)


def captioned(path):
    """The hostile picture has a caption."""
    path.with_name("captions.csv").write_text("image,caption\na.png,a dog\n")
    return of_folder("captions")(path)


def beside_picture(path):
    """A sound picture of the same name lies beside the hostile annotation."""
    keras.utils.save_img(str(path.with_name("a.png")), np.zeros((4, 4, 3)), scale=False)
    return path


def annotated(path):
    """The hostile picture has a box."""
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox>"
    path.with_suffix(".xml").write_text(f"<a><object><name>b</name>{box}</object></a>")
    return of_folder("voc")(path)


def mask_of(path):
    """The hostile file is the mask of a sound picture."""
    for name in ("images", "masks"):
        path.with_name(name).mkdir()
    beside_picture(path.with_name("images") / "a.txt")
    path.rename(path.with_name("masks") / path.name)
    return of_folder("masks")(path)


def labels_of_kitti(path):
    """The hostile file labels a sound picture."""
    for name in ("label_2", "image_2"):
        path.with_name(name).mkdir()
    beside_picture(path.with_name("image_2") / "a.txt")
    path.rename(path.with_name("label_2") / path.name)
    return of_folder("kitti")(path)


def beside(name, text="a\n" * 600):
    """Writes a sound file beside the hostile one."""

    def write(path):
        path.with_name(name).write_text(text)
        return path

    return write


def model_of(folder):
    """A compiled model of a folder's checkpoint."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    return kc.training.restore(model, folder)


def preset_of(path):
    """A sound preset with the hostile file in place of its own."""
    kc.save_preset(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), path.parent / "p")
    taken = path.parent / "p" / path.name
    taken.unlink()
    path.rename(taken)
    return kc.load_preset(taken.parent)


def landscape_of(path):
    """A line through a small network, begun in a file."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    way = kc.analysis.random_direction(model, seed=1)
    return kc.analysis.loss_landscape(
        model, np.zeros((2, 2)), np.zeros((2, 1)), way, along=[0.0, 1.0], path=path
    )


def trajectory_of(path):
    """The way of a small network, of which one state is hostile."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, use_bias=False)])
    for number in (2, 3):
        model.set_weights([np.random.default_rng(number).normal(size=(2, 2))])
        write_state(path.parent, number, model)
    return kc.analysis.principal_trajectory(model, path.parent)


def labeller_of(path):
    """A run of labelling.py, of which one file is hostile."""
    if path.name != "run.json":
        kc.jobs.write_json(path.with_name("run.json"), {"settings": {"task": "tag"}})
    path.with_name("model.keras").touch()
    return kc.jobs.open_run(load_application("labelling").Labelling, path.parent)


def shipped(path):
    """A folder of one exported model, whose parts but the hostile one are sound."""
    sound = ROOT / "saved_models" / "translation-phrases" / "saved_model.pb"
    if path.name != sound.name:
        path.with_name(sound.name).write_bytes(sound.read_bytes())
    return kc.jobs.describe_shipped(path.parents[1])


ONE_LINE = ("one huge line", "a huge line among others", "nothing")


def directions_of(path):
    for name in ("saved_model.pb", "source.json"):
        (path.parent / name).touch()
    return kc.export.exported_directions(path.parent)


DOORS = {
    "load_model": Door("a.keras", hostile.keras_files, kc.load_model, ("load_model",)),
    "load_weights .keras": Door(
        "a.keras", hostile.keras_files, lambda path: kc.load_weights(lenet(), path),
        ("load_weights",),
    ),
    "load_weights .h5": Door(
        "a.h5", hostile.h5_files, lambda path: kc.load_weights(lenet(), path)
    ),
    "weights= .weights.h5": Door(
        "a.weights.h5", hostile.h5_files, lambda path: kc.models.LeNet5Modern(weights=path),
        ("models.",),
    ),
    "read_state .npz": Door(
        "a.npz", npz(small_state()), kc.weights.read_state, ("weights.read_state",),
        # It says no more than what there is.
        ("wrong types",),
    ),
    "load_torch .npz": Door(
        "a.npz", npz(small_state()),
        lambda path: kc.weights.load_torch(kc.models.ResNet18(**ARGUMENTS), path),
        ("weights.load_torch",),
    ),
    "read_state .pth": Door("a.pth", hostile.pth_files, kc.weights.read_state),
    "read_state .safetensors": Door(
        "a.safetensors", hostile.safetensors_files, kc.weights.read_state
    ),
    "load_keras_applications": Door(
        "a.keras", hostile.keras_files,
        lambda path: kc.weights.load_keras_applications(lenet(), path),
        ("weights.load_keras_applications",),
    ),
    "read_image": Door("a.png", hostile.picture_files, kc.data.read_image, ("data.read_image",)),
    "folder:": Door(
        "a.png", hostile.picture_files, two_classes, ("data.load",)
    ),
    "frames:": Door("a.png", hostile.picture_files, frame_of_a_clip),
    "videos:": Door("a.mp4", hostile.wave_files, video_of_a_class),
    "read_clip": Door("a.mp4", hostile.wave_files, kc.data.read_clip, ("data.read_clip",)),
    "iam:": Door("lines.txt", hostile.text_files, of_folder("iam")),
    "captions: picture": Door("a.png", hostile.picture_files, captioned),
    "npz:": Door(
        "a.npz", npz(PICTURES), lambda path: kc.data.load(f"npz:{path}")
    ),
    "Preparation": Door(
        "a.npz", npz(STATISTICS), kc.data.Preparation.load, ("data.Preparation.load",)
    ),
    "load_packed": Door(
        "a.npz", packed_network, kc.compression.load_packed, ("compression.load_packed",)
    ),
    "read_wave": Door("a.wav", hostile.wave_files, read_wave, ("data.Transcription.read",)),
    "speech: .npz": Door(
        "train.npz", npz(RECORDINGS), of_folder("speech")
    ),
    "speech: .wav": Door("7_a_0.wav", hostile.wave_files, of_folder("speech")),
    "read_text": Door(
        "a.txt", hostile.text_files, read_text, ("jobs.read_text",), ONE_LINE
    ),
    "read_text .gz": Door("a.txt.gz", hostile.gz_files, read_text),
    "read_lines": Door(
        "a.txt", hostile.text_files, read_lines, ("jobs.read_lines",), ("nothing",)
    ),
    "read_lines .gz": Door("a.txt.gz", hostile.gz_files, read_lines),
    "read_table": Door(
        "a.csv", hostile.table_files, lambda path: read_table(path, "a table", "Mend it."),
        ("jobs.read_table",), ("texts for numbers",),
    ),
    "text:": Door(
        "a.txt", hostile.text_files, lambda path: kc.data.load(f"text:{path}"),
        admits=ONE_LINE[:2],
    ),
    "parallel:": Door(
        "train.en", hostile.text_files,
        lambda path: of_folder("parallel")(beside("train.fr")(path)),
    ),
    "sentences:": Door(
        "a.pos", hostile.text_files, lambda path: of_folder("sentences")(beside("a.neg")(path)),
    ),
    "conllu:": Door(
        "a.conllu", hostile.text_files, lambda path: kc.data.load(f"conllu:{path}"),
    ),
    "read_conllu .gz": Door(
        "a.gz", hostile.gz_files, lambda path: list(read_conllu(path, Faults())),
    ),
    "sentence_groups": Door(
        "a.txt", hostile.text_files, kc.data.sentence_groups, ("data.sentence_groups",)
    ),
    "read_dictionary": Door(
        "a.txt", hostile.text_files, kc.data.read_dictionary, ("data.read_dictionary",),
        ("nothing",),
    ),
    "captions: table": Door(
        "captions.csv", hostile.table_files, of_folder("captions")
    ),
    "captions: tokens": Door("a.token.txt", hostile.text_files, of_folder("captions")),
    "captions: COCO": Door("captions.json", hostile.json_files, of_folder("captions")),
    "voc:": Door(
        "a.xml", hostile.xml_files,
        lambda path: of_folder("voc")(beside_picture(path)),
    ),
    "voc: picture": Door("a.png", hostile.picture_files, annotated),
    "masks:": Door("a.png", hostile.picture_files, mask_of, ("data.read_mask",)),
    "masks: colours": Door(
        "a.txt", hostile.text_files,
        lambda path: kc.data.read_mask(beside_picture(path).with_name("a.png"), colours=path),
    ),
    "coco:": Door(
        "instances.json", hostile.coco_files,
        lambda path: kc.data.load(f"coco:{beside_picture(path)}", strict=True),
    ),
    "kitti:": Door(
        "a.txt", hostile.text_files, lambda path: labels_of_kitti(path), admits=("nothing",)
    ),
    "boxes:": Door(
        "boxes.csv", hostile.table_files,
        lambda path: kc.data.load(f"boxes:{beside_picture(path)}", strict=True),
    ),
    "vocabulary": Door(
        "a.json", hostile.json_files, kc.data.load_vocabulary,
        ("data.load_vocabulary", "data.Vocabulary.load"),
    ),
    "alphabet": Door(
        "a.json", hostile.json_files, kc.data.Alphabet.load, ("data.Alphabet.load",)
    ),
    "restore": Door(
        "checkpoint.npz", npz(CHECKPOINT), lambda path: model_of(path.parent),
        ("training.restore", "training.fit", "training.steps_made"),
    ),
    "preset": Door("config.json", hostile.json_files, preset_of, ("load_preset",)),
    "preset facts": Door(
        "facts.json", hostile.json_files, preset_of, admits=("other types",)
    ),
    "loss_landscape": Door(
        "a.npz", npz(POINTS), landscape_of, ("analysis.loss_landscape",)
    ),
    "principal_trajectory": Door(
        "weights_00001.npz", npz({"00000": np.eye(2)}), trajectory_of,
        ("analysis.principal_trajectory",),
    ),
    "read_history": Door(
        "history.csv", hostile.table_files, lambda path: kc.training.read_history(path.parent),
        ("training.read_history",),
    ),
    "read_run": Door(
        "run.json", hostile.json_files, lambda path: kc.jobs.read_run(path.parent),
        ("jobs.read_run", "jobs.record_run"),
    ),
    "open_run run.json": Door(
        "run.json", hostile.json_files, labeller_of, ("jobs.open_run", "jobs.open_twin")
    ),
    "exported_directions": Door(
        "run.json", hostile.json_files, directions_of, ("export.exported_directions",)
    ),
    "open_run facts": Door("codec.json", hostile.json_files, labeller_of),
    "read_record": Door(
        "classes.json", hostile.json_files, kc.jobs.read_record, ("jobs.read_record",)
    ),
    "read_metrics": Door(
        "metrics.json", hostile.json_files, lambda path: kc.jobs.read_metrics(path.parent),
        ("jobs.read_metrics",),
    ),
    "read_examples": Door(
        "examples.json", hostile.json_files, lambda path: kc.export.read_examples(path.parent),
        ("export.read_examples",),
    ),
    "describe_shipped run.json": Door(
        "run.json", hostile.json_files, shipped, ("jobs.describe_shipped",)
    ),
    "describe_shipped metrics.json": Door("metrics.json", hostile.json_files, shipped),
    "describe_shipped saved_model.pb": Door("saved_model.pb", hostile.wave_files, shipped),
    "serve_check .keras": Door(
        "a.keras", hostile.keras_files, kc.export.serve_check,
        ("export.serve_check", "export.serve_compare"),
    ),
}  # fmt: skip
# Where the sound file that the hostile ones are made of is what is wanted; it must be read.
UNDERSTAND = {
    "load_model", "load_torch .npz", "restore", "npz:", "speech: .npz", "Preparation",
    "read_state .npz", "serve_check .keras", "principal_trajectory",
}  # fmt: skip
# Public functions with paths that read no file of a stranger's: they write, or hand files on.
WRITE = {
    "analysis.draw_*", "analysis.*.draw", "analysis.write_cells_page", "analysis.write_figure", "analysis.write_page",
    "analysis.PageSection", "callbacks.*", "compression.*.save", "compression.zipped_bytes", "data.*.save", "data.collect",
    "data.write_*", "data.Transcription.write", "distribution.own_folder", "export.export*",
    "export.Exported*", "export.Fastest", "export.fastest", "export.quantize", "export.ship", "export.write_examples", "save_model", "save_preset",
    "jobs.Fact", "jobs.Job", "jobs.Job.of", "jobs.Job.export", "jobs.Job.exports_in", "jobs.TranslatorSettings", "jobs.check_c*",
    "jobs.record_metrics", "jobs.write_*", "weights.preprocess",
}  # fmt: skip
# They run programs, as their documentation says.
RUN = {
    "export.reopen", "export.answers_elsewhere", "export.load_saved_model", "export.saved_model_network", "jobs.Answers",
    "jobs.Job.open_export",
}  # fmt: skip


@pytest.mark.parametrize("name", DOORS)
def test_hostile_files_are_refused_in_a_sentence_and_nothing_runs(tmp_path, name):
    door, harm = DOORS[name], tmp_path / "harm"
    files = door.kind(harm)
    assert len(files) > 2
    for kind, content in files.items():
        folder = tmp_path / kind / "deep" / "deeper"
        folder.mkdir(parents=True)
        (folder / door.file).write_bytes(content)

        def refused(path=folder / door.file, kind=kind):
            if kind == "sound" and name in UNDERSTAND:
                door.read(path)
                return
            try:
                door.read(path)
            except kc.InputError as error:
                assert ". Allowed: " in str(error) and "\n" not in str(error), kind
            else:
                assert kind == "sound" or kind in door.admits, kind

        assert growth(refused) < max(FLOOR, TIMES * len(content)), kind
        assert not harm.exists(), kind
        assert not list(tmp_path.rglob("escaped*")), kind


@pytest.mark.parametrize("name", DOORS)
def test_pipes_devices_and_folders_are_no_files_and_nothing_waits(tmp_path, name):
    door = DOORS[name]
    for number, make in enumerate(
        (os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero"))
    ):
        folder = tmp_path / str(number) / "deep" / "deeper"
        folder.mkdir(parents=True)
        make(folder / door.file)
        with pytest.raises(kc.InputError):
            door.read(folder / door.file)


def covered(name, patterns):
    return any(
        name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1]))
        for pattern in patterns
    ) or any("*." in pattern and name.startswith(pattern.split("*")[0])
             and name.endswith(pattern.split("*")[1]) for pattern in patterns)  # fmt: skip


def public_functions():
    """All functions and methods of the public face, below `kc`."""
    for name, value in PUBLIC.items():
        name = name.removeprefix("keras_classics.")
        yield name, value
        for method in vars(value) if inspect.isclass(value) else ():
            if not method.startswith("_") and callable(getattr(value, method)):
                yield f"{name}.{method}", getattr(value, method)


def test_every_function_of_the_public_face_that_takes_a_path_is_in_the_table():
    known = {name for door in DOORS.values() for name in door.covers}
    missing = []
    for name, function in public_functions():
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            continue
        named = {"spec", "files", "path", "file", "folder"}
        paths = [each for each in parameters if "Path" in str(each.annotation)
                 or (each.name in named and "Spec" not in str(each.annotation))]  # fmt: skip
        builder = name.startswith("models.") and "models." in known
        if paths and not builder and not covered(name, known | WRITE | RUN):
            missing.append(name)
    assert not missing, "add a row to DOORS, or say in WRITE that it reads nothing"


def test_every_kind_of_data_is_in_the_table():
    schemes = {name for name, source in SOURCES.items() if ":" in source.usage}
    # What TensorFlow Datasets keeps is its own; camvid: and cityscapes: open masks as masks: does.
    assert schemes - {"tfds", "boundaries", "camvid", "cityscapes"} == {
        name.partition(":")[0] for name in DOORS if ":" in name
    }


def test_the_pickles_would_do_harm_to_who_trusts_them(tmp_path):
    for number, file in enumerate(("npz", "pth")):
        harm = tmp_path / str(number)
        if file == "npz":
            content = hostile.npz_files(harm, a=np.zeros(1))["a pickle"]
            np.load(io.BytesIO(content), allow_pickle=True)["a"]
        else:
            pickle.loads(hostile.pth_files(harm)["an old pickle"])
        assert harm.is_dir()
