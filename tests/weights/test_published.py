"""`weights="imagenet"` with files of the published formats, served from this disk."""

import dataclasses
import hashlib
import inspect
import warnings

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.weights import published
from keras_classics.weights.published import PUBLISHED, File
from support import run_on
from weights.test_golden import drawn, read
from weights.test_golden import pictures as golden_pictures


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Downloads land in this test's folder, and nothing comes from the network."""
    get_file = keras.utils.get_file

    def local(*arguments, **options):
        return get_file(*arguments, cache_dir=tmp_path / "cache", **options)

    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(published.keras.utils, "get_file", local)


@pytest.fixture(scope="module", autouse=True)
def forget_models():
    yield
    keras.utils.clear_session(free_memory=True)


def builder_of(name):
    """The public builder of a name of the catalogue."""
    for builder in vars(kc.models).values():
        if getattr(builder, "__name__", "").isidentifier() and callable(builder):
            own = inspect.signature(builder).parameters.get("name")
            if own is not None and own.default == name:
                return builder
    raise LookupError(name)


def serve(monkeypatch, name, path, digest=None, place=0):
    """Put a local file in the place of a published one."""
    data = path.read_bytes()
    if digest is None:
        digest = (
            hashlib.md5(data).hexdigest()
            if path.suffix == ".h5"
            else hashlib.sha256(data).hexdigest()[:8]
        )
    file = File(path.as_uri(), digest)
    rows = list(PUBLISHED[name])
    rows[place] = dataclasses.replace(rows[place], top=file, trunk=file)
    monkeypatch.setitem(PUBLISHED, name, tuple(rows))


def applications(name, path, **arguments):
    """A keras.applications model with drawn weights, saved as its authors publish theirs."""
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    model = getattr(keras.applications, name)(weights=None, classifier_activation=None, **arguments)
    draw = np.random.default_rng(0)
    for variable in model.weights:
        if variable.path.endswith(("gamma", "variance")):
            variable.assign(draw.uniform(0.5, 1.5, variable.shape))
        else:
            scale = np.sqrt(max(1, np.prod(variable.shape[:-1])))
            variable.assign(draw.normal(size=variable.shape) / scale)
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "theirs"),
    [("densenet_121", "DenseNet121"), ("resnet_50", "ResNet50"), ("resnet_50_v2", "ResNet50V2")],
)
@pytest.mark.parametrize("top", [True, False])
def test_outputs_are_those_of_keras_applications(name, theirs, top, tmp_path, monkeypatch):
    reference = applications(theirs, tmp_path / "weights.h5", include_top=top)
    serve(monkeypatch, name, tmp_path / "weights.h5")
    model = builder_of(name)(
        weights="imagenet", include_top=top, classifier_activation=None, name="mine"
    )
    size = 224 if top else 96
    images = np.random.default_rng(1).uniform(0, 255, (1, size, size, 3)).astype("float32")
    x = kc.weights.preprocess(images, name)
    expected = np.asarray(reference(x))
    assert model.name == "mine"
    assert np.linalg.norm(model(x) - expected) < 2e-5 * np.linalg.norm(expected)


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    """A torchvision network as its authors publish it: its state and logits."""
    torch = pytest.importorskip("torch")

    def load(file):
        logits, meta = read(file)
        drawing = drawn(meta["seed"], meta["gain"], meta["tensors"])
        state = {name: torch.from_numpy(values) for name, values in drawing}
        # What every published state holds besides.
        state["bn1.num_batches_tracked"] = torch.tensor(7)
        state["aux1.fc1.weight"] = torch.zeros(2, 2)
        path = tmp_path_factory.mktemp("torch") / f"{file}.pth"
        torch.save(state, path)
        return path, golden_pictures(meta["seed"], meta["input_shape_nchw"]), logits

    return load


