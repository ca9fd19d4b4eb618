"""Modules that are loaded again, as a notebook's autoreload does, bring what they register anew."""

from support import run_on

RELOAD = """
import importlib, pkgutil, sys, tempfile
import keras, numpy as np
import keras_classics as kc

rooms = [kc.layers, kc.models, kc.training]
names = [
    found.name for room in rooms
    for found in pkgutil.walk_packages(room.__path__, room.__name__ + ".")
]
assert len(names) > 90, len(names)
for name in names:
    importlib.import_module(name)
for name in (*names, *reversed(names)):
    importlib.reload(sys.modules[name])
for room in rooms:
    importlib.reload(room)

models = kc.list_models()
assert len(models) == 108, len(models)
for name in ("lenet_5", "diracnet_18"):
    small = {"width": 0.1, "input_shape": (32, 32, 3)} if "dirac" in name else {}
    model = kc.create_model(name, **small)
    path = tempfile.mkdtemp() + "/model.keras"
    model.save(path)
    again = keras.saving.load_model(path)
    x = np.random.default_rng(0).random((2, *model.input_shape[1:])).astype("float32")
    np.testing.assert_array_equal(model(x), again(x))
layer = kc.layers.BinaryConv2D(2)
assert keras.saving.get_registered_object("keras_classics>BinaryConv2D") is type(layer)
print("as before")
"""


def test_every_layer_model_and_training_may_be_loaded_again():
    assert run_on("tensorflow", RELOAD).split()[-2:] == ["as", "before"]
