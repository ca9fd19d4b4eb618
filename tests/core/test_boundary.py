"""Law 1: bytes from outside are opened in the boundary's files and nowhere else."""

import ast

import pytest

from support import ROOT

PACKAGE = ROOT / "package" / "keras_classics"
BOUNDARY = set((PACKAGE / "core" / "boundary").glob("*.py"))
FILES = sorted({*PACKAGE.rglob("*.py"), *(ROOT / "applications").rglob("*.py")} - BOUNDARY)
# Nothing of these is needed but to read what others wrote.
MODULES = {
    "bz2", "cloudpickle", "configparser", "cv2", "dill", "fileinput", "gzip", "h5py", "imageio",
    "joblib", "linecache", "lzma", "marshal", "mmap", "orbax", "pickle", "pickletools", "plistlib",
    "runpy", "safetensors", "scipy.io", "shelve", "skimage.io", "soundfile", "sqlite3", "tarfile",
    "tomllib", "xml", "yaml", "zipfile", "zlib",
}  # fmt: skip
FUNCTIONS = {
    "PIL.Image.open", "PIL.ImageFont.truetype", "ai_edge_litert.interpreter.Interpreter",
    "builtins.open", "codecs.open", "io.open", "json.JSONDecoder", "json.load", "json.loads",
    "keras.layers.TFSMLayer", "keras.models.load_model", "keras.models.model_from_json",
    "keras.saving.load_model", "keras.saving.load_weights", "keras.utils.get_file",
    "keras.utils.image_dataset_from_directory", "keras.utils.load_img",
    "keras.utils.text_dataset_from_directory", "numpy.fromfile", "numpy.fromregex",
    "numpy.genfromtxt", "numpy.lib.format.open_memmap", "numpy.lib.format.read_array", "numpy.load",
    "numpy.loadtxt", "numpy.memmap", "onnx.load", "onnxruntime.InferenceSession", "os.fdopen",
    "os.open", "pandas.ExcelFile", "pandas.HDFStore", "pkgutil.get_data",
    "sentencepiece.SentencePieceProcessor", "shutil.unpack_archive", "tensorflow.data.TFRecordDataset",
    "tensorflow.data.TextLineDataset", "tensorflow.io.gfile", "tensorflow.io.read_file",
    "tensorflow.keras", "tensorflow.lite.Interpreter", "tensorflow.saved_model.load",
    "tensorflow.train.Checkpoint", "tensorflow.train.load_checkpoint", "tokenize.open",
    "torch.hub", "torch.jit.load", "torch.load", "wave.open",
}  # fmt: skip
# Of whatever object; a function of the package may be called so.
METHODS = {
    "fromfile", "imread", "load_model", "load_weights", "open", "open_memmap", "read_bytes",
    "read_text",
}  # fmt: skip
WRITING = {"a", "w", "w+", "wb", "x", "xb"}
# Why a file may nevertheless.
ADMITTED = {
    # It runs where this package cannot be imported, to show that an export needs none, and reads
    # what the process that starts it has written.
    "package/keras_classics/export/reopening.py": {
        "ai_edge_litert.interpreter.Interpreter",
        "json.loads",
        "numpy.load",
        "onnxruntime.InferenceSession",
        "tensorflow.saved_model.load",
        ".read_text",
    },
    # It is asked for selective search in arrays, and opens nothing.
    "package/keras_classics/boxes/selective_search.py": {"cv2"},
    # Fonts of this machine and of Matplotlib.
    "package/keras_classics/analysis/drawing/typefaces.py": {"PIL.ImageFont.truetype"},
    # What it fetches is published, and is opened by core once its digest is right.
    "package/keras_classics/weights/published.py": {"keras.utils.get_file"},
    # What Linux knows of the processor.
    "package/keras_classics/core/processor.py": {"builtins.open"},
    # What pip noted of the package itself.
    "package/keras_classics/jobs/commits.py": {".read_text"},
}


