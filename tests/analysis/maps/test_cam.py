"""Class-activation maps of any model: its form, its head, its targets; the model stays as it was."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_classics as kc
from analysis.maps.cam_networks import (
    CLASSES,
    FORMS,
    IMAGES,
    chained,
    maps_of_every_method,
    network,
    redrawn,
    stages,
)
from support import run_on


def test_every_form_of_a_model_has_the_same_maps(tmp_path):
    expected = kc.analysis.cam(network(), IMAGES)
    assert expected.shape == (5, 12, 10) and expected.dtype == np.float32
    assert expected.min() >= 0 and (expected.max((1, 2)) > 0).any()
    for form in FORMS[1:]:
        model = network(form)
        prefix = "" if form == "sequential" else "backbone/"
        assert kc.analysis.cam_layer(model) == f"{prefix}stage2_relu"
        np.testing.assert_allclose(kc.analysis.cam(model, IMAGES), expected, atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(kc.analysis.cam(loaded, IMAGES), expected, atol=1e-6)


HEADS = {
    "fused softmax": lambda x: layers.Dense(CLASSES, activation="softmax")(x),
    "Activation": lambda x: layers.Activation("softmax", dtype="float32")(layers.Dense(CLASSES)(x)),
    "Softmax": lambda x: layers.Softmax()(layers.Dense(CLASSES)(x)),
    "operation": lambda x: ops.softmax(layers.Dense(CLASSES)(x)),
    "sigmoid": lambda x: layers.Dense(CLASSES, activation="sigmoid")(x),
    "reshaped": lambda x: layers.Reshape((CLASSES,))(
        layers.TimeDistributed(layers.Dense(CLASSES, "softmax"))(layers.Reshape((1, 8))(x))
    ),
    "read again": lambda x: [p := layers.Dense(CLASSES, "softmax")(x), layers.Dense(1)(p)],
}


@pytest.mark.parametrize("head", HEADS)
def test_logits_are_explained_whatever_the_head(head):
    def model(head):
        image = keras.Input(IMAGES.shape[1:])
        x = layers.GlobalAveragePooling2D()(chained(image, stages()))
        return redrawn(keras.Model(image, head(x)))

    expected = kc.analysis.CAM(model(layers.Dense(CLASSES)), target=1, size=None)(IMAGES)
    explainer = kc.analysis.CAM(model(HEADS[head]), target=1, size=None)
    np.testing.assert_allclose(explainer(IMAGES), expected, atol=1e-6)
    if head == "read again":
        # What is computed of the probabilities within the model still is.
        outputs = explainer.capture.logits([ops.convert_to_tensor(IMAGES)])
        whole = explainer.capture.model.predict(IMAGES, verbose=0)
        np.testing.assert_allclose(ops.convert_to_numpy(outputs[1]), whole[1], atol=1e-5)
        np.testing.assert_allclose(
            ops.convert_to_numpy(ops.softmax(outputs[0])), whole[0], atol=1e-5
        )


def test_one_unit_decides_between_two_classes():
    model = redrawn(network(head="sigmoid", classes=1), seed=2)
    explainer = kc.analysis.CAM(model, method="hires_cam", rectify=False)
    positive, negative = explainer(IMAGES, target=1), explainer(IMAGES, target=0)
    np.testing.assert_allclose(positive, -negative, atol=1e-7)
    predicted = model.predict(IMAGES, verbose=0)[:, 0] > 0.5
    assert len(set(predicted)) == 2
    expected = np.where(predicted[:, None, None], positive, negative)
    np.testing.assert_allclose(explainer(IMAGES), expected, atol=1e-7)


def test_targets_are_a_class_one_for_each_image_or_a_function():
    model = network()
    explainer = kc.analysis.CAM(model, batch_size=2)
    each = [2, 0, 1, 3, 3]
    by_class = [explainer(IMAGES, target=number) for number in range(CLASSES)]
    assert not np.allclose(by_class[0], by_class[1])
    expected = np.stack([by_class[number][row] for row, number in enumerate(each)])
    np.testing.assert_allclose(explainer(IMAGES, target=np.array(each)), expected, atol=1e-6)
    predicted = model.predict(IMAGES, verbose=0).argmax(1)
    np.testing.assert_allclose(explainer(IMAGES), explainer(IMAGES, target=predicted), atol=1e-6)
    np.testing.assert_allclose(
        explainer(IMAGES, target=lambda logits: logits[:, 2]), by_class[2], atol=1e-6
    )


def test_compiled_once_for_images_of_a_shape_and_sees_new_weights():
    traces = []

    def target(logits):
        traces.append(logits.shape)
        return logits[:, 0]

    model = network()
    explainer = kc.analysis.CAM(model, target=target, batch_size=3)
    first, once = explainer(IMAGES), len(traces)
    np.testing.assert_array_equal(explainer(IMAGES), first)
    redrawn(model, seed=7)
    moved = explainer(IMAGES)
    assert len(traces) == once or keras.config.backend() == "torch"
    assert not np.allclose(moved, first)
    np.testing.assert_allclose(moved, kc.analysis.cam(model, IMAGES, target=0), atol=1e-6)


@pytest.mark.parametrize("method", ["guided_grad_cam", "score_cam", "layer_cam"])
def test_the_model_is_as_it_was(method):
    model = network("nested")
    model.get_layer("backbone").trainable = False
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(IMAGES, np.arange(5) % CLASSES, verbose=0)

    def state():
        inner = [*model._flatten_layers()]
        return {
            "config": model.to_json(),
            "compiled": model.get_compile_config(),
            "trainable": [layer.trainable for layer in inner],
            "functions": [id(getattr(layer, "activation", None)) for layer in inner],
            "attributes": [sorted(vars(layer)) for layer in inner],
            "losses": len(model.losses),
            "values": [
                np.asarray(x) for x in [*model.variables, *model.optimizer.variables]
            ],
        }  # fmt: skip

    predicted = model.predict(IMAGES, verbose=0)
    before = state()
    kc.analysis.cam(model, IMAGES, method=method)
    after = state()
    for mine, yours in zip(before.pop("values"), after.pop("values"), strict=True):
        np.testing.assert_array_equal(mine, yours)
    assert before == after
    np.testing.assert_array_equal(model.predict(IMAGES, verbose=0), predicted)


def test_layers_by_name_by_path_and_several_at_once():
    model = network("nested")
    maps = kc.analysis.cam(
        model, IMAGES, layer=("backbone/stage1_conv", "stage2_conv", "backbone"), size=None
    )
    assert [each.shape for each in maps] == [(5, 12, 10), (5, 6, 5), (5, 6, 5)]
    for each, layer in zip(maps, ("stage1_conv", "stage2_conv", "stage2_relu"), strict=True):
        alone = kc.analysis.cam(network(), IMAGES, layer=layer, size=None)
        np.testing.assert_allclose(each, alone, atol=1e-6)


def test_maps_are_enlarged_bilinearly_to_any_size():
    model = network()
    small, other, whole = (
        kc.analysis.cam(model, IMAGES, size=size) for size in (None, (7, 9), "image")
    )
    for maps, size in ((other, (7, 9)), (whole, (12, 10))):
        expected = ops.image.resize(small[..., None], size, data_format="channels_last")
        np.testing.assert_allclose(maps, ops.convert_to_numpy(expected)[..., 0], atol=1e-6)


def test_normalized_maps_reach_from_0_to_1():
    maps = np.random.default_rng(0).normal(size=(3, 4, 5))
    maps[1] = 2.0
    scaled = kc.analysis.normalized(maps)
    assert scaled.min((1, 2)).tolist() == [0, 0, 0] and scaled.max((1, 2)).tolist() == [1, 0, 1]
    np.testing.assert_array_equal(kc.analysis.normalized([maps, maps[:1]])[1], scaled[:1])


@pytest.mark.parametrize(
    ("name", "arguments", "layer"),
    [
        # Before the pool, as in the reference implementation of Grad-CAM.
        ("vgg_a", {"width": 0.1, "dense_units": 8, "input_shape": (32, 32, 3)}, "stage5_relu2"),
        ("resnet_18", {"width": 0.1}, "stage4_out"),
        ("densenet_bc_100_k12_cifar", {"width": 0.1, "repeats": (1, 1)}, "head_relu"),
        ("googlenet", {"width": 0.1}, "stage3_out"),
        # Their last convolution is the classifier.
        ("squeezenet_1_1", {}, "stage3_out"),
        ("nin_cifar", {"width": 0.1}, "stage3_out"),
    ],
)
def test_the_layer_chosen_is_the_last_map_before_the_classifier(name, arguments, layer):
    assert kc.analysis.cam_layer(kc.create_model(name, **arguments)) == layer


def test_segmentation_is_explained_over_a_region():
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(6, 3, padding="same", activation="relu", name="features")(image)
    model = redrawn(keras.Model(image, layers.Conv2D(3, 1, activation="softmax")(x)))
    assert kc.analysis.cam_layer(model) == "features"
    region = np.zeros((12, 10), bool)
    region[2:5, 3:6] = True
    target = kc.analysis.region_target(1, region)
    maps = kc.analysis.cam(model, IMAGES, method="hires_cam", target=target, rectify=False)
    # A 1x1 convolution reads each pixel by itself: outside the region nothing counts.
    kernel, bias = model.layers[-1].get_weights()
    features = np.asarray(keras.Model(image, x)(IMAGES))
    np.testing.assert_allclose(maps, features @ kernel[0, 0, :, 1] * region / 9, atol=1e-5)
    own = kc.analysis.cam(
        model, IMAGES, method="hires_cam", target=kc.analysis.region_target(1), rectify=False
    )
    predicted = model.predict(IMAGES, verbose=0).argmax(-1) == 1
    assert predicted.any() and not own[~predicted].any()
    np.testing.assert_allclose(
        kc.analysis.cam(model, IMAGES, target=1),
        kc.analysis.cam(model, IMAGES, target=kc.analysis.region_target(1, np.ones((12, 10)))),
        atol=1e-6,
    )


def test_a_word_of_a_caption_is_explained():
    encoder = kc.models.ResNet20CIFAR(
        input_shape=(16, 16, 3), include_top=False, repeats=(1, 1), width=0.5
    )
    model = redrawn(kc.models.captioner(encoder, 9, 8, attention="additive"))
    draw = np.random.default_rng(0)
    words = draw.integers(1, 9, (2, 5))
    given = {"image": draw.normal(size=(2, 16, 16, 3)).astype("float32"), "target_in": words}
    explainer = kc.analysis.CAM(model, method="hires_cam", rectify=False)
    maps = explainer(given, target=kc.analysis.token_target(2, 4))
    assert maps.shape == (2, 16, 16) and maps.any()
    # Words after the one explained do not matter to it, those before do.
    later, earlier = words.copy(), words.copy()
    later[:, 3:], earlier[:, :2] = 1, 1
    target = kc.analysis.token_target(2, 4)
    np.testing.assert_allclose(explainer({**given, "target_in": later}, target), maps, atol=1e-6)


def test_one_of_several_outputs_and_a_backbone_used_twice():
    backbone = chained_model()
    left, right = (
        keras.Input(IMAGES.shape[1:], name="left"),
        keras.Input(IMAGES.shape[1:], name="right"),
    )
    pool = layers.GlobalAveragePooling2D()
    two = [pool(backbone(side)) for side in (left, right)]
    model = keras.Model(
        {"left": left, "right": right},
        {"same": layers.Dense(1, "sigmoid")(two[0] - two[1]), "kind": layers.Dense(3)(two[1])},
    )
    redrawn(model)
    pair = {"left": IMAGES, "right": IMAGES[::-1]}
    asking = {"target": lambda outputs: outputs["kind"][:, 2], "rectify": False, "image": "right"}
    maps = kc.analysis.cam(model, pair, **asking)
    changed = kc.analysis.cam(model, {**pair, "left": IMAGES * 2}, **asking)
    assert maps.any()
    np.testing.assert_allclose(maps, changed, atol=1e-6)


def chained_model():
    image = keras.Input(IMAGES.shape[1:])
    return keras.Model(image, chained(image, stages()), name="backbone")


def test_half_precision_gives_maps_of_float32():
    image = keras.Input(IMAGES.shape[1:])
    steps = [*stages(), layers.GlobalAveragePooling2D(), layers.Dense(CLASSES, "softmax")]
    half = [type(s).from_config({**s.get_config(), "dtype": "mixed_float16"}) for s in steps]
    model = redrawn(keras.Model(image, chained(image, half)))
    maps = kc.analysis.cam(model, IMAGES, target=1, method="cam")
    assert maps.dtype == np.float32
    np.testing.assert_allclose(
        maps, kc.analysis.cam(network(), IMAGES, target=1, method="cam"), atol=0.02
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "gradcam"}, "method='gradcam' was given. Allowed: 'cam', 'grad_cam'"),
        ({"layer": "stage2_rel"}, "'stage2_rel' is not in .* Did you mean 'stage2_relu'"),
        ({"layer": "head_pool"}, r"'head_pool' gives \(None, 8\). Allowed: .*stage2_relu"),
        ({"method": "cam", "layer": "stage1_conv"}, "the layer that is pooled, 'stage2_relu'"),
        (
            {"method": "cam", "target": lambda logits: logits[:, 0]},
            "a function as target. .*'grad_cam_sum'",
        ),
        ({"layer": []}, "An empty list of layers was given"),
        ({"target": 4}, "target=4 was given for 5 images. Allowed: None, a class from 0 to 3"),
        ({"target": [0, 1]}, "one such class for each image"),
        ({"target": 0.5}, "a class from 0 to 3"),
        ({"target": lambda logits: logits}, "one score for each image"),
        ({"images": IMAGES[0]}, r"shape \(12, 10, 3\) were given. .* images\[None\]"),
        ({"batch_size": 0}, "batch_size=0 was given"),
        ({"channels": 3}, "channels=3 was given with method='grad_cam'"),
        ({"size": "full"}, "size='full' was given"),
        ({"size": None, "method": "guided_grad_cam"}, "size=None and rectify=None were given"),
    ],
)
def test_mistakes_say_what_to_do(options, message):
    with pytest.raises(ValueError, match=message):
        kc.analysis.cam(network(), **{"images": IMAGES, **options})


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (lambda: keras.Sequential([layers.Dense(2)]), {}, "no graph of layers"),
        (lambda: kc.create_model("mlp_skip_mnist", width=0.1), {}, "need a model of images"),
        (
            lambda: keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2)]),
            {}, "Maps need a network of convolutions",
        ),
        (
            lambda: kc.models.LeNet5(), {"method": "cam"},
            "networks that end in GlobalAveragePooling2D and one Dense layer. Take 'grad_cam_sum'",
        ),
        (
            lambda: keras.Sequential(
                [keras.Input((3, 8, 8)), layers.Conv2D(2, 3, data_format="channels_first")]
            ), {}, "has its channels first",
        ),
        (
            lambda: keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.Flatten()]),
            {"method": "guided_grad_cam", "layer": "conv2d"}, "has no ReLU",
        ),
    ],
)  # fmt: skip
def test_models_without_what_a_method_needs_are_refused(model, options, message):
    keras.utils.clear_session()
    with pytest.raises(kc.InputError, match=message):
        kc.analysis.CAM(model(), **options)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_maps_are_equal_on_all_backends(backend, tmp_path):
    path = tmp_path / "maps.npz"
    code = (
        "import numpy as np; from analysis.maps.cam_networks import maps_of_every_method; "
        f"np.savez({str(path)!r}, **maps_of_every_method())"
    )
    run_on(backend, code, timeout=600)
    found, expected = np.load(path), maps_of_every_method()
    assert found["backend"] == backend
    for name in {*expected} - {"backend"}:
        scale = np.abs(expected[name]).max()
        assert scale > 0, name
        np.testing.assert_allclose(found[name], expected[name], atol=1e-4 * scale, err_msg=name)