@pytest.mark.parametrize("file", ["squeezenet_1_1", "resnet_18_v15"])
def test_logits_are_torchvision_s(file, golden, monkeypatch):
    path, images, expected = golden(file)
    name = file.removesuffix("_v15")
    serve(monkeypatch, name, path)
    model = kc.create_model(name, weights="imagenet", classifier_activation=None)
    errors = np.linalg.norm(model(images) - expected, axis=1)
    assert np.all(errors < 2e-5 * np.linalg.norm(expected, axis=1))
    trunk = kc.create_model(name, weights="imagenet", include_top=False, pooling="avg")
    full = {layer.name: layer.get_weights() for layer in model.layers}
    for layer in trunk.layers:
        for ours, theirs in zip(layer.get_weights(), full.get(layer.name, []), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_arguments_choose_among_the_published_forms():
    assert published.chosen("resnet_50", {}).top.url.endswith(".h5")
    for arguments in ({"stride_in": "3x3"}, {"conv_bias": False}):
        assert published.chosen("resnet_50", arguments).top.url.endswith("resnet50-0676ba61.pth")
    assert "vgg16_bn" in published.chosen("vgg_d", {"batch_norm": True}).top.url
    with pytest.raises(kc.InputError, match=r"conv_bias=True, stride_in='3x3' were given.*Leave"):
        kc.models.ResNet50(weights="imagenet", stride_in="3x3", conv_bias=True)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_form_is_arguments_its_builder_has(name):
    allowed = inspect.signature(builder_of(name)).parameters
    for row in PUBLISHED[name]:
        assert set(row.form) <= set(allowed)
        for file in (row.top, row.trunk):
            assert len(file.digest) in (8, 32) and int(file.digest, 16)
            assert file.url.startswith("https://")


def test_no_network_is_one_sentence_that_says_what_to_do(monkeypatch):
    nowhere = File("http://127.0.0.1:9/resnet18-f37072fd.pth", "f37072fd")
    row = dataclasses.replace(PUBLISHED["resnet_18"][0], top=nowhere)
    monkeypatch.setitem(PUBLISHED, "resnet_18", (row,))
    with pytest.raises(kc.InputError) as caught:
        kc.models.ResNet18(weights="imagenet")
    message = str(caught.value)
    assert "http://127.0.0.1:9/resnet18-f37072fd.pth could not be fetched" in message
    assert "Allowed: " in message and "put it into ~/.keras/models" in message
    assert "\n" not in message and caught.value.__suppress_context__


@pytest.mark.parametrize("suffix", [".pth", ".h5"])
def test_another_file_than_the_published_one_is_refused(suffix, tmp_path, monkeypatch):
    (tmp_path / f"other{suffix}").write_bytes(b"not the weights")
    digest = "0" * (8 if suffix == ".pth" else 32)
    serve(monkeypatch, "resnet_18", tmp_path / f"other{suffix}", digest)
    with pytest.raises(kc.InputError, match="could not be fetched .*(SHA-256|hash)"):
        kc.models.ResNet18(weights="imagenet")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("resnet_18", {"classes": 10}, r"kc.transfer.replace_head"),
        ("resnet_18", {"input_shape": (64, 64, 1)}, r"kc.transfer.adapt_channels"),
        ("lenet_5", {}, "none are published.*alexnet_owt"),
        ("vgg_c", {}, "none are published"),
    ],
)
def test_what_the_weights_are_not_for_is_refused_before_any_download(name, arguments, message):
    with pytest.raises(kc.InputError, match=message):
        kc.create_model(name, weights="imagenet", **arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "mode"),
    [
        ("resnet_50", {}, "caffe"),
        ("resnet_50", {"stride_in": "3x3"}, "torch"),
        ("vgg_d", {}, "caffe"),
        ("densenet_121", {}, "torch"),
        ("resnet_50_v2", {}, "tf"),
        ("inception_resnet_v2_released", {}, "tf"),
    ],
)
def test_preprocessing_is_that_of_the_weights_origin(name, arguments, mode):
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype="uint8")
    expected = keras.applications.imagenet_utils.preprocess_input(
        images.astype("float32"), data_format="channels_last", mode=mode
    )
    np.testing.assert_allclose(
        kc.weights.preprocess(images, name, **arguments), expected, atol=2e-5
    )


def test_googlenet_sees_what_torchvision_makes_of_standard_pixels_inside():
    images = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3)).astype("float32")
    standard = np.asarray(kc.weights.preprocess(images, "resnet_18"))
    # Torchvision's GoogLeNet undoes this and takes (x - 0.5) / 0.5 instead.
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    inside = standard * (deviation / 0.5) + (mean - 0.5) / 0.5
    np.testing.assert_allclose(kc.weights.preprocess(images, "googlenet_bn"), inside, atol=1e-5)


@pytest.mark.parametrize("name", ["VGG16", "vgg_d", "vgg16"])
def test_pictures_are_prepared_under_the_names_people_know(name):
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 4, 4, 3)).astype("float32")
    np.testing.assert_allclose(
        kc.weights.preprocess(pictures, name),
        keras.applications.vgg16.preprocess_input(pictures.copy()),
        atol=1e-4,
    )


def test_predictions_are_named_by_keras_table(monkeypatch):
    from keras.src.applications import imagenet_utils

    table = {str(n): [f"n{n:08}", f"thing_{n}"] for n in range(1000)}
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", table)
    predictions = np.zeros((2, 1000), "float32")
    predictions[0, [7, 3]] = 0.75, 0.25
    predictions[1, 999] = 1.0
    found = kc.weights.decode_predictions(predictions, "ResNet50", top=2)
    assert found[0] == [("n00000007", "thing_7", 0.75), ("n00000003", "thing_3", 0.25)]
    assert found[1][0].name == "thing_999" and len(found[1]) == 2


@pytest.mark.parametrize(
    ("shape", "top", "name", "given"),
    [
        ((2, 10), 5, "VGG16", r"shape \(2, 10\)"),
        ((1000,), 5, "VGG16", r"shape \(1000,\)"),
        ((1, 1000), 0, "VGG16", "top=0"),
        ((1, 1000), 1001, "VGG16", "top=1001"),
        ((1, 1000), 2.5, "VGG16", "top=2.5"),
        ((1, 1000), "3", "VGG16", "top='3'"),
        ((1, 1000), 5, "lenet_5", "none are published"),
        ((1, 1000), 5, "VGG99", "VGG99"),
    ],
)
def test_what_has_no_names_is_refused(shape, top, name, given):
    with pytest.raises(kc.InputError, match=given):
        kc.weights.decode_predictions(np.zeros(shape), name, top=top)