def openers(tree):
    """Whatever a file mentions that opens bytes from outside: the name, and the line."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                first = each.name.split(".")[0]
                known[each.asname or first] = each.name if each.asname else first
                yield each.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                known[each.asname or each.name] = f"{node.module}.{each.name}"
                yield f"{node.module}.{each.name}", node.lineno

    def path(node):
        """What a name or attribute stands for, or None of an object that only a run knows."""
        if isinstance(node, ast.Name):
            return known.get(node.id, "builtins.open" if node.id == "open" else None)
        if isinstance(node, ast.Attribute) and (outer := path(node.value)):
            return f"{outer}.{node.attr}"
        return None

    written = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
            # `open(path, mode)`, and `path.open(mode)`.
            place = 1 if path(node.func) else 0
            modes = [*node.args[place : place + 1],
                     *(each.value for each in node.keywords if each.arg == "mode")]  # fmt: skip
            if any(isinstance(mode, ast.Constant) and mode.value in WRITING for mode in modes):
                written |= {id(each) for each in ast.walk(node.func)}
            called = path(node.func) or getattr(node.func, "id", "")
            # What is named by a text escapes no better.
            if called in ("importlib.import_module", "__import__") and texts:
                yield texts[0], node.lineno
            if called == "getattr" and len(texts) == 1:
                outer = path(node.args[0])
                yield f"{outer}.{texts[0]}" if outer else f".{texts[0]}", node.lineno
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in written:
            found = path(node)
            if found is not None:
                yield found, node.lineno
            elif isinstance(node, ast.Attribute):
                yield f".{node.attr}", node.lineno


def banned(source):
    """The banned names that a program mentions, with their lines."""
    found = set()
    for name, line in openers(ast.parse(source)):
        starts = {name[: len(part)] for part in MODULES | FUNCTIONS if name.startswith(f"{part}.")}
        pandas = name.startswith("pandas.read_")
        method = name.startswith(".") and name[1:] in METHODS or name.endswith(".imread")
        if {name} & (MODULES | FUNCTIONS) or starts or pandas or method:
            found.add((name, line))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_outside_the_boundary_opens_what_comes_from_outside(path):
    admitted = ADMITTED.get(str(path.relative_to(ROOT)), set())
    found = {each for each in banned(path.read_text("utf-8")) if each[0] not in admitted}
    assert not found, "read it by the functions of core, such as read_json or read_arrays"


def test_what_is_admitted_is_needed():
    for path, names in ADMITTED.items():
        assert names == {name for name, _ in banned((ROOT / path).read_text("utf-8"))}, path


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as n; n.load('a.npz')",
        "from numpy import load as fetch; fetch('a.npz')",
        "import numpy as np\nread = np.load\nread('a.npz')",
        "import numpy as np\ngetattr(np, 'load')('a.npz')",
        "def f():\n    from pickle import loads\n    return loads(b'')",
        "import importlib\nimportlib.import_module('pickle').loads(b'')",
        "__import__('tarfile')",
        "import keras.saving as s; s.load_model('a.keras')",
        "from keras.saving import load_model",
        "import keras\nkeras.models.load_model('a.keras')",
        "model.load_weights('a.h5')",
        "getattr(model, 'load_weights')('a.h5')",
        "import json as j; j.loads('{}')",
        "from PIL import Image as Picture; Picture.open('a.png')",
        "import PIL.Image; PIL.Image.open('a.png')",
        "import pandas as pd; pd.read_csv('a.csv')",
        "from pathlib import Path; Path('a').read_text()",
        "from pathlib import Path\nwith Path('a').open('rb') as f: pass",
        "open('a')",
        "with open('a', 'rb') as file: pass",
        "import h5py",
        "from zipfile import ZipFile",
        "import wave; wave.open('a.wav')",
        "import tensorflow as tf; tf.io.read_file('a')",
        "import torch; torch.load('a.pth')",
        "import tensorflow as tf; tf.saved_model.load('a')",
        "from tensorflow import saved_model; saved_model.load('a')",
        "import onnxruntime as ort; ort.InferenceSession('a.onnx')",
        "from ai_edge_litert.interpreter import Interpreter",
        "import numpy as np; np.fromregex('a', 'b', [])",
        "import numpy as np; np.loadtxt('a'); np.genfromtxt('a')",
        "import numpy as np; np.memmap('a')",
        "import mmap",
        "import linecache; linecache.getlines('a')",
        "import matplotlib.pyplot as plt; plt.imread('a.png')",
        "from matplotlib.image import imread; imread('a.png')",
        "figure.imread('a.png')",
    ],
)
def test_no_other_name_escapes(source):
    assert banned(source)


@pytest.mark.parametrize(
    "source",
    [
        "import keras_classics as kc; kc.load_model('a.keras')",
        "from keras_classics.core.boundary.text_files import read_text; read_text('a')",
        "import json; json.dumps({})",
        "import numpy as np; np.savez('a.npz')",
        "open('a', 'w')",
        "import wave; wave.open('a.wav', 'wb')",
        "from PIL import Image; Image.new('RGB', (2, 2))",
    ],
)
def test_what_writes_or_goes_through_the_boundary_is_free(source):
    assert not banned(source)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "applications").rglob("*.py")), ids=lambda path: path.stem
)
def test_applications_write_whole_files_only(path):
    # By write_table and its like; others follow links out of a stranger's folder, too.
    names = {name for name, _ in openers(ast.parse(path.read_text("utf-8")))}
    others = {".to_csv", ".write_text", ".write_bytes", ".savefig", "keras.utils.save_img",
              "numpy.save", "numpy.savez", "shutil.copyfile"}  # fmt: skip
    assert not names & others


def goes_on(handler):
    """Whether what was caught is raised again."""
    return any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))


BLINDFOLDS = {"Exception", "BaseException", "ValueError", "TypeError", "KeyError", "AttributeError"}
COMMANDS = [
    *(ROOT / "applications").rglob("*.py"), *(PACKAGE / "jobs").rglob("*.py"), PACKAGE / "cli.py",
]  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_command_takes_a_defect_of_ours_for_a_mistake_of_the_users(path):
    caught = {
        (name.id, handler.lineno)
        for handler in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(handler, ast.ExceptHandler) and not goes_on(handler)
        for name in ast.walk(handler.type or ast.Name("BaseException"))
        if isinstance(name, ast.Name) and name.id in BLINDFOLDS
    }
    assert not caught
