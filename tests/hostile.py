"""Files of strangers, a table of each kind: what is wrong with one, and its bytes."""

from __future__ import annotations

import functools
import gzip
import io
import json
import marshal
import os
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

import h5py
import keras
import numpy as np


class Harm:
    """A pickled object that makes a directory while it is read."""

    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        return os.mkdir, (self.target,)


def zipped(members, announced=None, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as target:
        for name, content in members.items():
            target.writestr(name, content)
        if announced:
            # What a bomb says of itself; the content is not worth the making.
            target.infolist()[-1].file_size = announced
    return file.getvalue()


@functools.cache
def unpacking():
    """An archive that is a thousand times as large when it is unpacked."""
    return zipped({"bomb.npy": npy(np.zeros(2**28, "u1"))}, compression=zipfile.ZIP_DEFLATED)


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
        "a bomb that unpacks": unpacking(),
        "wrong types": changed(npy(np.full(np.shape(array), "evil"))),
        "cut off": sound[: len(sound) // 2],
        "no archive": b"evil",
    }


def pth_files(harm):
    state = {"fc.weight": Harm(harm)}
    good = zipped({"a/data.pkl": pickle.dumps({}, 2)})
    return {
        "a pickle": zipped({"a/data.pkl": pickle.dumps(state, 2)}),
        "an old pickle": pickle.dumps(state, 2),
        "a pickle of millions of tables": zipped({"a/data.pkl": b"\x80\x02" + b"}" * 2**22}),
        "a path out of it": zipped({"a/data.pkl": pickle.dumps({}, 2), "/escaped": b""}),
        "a bomb": zipped({"a/data.pkl": pickle.dumps({}, 2), "a/data/0": b""}, announced=2**40),
        "cut off": good[: len(good) // 2],
        "no archive": b"evil",
    }


def safetensors_files(_):
    def announced(entry, body=bytes(16)):
        header = json.dumps({"a": entry}).encode()
        return struct.pack("<Q", len(header)) + header + body

    entry = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    return {
        "absurd shapes": announced({**entry, "shape": [10**9, 10**9]}),
        "outside of it": announced({**entry, "shape": [2**40], "data_offsets": [0, 2**42]}),
        "a header of many lists": struct.pack("<Q", 2**24) + b"[]," * (2**24 // 3) + b"[",
        "too deep": struct.pack("<Q", 200_000) + b"[" * 200_000,
        "cut off": announced(entry)[:-3],
        "no archive": b"evil",
    }


def h5_files(harm):
    """Files of weights that lead elsewhere, or promise more than they hold."""
    path, contents = Path(harm).with_name("weights.h5"), []
    for fill in (
        lambda file: file.update({"layers": np.zeros(999)}),
        lambda file: file.update({"layers": h5py.ExternalLink("/etc/passwd", "/")}),
        lambda file: file.create_dataset("layers", (2**30, 2**20), "f4", chunks=(8, 8)),
        lambda file: file.create_dataset("layers", (2**26,), "f4", chunks=(8,)),
        lambda file: file.create_dataset("layers", data=["evil"] * 9, dtype=h5py.string_dtype()),
    ):
        with h5py.File(path, "w") as file:
            fill(file)
        contents.append(path.read_bytes())
    sound, linked, absurd, large, texts = contents
    return {
        "linked weights": linked,
        "absurd weights": absurd,
        "far more weights than bytes": large,
        "texts as weights": texts,
        "cut off": sound[:-100],
        "no archive": b"evil",
    }


def keras_files(harm):
    """Hostile `.keras` files, each a sound one with one thing changed."""
    path = Path(harm).with_name("sound.keras")
    # A batch of a fixed size, as states that are carried want it.
    image = keras.Input((5, 2), batch_size=2)
    model = keras.Sequential(
        [image, keras.layers.Dense(3), keras.layers.SimpleRNN(2, stateful=True)]
    )
    model.compile("adam", "mse")
    model.save(path)
    with zipfile.ZipFile(path) as sound:
        members = {name: sound.read(name) for name in sound.namelist()}

    def changed(change):
        """With another configuration, made from that of the sound one."""
        config = json.loads(members["config.json"])
        change(config)
        return zipped({**members, "config.json": json.dumps(config)})

    def layer(**replaced):
        def change(config):
            config["config"]["layers"][1].update(replaced)

        return changed(change)

    def dense(**settings):
        def change(config):
            config["config"]["layers"][1]["config"].update(settings)

        return changed(change)

    def metric(name, **settings):
        found = {"module": "keras.metrics", "class_name": name, "registered_name": None,
                 "config": {"name": "evil", **settings}}  # fmt: skip
        return changed(lambda config: config["compile_config"].update(metrics=[found]))

    def many_rows(config):
        for each in config["config"]["layers"]:
            if "batch_shape" in each["config"]:
                each["config"]["batch_shape"] = [10**8, 5, 2]
        config["build_config"] = {"input_shape": [10**8, 5, 2]}

    code = marshal.dumps(compile(f"__import__('os').mkdir({str(harm)!r})", "", "exec"))
    function = {
        "class_name": "__lambda__",
        "config": {"code": code.decode("latin-1"), "defaults": None, "closure": None},
    }
    fetching = {"fname": "evil", "origin": f"file://{__file__}", "cache_dir": str(harm)}
    keras_layers = {"module": "keras.layers", "registered_name": None}
    torch = {"name": "evil", "module": pickle.dumps(Harm(harm), 0).decode()}
    weights = h5_files(harm)
    return {
        "sound": path.read_bytes(),
        "a Lambda": layer(class_name="Lambda", config={"name": "evil", "function": function}),
        "a pickled module": layer(class_name="TorchModuleWrapper", config=torch),
        "a function of Python": layer(
            module="os", class_name="mkdir", registered_name=None, config={"path": str(harm)}
        ),
        "a function that fetches": layer(
            module="keras.utils", class_name="get_file", registered_name=None, config=fetching
        ),
        "a program in another file": layer(
            **keras_layers, class_name="TFSMLayer",
            config={"name": "evil", "filepath": str(harm), "call_endpoint": "serve"},
        ),
        "a file as vocabulary": layer(
            class_name="StringLookup", config={"name": "evil", "vocabulary": __file__}
        ),
        "a file as vocabulary of texts": layer(
            class_name="TextVectorization", config={"name": "evil", "vocabulary": __file__}
        ),
        "absurd layers": dense(units=10**15),
        "too many weights": dense(units=10**8),
        "units that are no number": dense(units=float("nan")),
        "units that are a text": dense(units="1" * 5000),
        "states of too many rows": changed(many_rows),
        "a metric of too many classes": metric("MeanIoU", num_classes=10**6),
        "a metric of too many thresholds": metric("AUC", num_thresholds=10**9),
        "an unknown type": dense(dtype="evil"),
        "a deep configuration": zipped({**members, "config.json": b"[" * 100_000}),
        "no configuration": zipped({**members, "config.json": b"3"}),
        "a path out of it": zipped({**members, "assets/../../escaped": b"evil"}),
        "a bomb": zipped({**members, "assets/bomb": b""}, announced=2**40),
        "a bomb that unpacks": unpacking(),
        **{
            kind: zipped({**members, "model.weights.h5": weights[kind]})
            for kind in weights
            if "weights" in kind
        },
        "cut off": path.read_bytes()[:-2000],
        "no archive": b"evil",
    }  # fmt: skip


def json_files(_):
    return {
        "too deep": b"[" * 100_000,
        "millions of lists": b"[" + b"[]," * 3 * 2**20 + b"[]]",
        "no number": b'{"format": NaN, "settings": Infinity}',
        "a number of many digits": b"[" + b"1" * 10_000 + b"]",
        "cut off": b'{"format": "keras-cl',
        "a list": b"[1, 2]",
        "other types": b'{"format": 1, "unit": [], "words": 7, "characters": [1], "settings": 3}',
        "other bytes": b"\xff\xfe\x00",
    }


def xml_files(_):
    """What is no annotation."""
    laughs = "".join(
        f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";" * 1}{"&l" + str(n - 1) + ";"}">'
        for n in range(1, 30)
    )
    return {
        "entities that grow": f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]><a>&l29;</a>'.encode(),
        "a file as entity": b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        "too deep": b"<a>" * 100_000,
        "millions of elements": b"<a>" + b"<b/>" * 2**21 + b"</a>",
        "an encoding that is none": b'<?xml version="1.0" encoding="zlib"?><a/>',
        "an unknown encoding": b'<?xml version="1.0" encoding="evil-8"?><a/>',
        "cut off": b"<annotation><object><name>ca",
        "other bytes": b"\xff\x00\xfe",
        "nothing": b"",
    }


def coco_files(_):
    """COCO's form with something in it that is none."""
    sound = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4]}],
    }

    def changed(**parts):
        return json.dumps({**sound, **parts}).encode()

    return {
        **json_files(_),
        "no pictures": changed(images=7),
        "a list for a name": changed(images=[{"id": 1, "file_name": [1]}]),
        "a path out of it": changed(images=[{"id": 1, "file_name": "../../../../etc/passwd"}]),
        "a list for an id": changed(images=[{"id": [1], "file_name": "a.png"}]),
        "texts for numbers": changed(
            annotations=[{"image_id": 1, "category_id": 1, "bbox": ["evil"] * 4}]
        ),
        "annotations that are none": changed(annotations=[3]),
        "a huge box": changed(
            annotations=[{"image_id": 1, "category_id": 1, "bbox": [1e300, 1e300, 1e300, 1e300]}]
        ),
        "a huge category": changed(categories=[{"id": 10**400, "name": "cat"}]),
    }


def text_files(_):
    """What is no text with lines of sentences."""
    return {
        "one huge line": b"evil " * 2**20,
        "a huge line among others": b"a\n" * 600 + b"evil" * 2**20 + b"\nb\n",
        "other bytes": b"\xff\xfe\x00",
        "nothing": b"",
    }


def table_files(_):
    return {
        "one huge line": b"image,caption\n" + b"evil " * 2**20,
        "a huge header": b"evil," * 2**17 + b"\n1\n",
        "an open quote": b'image,caption\na,"b\nc,d\n',
        "too many fields": b"image,caption\na,b,c\n",
        "texts for numbers": b"epoch,loss\nevil,evil\n",
        "other bytes": b"\xff\xfe\x00",
        "nothing": b"",
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
        "no archive": b"evil",
    }


def png(width, height, depth=8, colour=2, rows=b""):
    """A PNG file that says what size it has, whatever follows."""

    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def picture_files(_):
    return {
        "a bomb": png(8000, 8000, 1, 0, bytes(8000 * 1001)),
        "more pixels than there are": png(2**31 - 1, 2**31 - 1),
        "no pixels": png(0, 0),
        "cut off": png(40, 40)[:50],
        "a program": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(evil) run\n",
        "no archive": b"evil",
    }