def test_no_predictions_have_no_names():
    assert kc.weights.decode_predictions(np.zeros((0, 1000)), "VGG16") == []


def test_grey_pictures_and_mistyped_arguments_are_not_prepared():
    grey = np.zeros((2, 4, 4, 1), "float32")
    with pytest.raises(kc.InputError, match=r"shape \(2, 4, 4, 1\) were given"):
        kc.weights.preprocess(grey, "VGG16")
    assert kc.weights.preprocess(np.repeat(grey, 3, axis=-1), "VGG16").shape == (2, 4, 4, 3)
    with pytest.raises(kc.InputError, match="stride_inn.*stride_in"):
        kc.weights.preprocess(np.zeros((2, 4, 4, 3)), "ResNet50", stride_inn="3x3")


def test_without_a_network_the_missing_table_is_one_sentence(monkeypatch):
    def unreachable(predictions, top):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications.imagenet_utils, "decode_predictions", unreachable)
    with pytest.raises(kc.InputError, match=r"table of names .* \(URL fetch failure\)"):
        kc.weights.decode_predictions(np.zeros((1, 1000)), "VGG16")


SMALL_VGG = {"include_top": False, "width": 0.1, "input_shape": (32, 32, 3)}


def test_pretrained_is_another_way_to_ask_for_imagenet():
    with pytest.raises(kc.InputError, match="pretrained=True and weights='mine.weights.h5'"):
        kc.models.VGG16(pretrained=True, weights="mine.weights.h5")
    for asked in ({"pretrained": True}, {"weights": "imagenet"}):
        with pytest.raises(kc.InputError, match="weights='imagenet' was asked for 'lenet_5'"):
            kc.models.LeNet5(**asked)
        with pytest.raises(kc.InputError, match="weights='imagenet' and classes=10"):
            kc.models.VGG16(classes=10, **asked)


def test_a_twin_of_keras_says_once_that_it_brought_no_weights(monkeypatch):
    from keras_classics.core.cards import pretrained

    monkeypatch.setattr(pretrained, "_EXPECTED", {"vgg_d"})
    with warnings.catch_warnings(action="error"):
        # Who says what is meant, or could not have had them there either, is told nothing.
        kc.models.VGG16(weights=None, **SMALL_VGG)
        kc.models.VGG16(pretrained=False, **SMALL_VGG)
        kc.models.VGG16(classes=3, width=0.1, dense_units=8, input_shape=(32, 32, 3))
        kc.models.VGG19(**SMALL_VGG)
    with pytest.warns(UserWarning, match="VGG16 has weights drawn at random") as said:
        kc.models.VGG16(**SMALL_VGG)
        kc.models.VGG16(**SMALL_VGG)
    assert len(said) == 1 and said[0].filename == __file__


def test_every_twin_is_expected_to_bring_weights():
    code = """
import keras_classics as kc
from keras_classics.core.cards import pretrained
assert pretrained._EXPECTED == {*kc.weights.TWINS, "inception_resnet_v2"}, pretrained._EXPECTED
"""
    run_on("tensorflow", code)


def test_pictures_that_cannot_be_prepared_are_told_what_helps():
    pictures = np.zeros((2, 3, 8, 8), "uint8")
    with pytest.raises(kc.InputError, match=r"numpy\.moveaxis\(pictures, -3, -1\)"):
        kc.weights.preprocess(pictures, "VGG16")
    turned = np.moveaxis(pictures, -3, -1)
    assert kc.weights.preprocess(turned, "VGG16").shape == (2, 8, 8, 3)
    flat = np.zeros((2, 8, 8), "uint8")
    with pytest.raises(kc.InputError, match=r"numpy\.stack\(\[pictures\] \* 3, axis=-1\)"):
        kc.weights.preprocess(flat, "VGG16")
    assert kc.weights.preprocess(np.stack([flat] * 3, axis=-1), "VGG16").shape == (2, 8, 8, 3)
    with pytest.raises(kc.InputError, match=r"kc\.data\.read_image\(path\)"):
        kc.weights.preprocess("photo.jpg", "VGG16")
    with pytest.raises(kc.InputError, match="'lenet_5' was given, whose pictures"):
        kc.weights.preprocess(turned, "lenet_5")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"pretrained": True, "weights": None}, "weights=None were given"),
        ({"pretrained": "yes"}, "pretrained='yes' was given .*True or False"),
        ({"pretrained": 1}, "pretrained=1 was given"),
    ],
)
def test_what_contradicts_itself_fetches_nothing(arguments, message, monkeypatch):
    monkeypatch.setattr("keras_classics.weights.published.fetch", None)
    with pytest.raises(kc.InputError, match=message):
        kc.models.ResNet18(**arguments)


def test_a_network_that_is_refused_gives_no_warning(recwarn):
    with pytest.raises(ValueError):
        kc.models.ResNet152("imagenet")
    assert not recwarn.list
