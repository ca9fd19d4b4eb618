"""Everything public is documented, registered and comes back from its config; floors hold."""

import inspect
import json
import subprocess
import sys

import keras
import pytest

import keras_classics as kc
from support import ROOT

ROOMS = [value for value in vars(kc).values() if inspect.ismodule(value)]
PUBLIC = {
    f"{room.__name__}.{name}": value
    for room in ROOMS
    for name, value in vars(room).items()
    if not name.startswith("_")
    and (inspect.isclass(value) or inspect.isfunction(value))
    and value.__module__.startswith("keras_classics")
}
SERIALISABLE = {
    name: value
    for name, value in PUBLIC.items()
    if inspect.isclass(value)
    and issubclass(value, keras.layers.Layer | keras.initializers.Initializer)
}
REQUIRED = {
    "BinaryConv2D": {"filters": 4},
    "BinaryDense": {"units": 3},
    "CeilAveragePooling2D": {"pool_size": 3, "strides": 2},
    "ColumnDraw": {"columns": 3},
    "ConnectionTableConv2D": {"table": [[0]], "kernel_size": 3},
    "CourseGRUCell": {"units": 3},
    "DeepTransitionCell": {"units": 3},
    "DiracConv2D": {"filters": 4},
    "EuclideanRBF": {"units": 3},
    "LSTMVariantCell": {"units": 3},
    "LearnedInitialState": {"widths": [3, 2]},
    "LocallyConnected2D": {"filters": 4, "kernel_size": 3},
    "FractalJoin": {"columns": [1, 2]},
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
    "StackedConv2D": {"depth": 2},
    "StepwiseAdditiveAttention": {"units": 4},
    "StepwiseDotAttention": {"units": 4},
    "TruncatedBPTT": {"network": kc.models.language_model(3, 2, 1), "batch_size": 2},
    "ZeroPaddedShortcut": {"filters": 8},
}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented(name):
    assert inspect.getdoc(PUBLIC[name]), name


@pytest.mark.parametrize("name", SERIALISABLE)
def test_public_objects_are_registered_and_come_back_from_their_config(name):
    found = SERIALISABLE[name]
    assert keras.saving.get_registered_name(found) == f"keras_classics>{found.__name__}"
    instance = found(**REQUIRED.get(found.__name__, {}))
    config = json.loads(json.dumps(instance.get_config()))
    assert found.from_config(config).get_config() == config


def test_a_taken_serialisation_key_is_refused():
    from keras_classics.core.registration import registered

    class EuclideanRBF:
        pass

    with pytest.raises(ValueError, match="is taken by keras_classics.layers.image.rbf"):
        registered(EuclideanRBF)


def test_imports_only_go_down():
    linter = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert linter.returncode == 0, linter.stdout


def test_applications_use_only_the_public_face():
    for script in (ROOT / "applications").glob("*.py"):
        text = script.read_text()
        assert "keras_classics." not in text.replace("keras_classics as kc", ""), script
        assert "keras.src" not in text, script
