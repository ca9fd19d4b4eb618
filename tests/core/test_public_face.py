"""Everything public is documented, registered and comes back from its config; floors hold."""

import ast
import inspect
import json
import re
import subprocess
import sys

import keras
import pytest

import keras_classics as kc
from support import ROOT


def rooms(face):
    """A module and, at any depth, the modules its `__all__` names."""
    yield face
    for value in (getattr(face, name) for name in face.__all__):
        if inspect.ismodule(value):
            yield from rooms(value)


ROOMS = list(rooms(kc))
PUBLIC = {
    f"{room.__name__}.{name}": value
    for room in ROOMS
    for name in room.__all__
    if inspect.isclass(value := getattr(room, name)) or inspect.isfunction(value)
}
SERIALISABLE = {
    name: value
    for name, value in PUBLIC.items()
    if inspect.isclass(value)
    and issubclass(value, keras.layers.Layer | keras.initializers.Initializer)
    # What it trains is saved; a function that prepares pictures is no part of a file.
    and value is not kc.training.PerceptualTrainer
}
REQUIRED = {
    "FakeQuantConv2D": {"filters": 2, "kernel_size": 3},
    "FakeQuantDense": {"units": 2},
    "AdversarialModel": {
        "model": keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")]),
        "epsilon": 0.1,
        "bounds": (0, 1),
    },
    "AssociationUnits": {"units": 3},
    "BinaryConv2D": {"filters": 4},
    "BinaryDense": {"units": 3},
    "CeilAveragePooling2D": {"pool_size": 3, "strides": 2},
    "ColumnDraw": {"columns": 3},
    "ConnectionTableConv2D": {"table": [[0]], "kernel_size": 3},
    "CourseGRUCell": {"units": 3},
    "DeepTransitionCell": {"units": 3},
    "DenseMemory": {"patterns": 3},
    "DiracConv2D": {"filters": 4},
    "EuclideanRBF": {"units": 3},
    "KernelExpansion": {"units": 3, "examples": 5},
    "LSTMVariantCell": {"units": 3},
    "LearnedInitialState": {"widths": [3, 2]},
    "LocallyConnected2D": {"filters": 4, "kernel_size": 3},
    "FractalJoin": {"columns": [1, 2]},
    "GANTrainer": {
        "generator": kc.models.dcgan_generator((8, 8, 1), latent=2, filters=2),
        "discriminator": kc.models.dcgan_discriminator((8, 8, 1), filters=2),
    },
    "GRU": {"units": 3},
    "LSTM": {"units": 3},
    "Maxout": {"pieces": 2},
    "MultiDimensionalLSTM": {"units": 3},
    "MultiDimensionalRNN": {"units": 3},
    "MultiplicativeLSTMCell": {"units": 3},
    "MultiplicativeRNNCell": {"units": 3},
    "OneHot": {"size": 3},
    "OutputFeedbackCell": {"units": 3},
    "PaddedMaxPooling2D": {"pool_size": 3, "strides": 2},
    "RecurrentDecoder": {"vocabulary_size": 9},
    "RecurrentHighwayCell": {"units": 3},
    "ShorterSide": {"pixels": 5},
    "SoftmaxMemory": {"patterns": 3},
    "StackedConv2D": {"depth": 2},
    "StepwiseAdditiveAttention": {"units": 4},
    "StepwiseDotAttention": {"units": 4},
    "TruncatedBPTT": {"network": kc.models.language_model(3, 2, 1), "batch_size": 2},
    "VAETrainer": {
        "encoder": kc.models.vae_encoder((4, 4, 1), latent=2, units=(3,)),
        "decoder": kc.models.vae_decoder((4, 4, 1), latent=2, units=(3,)),
    },
    "ZeroPaddedShortcut": {"filters": 8},
}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented(name):
    # Not inspect.getdoc, which takes a base class's text for a class that has none.
    assert PUBLIC[name].__doc__, name


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_a_face_names_all_that_is_seen_there_and_nothing_twice(room):
    assert len(set(room.__all__)) == len(room.__all__)
    if hasattr(room, "__path__"):
        ours = {
            name
            for name, value in vars(room).items()
            if not name.startswith("_")
            and (inspect.isclass(value) or inspect.isfunction(value))
            and value.__module__.startswith(room.__name__)
        }
        assert ours <= set(room.__all__)


@pytest.mark.parametrize("name", SERIALISABLE)
def test_public_objects_are_registered_and_come_back_from_their_config(name):
    found = SERIALISABLE[name]
    assert keras.saving.get_registered_name(found) == f"keras_classics>{found.__name__}"
    instance = found(**REQUIRED.get(found.__name__, {}))
    config = json.loads(json.dumps(instance.get_config()))
    arguments = inspect.signature(found).parameters.values()
    named = {x.name for x in arguments if x.kind in (x.POSITIONAL_OR_KEYWORD, x.KEYWORD_ONLY)}
    # How an LSTM is computed is no part of what it is, says Keras.
    assert named - {"use_cudnn"} <= set(config)
    # Pairs are lists in JSON.
    assert json.loads(json.dumps(found.from_config(config).get_config())) == config


def test_a_taken_serialisation_key_is_refused():
    from keras_classics.core.registration import registered

    class EuclideanRBF:
        pass

    with pytest.raises(ValueError, match="is taken by keras_classics.layers.image.rbf"):
        registered(EuclideanRBF)


def test_a_module_that_is_loaded_again_registers_its_classes_anew():
    from keras_classics.core.registration import registered

    def loaded():
        made = type("OneHot", (keras.layers.Layer,), {"__module__": kc.layers.OneHot.__module__})
        return registered(made)

    try:
        again = loaded()
        assert keras.saving.get_registered_object("keras_classics>OneHot") is again
    finally:
        registered(kc.layers.OneHot)


def test_imports_only_go_down():
    linter = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert linter.returncode == 0, linter.stdout


# What the applications are read as examples of is this package: they need no other library.
EXAMPLES = {
    "captioning", "classification", "labelling", "labellers", "language_model", "translation",
}  # fmt: skip
LIBRARIES = {"keras_classics", "keras", "numpy"}


def test_applications_use_only_the_public_face():
    scripts = list((ROOT / "applications").rglob("*.py"))
    assert ROOT / "applications" / "captioning.py" in scripts
    for script in scripts:
        tree = ast.parse(script.read_text())
        imported = [
            name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module] if isinstance(node, ast.ImportFrom) else
                         [alias.name for alias in node.names])
        ]  # fmt: skip
        inner = [name for name in imported if name.startswith(("keras_classics.", "keras.src"))]
        assert inner == [], script
        if EXAMPLES & {script.stem, script.parent.name}:
            siblings = {each.stem for each in scripts} | EXAMPLES
            roots = {name.partition(".")[0] for name in imported}
            assert roots <= LIBRARIES | siblings | sys.stdlib_module_names, script
        paths = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for path in filter(re.compile(r"kc(\.\w+)+").fullmatch, paths):
            face = kc
            for name in path.split(".")[1:]:
                assert name in face.__all__, f"{script}: {path}"
                face = getattr(face, name)
                if not inspect.ismodule(face):
                    break


def test_files_are_told_apart_without_their_folders():
    # Where a stranger looks is by name: `cells.py` twice is once too often.
    names = [
        path.name
        for path in (ROOT / "package" / "keras_classics").rglob("*.py")
        if not path.name.startswith("__")
    ]
    assert len(names) > 200
    assert sorted({name for name in names if names.count(name) > 1}) == []
