"""Models are loaded under a limit that is seen from their configuration, by any number of threads."""

import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import h5py
import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.core.boundary import model_files
from keras_classics.core.boundary.model_configs import check_configuration
from keras_classics.core.boundary.model_sizes import bytes_asked_for
from support import growth

OPTIMIZERS = ("SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Nadam", "Lion", "Ftrl", "Lamb")


def configuration(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json"))


def saved(model, tmp_path):
    path = tmp_path / "model.keras"
    kc.save_model(model, path)
    return path


def rewritten(path, change):
    """The file with its configuration changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def held(variables):
    return sum(
        keras.ops.convert_to_numpy(variable).nbytes
        for variable in {id(v): v for v in variables}.values()
    )


def dense(optimizer=None, **compiled):
    model = keras.Sequential([keras.Input((20,)), layers.Dense(50), layers.Dense(10)])
    if optimizer:
        model.compile(optimizer, "mse", **compiled)
    return model


def stateful(batch=4):
    ids = keras.Input((7,), dtype="int32", batch_size=batch)
    return keras.Model(ids, layers.LSTM(6, stateful=True)(layers.Embedding(5, 3)(ids)))


def shared():
    image = keras.Input((8, 8, 1))
    encoder = keras.Sequential([layers.Conv2D(2, 3), layers.Flatten()], name="encoder")
    return keras.Model(image, layers.Add()([encoder(image), encoder(1 - image)]))


MODELS = {
    "sequential": dense,
    "shared": shared,
    "half": lambda: keras.Sequential([keras.Input((3,)), layers.Dense(4, dtype="float16")]),
    "binary": lambda: kc.models.XNORAlexNet(
        width=0.05, dense_units=8, classes=3, input_shape=(67, 67, 3)
    ),
    "normalised": lambda: kc.create_model("resnet_20_cifar", width=0.25),
    "translator": lambda: kc.models.translator(9, 8, units=4, attention="additive"),
}


@pytest.mark.parametrize("name", MODELS)
def test_what_is_asked_for_is_what_is_taken(tmp_path, name):
    model = MODELS[name]()
    path = saved(model, tmp_path)
    assert bytes_asked_for(configuration(path)) == held(model.variables)
    assert kc.load_model(path).count_params() == model.count_params()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_an_optimizer_keeps_of_each_weight_is_asked_for_too(tmp_path, name):
    model = dense(getattr(keras.optimizers, name)(use_ema=name == "SGD"))
    asked = bytes_asked_for(configuration(saved(model, tmp_path)))
    model.optimizer.build(model.trainable_variables)
    # Step and rate are a number each.
    numbers = held(model.variables) + held(model.optimizer.variables)
    assert numbers - 16 <= asked <= numbers


def test_states_that_are_carried_are_asked_for_and_come_back(tmp_path):
    path = saved(stateful(), tmp_path)
    loaded = kc.load_model(path)
    assert bytes_asked_for(configuration(path)) >= held(loaded.variables)
    config = json.loads(json.dumps(configuration(path)).replace("[4, 7]", "[100000000, 7]"))
    assert bytes_asked_for(config) > 2 * 4 * 6 * 10**8


def test_metrics_are_asked_for_by_the_numbers_they_count_in(tmp_path):
    model = dense("sgd", metrics=[keras.metrics.AUC(num_thresholds=500)])
    config = configuration(saved(model, tmp_path))
    assert bytes_asked_for(config) - held(model.variables) >= 4 * 4 * 500
    config = json.loads(
        json.dumps(config).replace('"num_thresholds": 500', '"num_classes": 100000')
    )
    assert bytes_asked_for(config) > 4 * 10**10


def test_a_small_file_that_asks_for_much_is_refused_before_a_weight_exists(tmp_path):
    path = saved(dense("adam"), tmp_path)
    rewritten(path, lambda config: config["config"]["layers"][-1]["config"].update(units=10**7))

    def load():
        with pytest.raises(kc.InputError, match="its layers ask for more weights than it holds"):
            kc.load_model(path)

    # The weights, and Adam's two averages of each, would be 6 GB.
    assert growth(load) < 100e6


def test_operations_that_make_lists_say_how_many(tmp_path):
    rows = keras.Input((5, 3))
    kc.load_model(saved(keras.Model(rows, keras.ops.split(rows, 5, axis=1)), tmp_path))
    kc.load_model(saved(keras.Model(rows, keras.ops.unstack(rows, 5, axis=1)), tmp_path))
    with pytest.raises(kc.InputError, match="Unstack makes None tensors; it must say how many"):
        kc.load_model(saved(keras.Model(rows, keras.ops.unstack(rows, axis=1)), tmp_path))


@keras.saving.register_keras_serializable("test_model_files")
class OfAValue(layers.Layer):
    def build(self, shape):
        self.table = keras.Variable(np.ones(3), trainable=False)

    def call(self, x):
        return x + self.table


@keras.saving.register_keras_serializable("test_model_files")
class OfAWeight(OfAValue):
    def build(self, shape):
        self.table = self.add_weight(shape=(3,), initializer="ones", trainable=False)


def test_a_variable_made_of_a_value_is_refused_and_the_remedy_works(tmp_path):
    for layer in (OfAValue(), OfAWeight()):
        path = saved(keras.Sequential([keras.Input((3,)), layer]), tmp_path)
        if isinstance(layer, OfAWeight):
            assert kc.load_model(path).predict_on_batch(np.zeros((1, 3))).sum() == 3
        else:
            with pytest.raises(kc.InputError, match="made by add_weight"):
                kc.load_model(path)


def test_classes_in_scope_are_known(tmp_path):
    class Twice(layers.Layer):
        def call(self, x):
            return 2 * x

    path = saved(keras.Sequential([keras.Input((3,)), Twice()]), tmp_path)
    with pytest.raises(kc.InputError, match="Twice"):
        kc.load_model(path)
    with keras.saving.custom_object_scope({"Twice": Twice}):
        assert kc.load_model(path).predict_on_batch(np.ones((1, 3))).sum() == 6


def test_loading_leaves_keras_as_it_was(tmp_path):
    path = saved(dense("adam"), tmp_path)
    before = keras.Variable.__init__, keras.Variable.assign
    number = layers.Dense(1).name.rpartition("_")[2]
    kc.load_model(path)
    assert (keras.Variable.__init__, keras.Variable.assign) == before
    # The layers of the file have names of their own.
    following = layers.Dense(1).name.rpartition("_")[2]
    assert following == (str(int(number) + 1) if number.isdigit() else "1")
    # A variable that waits for its value would get it here.
    with keras.StatelessScope():
        pass


def test_eight_threads_load_at_once(tmp_path):
    models = {}
    for name in ("sequential", "binary", "translator"):
        model = MODELS[name]()
        models[saved(model, tmp_path / name)] = model.get_weights()

    def load(path):
        loaded = kc.load_model(path).get_weights()
        return all(map(np.array_equal, loaded, models[path]))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(load, [*models] * 8))
    assert all(map(load, models))


def test_a_file_is_what_its_ending_says_to_who_checks_and_who_loads(tmp_path):
    sound = saved(dense(), tmp_path).read_bytes()
    older = tmp_path / "older.h5"
    other = keras.Sequential([keras.Input((20,)), layers.Dense(3)])
    other.save(older)
    # Checked as the archive at its end, it would be loaded as what stands before it, unchecked.
    older.write_bytes(older.read_bytes() + sound)
    with pytest.raises(kc.InputError, match=r"older.h5' was given. Allowed: .* ending in .keras"):
        kc.load_model(older)
    older.rename(tmp_path / "now.keras")
    assert kc.load_model(tmp_path / "now.keras").count_params() == dense().count_params()


@pytest.mark.parametrize("ending", [".weights.json", ".hdf5", ".npz", ""])
def test_weights_of_other_endings_are_refused_and_the_remedy_works(tmp_path, ending):
    model = dense()
    model.save_weights(tmp_path / "a.weights.h5")
    (tmp_path / f"a{ending}").write_bytes((tmp_path / "a.weights.h5").read_bytes())
    with pytest.raises(kc.InputError, match=r"ending in \.weights\.h5, \.h5, \.keras"):
        kc.load_weights(model, tmp_path / f"a{ending}")
    kc.load_weights(dense(), tmp_path / "a.weights.h5")


@pytest.mark.parametrize("name", ["model.h5", "model.hdf5", "model", "model.keras.zip"])
def test_models_are_saved_as_what_is_loaded_again(tmp_path, name):
    with pytest.raises(kc.InputError, match=r"was given. Allowed: a file ending in \.keras"):
        kc.save_model(dense(), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["model", "weights"])
def test_what_was_checked_is_what_is_loaded(tmp_path, monkeypatch, kind):
    model, other = dense(), dense()
    path = saved(model, tmp_path)
    small = path.read_bytes()
    check = model_files._check_weights
    kc.save_model(other, path)
    evil = path.read_bytes()
    path.write_bytes(small)

    def check_and_exchange(archive):
        path.write_bytes(evil)
        return check(archive)

    monkeypatch.setattr(model_files, "_check_weights", check_and_exchange)
    if kind == "model":
        loaded = kc.load_model(path)
    else:
        loaded = dense()
        kc.load_weights(loaded, path)
    assert path.read_bytes() == evil
    assert all(map(np.array_equal, loaded.get_weights(), model.get_weights()))


def test_without_room_for_the_copy_that_is_said(tmp_path, monkeypatch):
    path = saved(dense(), tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_files.shutil, "copyfileobj", full)
    with pytest.raises(kc.InputError, match="No space left on device.*set TMPDIR to a folder"):
        kc.load_model(path)


def test_a_file_may_ask_for_four_times_its_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(model_files, "_FLOOR_BYTES", 0)

    def load(optimizer):
        model = keras.Sequential([keras.Input((300,)), layers.Dense(3000)])
        model.compile(optimizer, "mse")
        return kc.load_model(saved(model, tmp_path))

    # The weights, and two averages of each, which an optimizer that has not begun does not save.
    load(keras.optimizers.Adam())
    with pytest.raises(kc.InputError, match="its layers ask for more weights than it holds"):
        load(keras.optimizers.Adam(amsgrad=True))


def function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


@pytest.mark.parametrize(
    "named",
    [
        function("keras.config", "set_epsilon"),
        function("keras", "config.set_epsilon"),
        function("builtins", "mnist.load_data"),
        function("keras.activations", "get"),
        function("keras.ops", "zeros"),
        {"module": "keras.config", "class_name": "set_epsilon", "config": {}},
        {"module": "keras", "class_name": "Input", "config": {}},
    ],
    ids=str,
)
def test_a_function_that_is_none_of_a_model_is_refused(tmp_path, named):
    path = rewritten(
        saved(dense(), tmp_path),
        lambda config: config["config"]["layers"][-1]["config"].update(activation=named),
    )
    with pytest.raises(kc.InputError, match="is no function of a model"):
        kc.load_model(path)


@keras.saving.register_keras_serializable("test_model_files")
def doubled(x):
    return 2 * x


def test_functions_of_a_model_are_admitted(tmp_path):
    model = keras.Sequential([keras.Input((20,))])
    for activation in ("gelu", keras.activations.mish, doubled, layers.LeakyReLU()):
        model.add(layers.Dense(2, activation=activation))
    model.compile(
        loss=keras.losses.mean_squared_error,
        metrics=[keras.metrics.MeanMetricWrapper(keras.metrics.binary_accuracy)],
    )
    loaded = kc.load_model(saved(model, tmp_path))
    x = np.ones((1, 20), "float32")
    np.testing.assert_array_equal(loaded.predict_on_batch(x), model.predict_on_batch(x))
    # Classes under their older names, and a function as earlier releases wrote it.
    check_configuration({"module": "keras.initializers", "class_name": "zeros", "config": {}})
    check_configuration(function("builtins", "doubled"))


@pytest.mark.parametrize(
    ("operation", "arguments", "config"),
    [("Arange", [0, 10**8], {}), ("Repeat", [[1.0]], {"repeats": 10**8})],
)
def test_an_operation_of_constants_is_refused_before_it_runs(
    tmp_path, operation, arguments, config
):
    rows = keras.Input((5,), name="rows")

    def add(whole):
        whole["config"]["layers"].append(
            {
                "module": "keras.src.ops.numpy",
                "class_name": operation,
                "config": {"name": "bomb", **config},
                "registered_name": operation,
                "name": "bomb",
                "inbound_nodes": [{"args": arguments, "kwargs": {}}],
            }
        )

    path = rewritten(saved(keras.Model(rows, keras.ops.sin(rows) + 1.0), tmp_path), lambda _: None)
    kc.load_model(path)
    path = rewritten(path, add)

    def load():
        with pytest.raises(kc.InputError, match=f"{operation}' in it takes no tensor of the model"):
            kc.load_model(path)

    assert growth(load) < 50e6


@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5"])
def test_what_is_of_another_kind_is_refused_without_a_copy(tmp_path, monkeypatch, name):
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(3 * 10**9)
    monkeypatch.setattr(model_files.shutil, "copyfileobj", None)
    with pytest.raises(kc.InputError, match="it is no (zip archive|HDF5 file)"):
        kc.load_model(path) if name.endswith(".keras") else kc.load_weights(dense(), path)


def test_weights_that_do_not_fit_leave_the_model_as_it_was(tmp_path):
    other = keras.Sequential([keras.Input((20,)), layers.Dense(50), layers.Dense(3)])
    other.save_weights(tmp_path / "other.weights.h5")
    model = dense()
    before = model.get_weights()
    with pytest.raises(kc.InputError):
        kc.load_weights(model, tmp_path / "other.weights.h5")
    assert all(map(np.array_equal, model.get_weights(), before))


def test_weights_that_are_not_a_number_are_told_of_and_complex_ones_refused(tmp_path):
    path, model = tmp_path / "a.weights.h5", dense()
    model.layers[1].bias.assign(np.full(10, np.nan))
    model.save_weights(path)
    model.save(tmp_path / "a.keras")
    for load in (
        partial(kc.load_weights, model, path),
        partial(kc.load_model, tmp_path / "a.keras"),
    ):
        with pytest.warns(UserWarning, match="not a number, in .*dense.*bias") as warned:
            load()
        # Where the user's own line is, and not in the package; Keras warns of other things.
        places = [each.filename for each in warned if "not a number" in str(each.message)]
        assert places == [__file__]
    with h5py.File(path, "r+") as file:
        vars_ = file["layers/dense/vars"]
        shape = vars_["0"].shape
        del vars_["0"]
        vars_["0"] = np.ones(shape, "complex64")
    with pytest.raises(kc.InputError, match="holds no real numbers"):
        kc.load_weights(model, path)


def test_weights_of_another_size_are_refused_with_both_shapes(tmp_path):
    path = tmp_path / "three.weights.h5"
    three, ten = (
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(n, name="predictions")])
        for n in (3, 10)
    )
    three.save_weights(path)
    told = r"predictions is of shape \(4, 3\) in the file and of \(4, 10\) in the model"
    with pytest.raises(kc.InputError, match=told):
        kc.load_weights(ten, path)
