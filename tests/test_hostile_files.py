"""Files of strangers: one of each kind at every door, refused in a sentence, and nothing runs."""

import gzip
import io
import json
import marshal
import os
import pickle
import struct
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import keras_classics as kc
from support import load_application
from weights.states import ARGUMENTS, small_state


class Harm:
    """A pickled object that makes a directory while it is read."""

    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        return os.mkdir, (self.target,)


def zipped(members, announced=None):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name, content in members.items():
            target.writestr(name, content)
        if announced:
            # What a bomb says of itself; the content is not worth the making.
            target.infolist()[-1].file_size = announced
    return file.getvalue()


def npy(array, allow_pickle=False):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def announcing(shape, dtype="<f4"):
    """An `.npy` file whose header promises more than follows."""
    header = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode()
    header = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(16)


def npz_files(harm, **arrays):
    """Hostile `.npz` files, each a sound one with one thing changed."""
    members = {f"{name}.npy": npy(np.asarray(array)) for name, array in arrays.items()}
    (name, array), *_ = arrays.items()

    def changed(content):
        return zipped({**members, f"{name}.npy": content})

    sound = zipped(members)
    return {
        "sound": sound,
        "a pickle": changed(npy(np.array([Harm(harm)], object), allow_pickle=True)),
        "a path out of it": zipped({**members, "../escaped.npy": npy(np.zeros(4))}),
        "absurd shapes": changed(announcing((10**6, 10**9))),
        "endless nothing": changed(announcing((10**15,), "|S0")),
        "a bomb": zipped(members, announced=2**40),
        "wrong types": changed(npy(np.full(np.shape(array), "evil"))),
        "cut off": sound[: len(sound) // 2],
        "no archive": b"evil",
    }


PICTURES = {"x": np.arange(144, dtype="uint8").reshape(9, 4, 4), "y": np.arange(9) % 3}
RECORDINGS = {
    "audio": np.zeros(90, "int16"),
    "offsets": np.arange(0, 91, 10),
    "digit": np.arange(9),
}
CHECKPOINT = {
    "00000": np.zeros((2, 1), "f4"), "00001": np.array(3), "00002": np.array(0.1, "f4"),
    "steps": np.array(3),
}  # fmt: skip
FACTS = {
    "size": 8, "channels": 3, "flat": False, "resize": 8, "test_crops": 1, "augmentation": [],
    "normalization": ["range", {}],
}  # fmt: skip
STATISTICS = {"shift": np.zeros(3, "f4"), "gain": np.ones(3, "f4"), "facts": json.dumps(FACTS)}


def pth_files(harm):
    state = {"fc.weight": Harm(harm)}
    good = zipped({"a/data.pkl": pickle.dumps({}, 2)})
    return {
        "a pickle": zipped({"a/data.pkl": pickle.dumps(state, 2)}),
        "an old pickle": pickle.dumps(state, 2),
        "a path out of it": zipped({"a/data.pkl": pickle.dumps({}, 2), "/escaped": b""}),
        "a bomb": zipped({"a/data.pkl": pickle.dumps({}, 2), "a/data/0": b""}, announced=2**40),
        "cut off": good[: len(good) // 2],
        "no archive": b"evil",
    }


def h5_files(harm):
    """Files of weights that lead elsewhere, or promise more than they hold."""
    path, contents = Path(harm).with_name("weights.h5"), []
    for fill in (
        lambda file: file.update({"layers": np.zeros(999)}),
        lambda file: file.update({"layers": h5py.ExternalLink("/etc/passwd", "/")}),
        lambda file: file.create_dataset("layers", (2**30, 2**20), "f4", chunks=(8, 8)),
    ):
        with h5py.File(path, "w") as file:
            fill(file)
        contents.append(path.read_bytes())
    sound, linked, absurd = contents
    return {
        "linked weights": linked,
        "absurd weights": absurd,
        "cut off": sound[:-100],
        "no archive": b"evil",
    }


def keras_files(harm):
    """Hostile `.keras` files, each a sound one with one thing changed."""
    path = Path(harm).with_name("sound.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).save(path)
    with zipfile.ZipFile(path) as sound:
        members = {name: sound.read(name) for name in sound.namelist()}

    def changed(layer):
        """With another layer, from the configuration of the sound one."""
        config = json.loads(members["config.json"])
        layer(config["config"]["layers"][1])
        return zipped({**members, "config.json": json.dumps(config)})

    def lambda_layer(config):
        code = marshal.dumps(compile(f"__import__('os').mkdir({str(harm)!r})", "", "exec"))
        code = code.decode("latin-1")
        config["class_name"] = "Lambda"
        config["config"] = {
            "name": "evil",
            "function": {
                "class_name": "__lambda__",
                "config": {"code": code, "defaults": None, "closure": None},
            },
        }

    def torch_module(config):
        config["class_name"] = "TorchModuleWrapper"
        config["config"] = {"name": "evil", "module": pickle.dumps(Harm(harm), 0).decode()}

    def foreign(config):
        config.update(module="os", class_name="mkdir", registered_name=None)
        config["config"] = {"path": str(harm)}

    def file_function(config):
        config.update(module="keras.utils", class_name="get_file", registered_name=None)
        config["config"] = {"fname": "evil", "origin": f"file://{__file__}", "cache_dir": str(harm)}

    def read_vocabulary(config):
        config["class_name"] = "StringLookup"
        config["config"] = {"name": "evil", "vocabulary": __file__}

    weights = h5_files(harm)
    return {
        "sound": path.read_bytes(),
        "a Lambda": changed(lambda_layer),
        "a pickled module": changed(torch_module),
        "a function of Python": changed(foreign),
        "a function that fetches": changed(file_function),
        "a file as vocabulary": changed(read_vocabulary),
        "absurd layers": changed(lambda config: config["config"].update(units=10**15)),
        "too many weights": changed(lambda config: config["config"].update(units=10**8)),
        "an unknown type": changed(lambda config: config["config"].update(dtype="evil")),
        "a path out of it": zipped({**members, "assets/../../escaped": b"evil"}),
        "a bomb": zipped({**members, "assets/bomb": b""}, announced=2**40),
        **{
            kind: zipped({**members, "model.weights.h5": weights[kind]})
            for kind in ("linked weights", "absurd weights")
        },
        "cut off": path.read_bytes()[:-2000],
        "no archive": b"evil",
    }


def json_files(_):
    return {
        "too deep": b"[" * 100_000,
        "cut off": b'{"format": "keras-cl',
        "a list": b"[1, 2]",
        "other types": b'{"format": 1, "unit": [], "words": 7, "characters": [1], "settings": 3}',
        "other bytes": b"\xff\xfe\x00",
    }


def gz_files(_):
    return {
        "a bomb": gzip.compress(bytes(2**20)) * 257,
        "cut off": gzip.compress(bytes(range(256)) * 9)[:-20],
        "no archive": b"evil",
    }


def wave_files(_):
    head = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00" + struct.pack(
        "<HHIIHH", 1, 1, 8000, 16000, 2, 16
    )
    return {
        "absurd length": head + b"data\xf0\xff\xff\xff" + bytes(9),
        "no channels": head[:22] + b"\0\0" + head[24:],
        "cut off": head[:30],
    }


def model_of(folder):
    """A compiled model of a folder's checkpoint."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    return kc.training.restore(model, folder)


def captioner_of(path):
    application = load_application("captioning")
    settings = application.Settings(attention="additive", encoder=str(path))
    application.Captioning(settings, path.parent, kc.jobs.Output()).build()


def labeller_of(folder):
    kc.jobs.write_json(folder / "run.json", {"settings": {"task": "tag"}})
    (folder / "model.keras").touch()
    kc.jobs.open_run(load_application("labelling").Labelling, folder)


# Where files come in: the name each has there, what makes hostile ones, and what reads it.
DOORS = {
    "load_torch .npz": (
        "a.npz",
        lambda harm: npz_files(harm, **small_state()),
        lambda path: kc.weights.load_torch(kc.models.ResNet18(**ARGUMENTS), path),
    ),
    "read_state .pth": ("a.pth", pth_files, kc.weights.read_state),
    "load_model": ("a.keras", keras_files, kc.load_model),
    "load_keras_applications .keras": (
        "a.keras",
        keras_files,
        lambda path: kc.weights.load_keras_applications(kc.models.LeNet5Modern(), path),
    ),
    "captioning --encoder": ("a.keras", keras_files, captioner_of),
    "weights= .weights.h5": (
        "a.weights.h5", h5_files, lambda path: kc.models.LeNet5Modern(weights=path)
    ),
    "restore": (
        "checkpoint.npz",
        lambda harm: npz_files(harm, **CHECKPOINT),
        lambda path: model_of(path.parent),
    ),
    "data npz:": (
        "a.npz",
        lambda harm: npz_files(harm, **PICTURES),
        lambda path: kc.data.load(f"npz:{path}"),
    ),
    "data speech:": (
        "train.npz",
        lambda harm: npz_files(harm, **RECORDINGS),
        lambda path: kc.data.load(f"speech:{path.parent}"),
    ),
    "Preparation": (
        "a.npz", lambda harm: npz_files(harm, **STATISTICS), kc.data.Preparation.load
    ),
    "read_wave": ("a.wav", wave_files, kc.data.read_wave),
    "text .gz": ("a.txt.gz", gz_files, lambda path: kc.data.load(f"text:{path}")),
    "vocabulary": ("a.json", json_files, kc.data.load_vocabulary),
    "alphabet": ("a.json", json_files, kc.data.Alphabet.load),
    "captions of COCO": (
        "captions.json", json_files, lambda path: kc.data.load(f"captions:{path.parent}")
    ),
    "run.json": ("run.json", json_files, lambda path: kc.jobs.read_run(path.parent)),
    "classes.json": ("classes.json", json_files, kc.jobs.read_json),
    "codec.json": ("codec.json", json_files, lambda path: labeller_of(path.parent)),
}  # fmt: skip
# Where the sound file that the hostile ones are made of is what is wanted; it must be read.
UNDERSTAND = {
    "load_torch .npz",
    "load_model",
    "restore",
    "data npz:",
    "data speech:",
    "Preparation",
}


@pytest.mark.parametrize("door", DOORS)
def test_hostile_files_are_refused_in_a_sentence_and_nothing_runs(tmp_path, door):
    name, make, read = DOORS[door]
    harm = tmp_path / "harm"
    files = make(harm)
    assert len(files) > 2
    for kind, content in files.items():
        folder = tmp_path / kind / "deep" / "deeper"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        if kind == "sound":
            if door in UNDERSTAND:
                read(folder / name)
            continue
        with pytest.raises(kc.InputError, match=r"\. Allowed: .+\. ") as caught:
            read(folder / name)
        assert "\n" not in str(caught.value), kind
        assert not harm.exists(), kind
        assert not list(tmp_path.rglob("escaped*")), kind


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.npz", lambda harm: npz_files(harm, **small_state())["a pickle"]),
        ("a.pth", lambda harm: pth_files(harm)["a pickle"]),
        ("a.keras", lambda harm: keras_files(harm)["a Lambda"]),
    ],
)
def test_the_command_line_answers_a_hostile_file_with_one_line(tmp_path, capsys, name, make):
    (tmp_path / name).write_bytes(make(tmp_path / "harm"))
    small = ["--set", *(f"{key}={value}" for key, value in ARGUMENTS.items())]
    out = str(tmp_path / "out.keras")
    assert kc.cli.main(["convert", "resnet_18", str(tmp_path / name), "--out", out, *small]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert not (tmp_path / "harm").exists() and not (tmp_path / "out.keras").exists()


def test_the_pickles_would_do_harm_to_who_trusts_them(tmp_path):
    for number, file in enumerate(("npz", "pth")):
        harm = tmp_path / str(number)
        if file == "npz":
            content = npz_files(harm, a=np.zeros(1))["a pickle"]
            np.load(io.BytesIO(content), allow_pickle=True)["a"]
        else:
            pickle.loads(pth_files(harm)["an old pickle"])
        assert harm.is_dir()
