"""Every family at reduced size: learns, saves, trains in half precision, equal on three backends."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import check_round_trip, run_on, undrawn

# One small model per family and form: name and arguments that make it small.
SMALL = {
    "lenet_5": {},
    "lenet_5_modern": {"classes": 4, "subsampling": "max", "activation": "relu"},
    "vgg_a_lrn": {"width": 0.1, "dense_units": 32, "input_shape": (32, 32, 3), "classes": 4,
                  "dropout": 0.0, "kernel_initializer": "he_normal"},
    "vgg_c": {"width": 0.1, "dense_units": 32, "input_shape": (32, 32, 3), "classes": 4,
              "batch_norm": True},
    "resnet_18": {"width": 0.125, "input_shape": (32, 32, 3), "classes": 4, "repeats": (1, 1)},
    "resnet_50": {"width": 0.125, "input_shape": (32, 32, 3), "classes": 4, "repeats": (1, 2),
                  "stride_in": "3x3", "shortcut": "C"},
    "resnet_20_cifar": {"width": 0.5, "classes": 4, "repeats": (1, 1, 1)},
    "plain_20_cifar": {"width": 0.5, "classes": 4, "repeats": (1, 1, 1)},
    "resnext_50_2x40d": {"width": 0.125, "input_shape": (32, 32, 3), "classes": 4,
                         "repeats": (1, 1)},
    "densenet_bc_100_k12_cifar": {"width": 0.25, "input_shape": (8, 8, 3), "classes": 4,
                                  "repeats": (2, 1)},
    "densenet_40_k12_cifar": {"width": 0.5, "input_shape": (8, 8, 3), "classes": 4,
                              "repeats": (1, 1)},
    "wide_resnet_16_8_cifar": {"width": 0.125, "input_shape": (8, 8, 3), "classes": 4, "units": 1},
    "wide_resnet_50_2": {"width": 0.0625, "input_shape": (32, 32, 3), "classes": 4,
                         "repeats": (1, 1)},
    "resnet_50_v2": {"width": 0.125, "input_shape": (32, 32, 3), "classes": 4, "repeats": (1, 2),
                     "stem": "pool_first", "stride_in": "1x1"},
    "resnet_164_v2_cifar": {"width": 0.5, "input_shape": (8, 8, 3), "classes": 4,
                            "repeats": (1, 1)},
    "resnet_101_v2": {"width": 0.125, "input_shape": (32, 32, 3), "classes": 4,
                      "repeats": (2, 1), "keras_v2_layout": True},
    "randwire_small": {"width": 0.1, "input_shape": (64, 64, 3), "classes": 4,
                       "graphs": [[[0, 2], [1, 2], [2, 3], [2, 4]]] * 3},
    "randwire_regular_109": {"width": 0.05, "input_shape": (64, 64, 3), "classes": 4,
                             "graphs": [[[0, 1], [0, 2], [1, 2]]] * 4, "edge_dropout": 0.0},
    "diracnet_18": {"width": 0.125, "input_shape": (32, 32, 3), "classes": 4, "units": (1, 2)},
    "diracnet_34_2_cifar": {"width": 0.25, "input_shape": (8, 8, 3), "classes": 4,
                            "units": (1, 2)},
    "highway_10_mnist": {"width": 0.4, "classes": 4, "depth": 4},
    "highway_19_cifar": {"width": 0.125, "input_shape": (8, 8, 3), "classes": 4,
                         "gated": (1, 1, 1)},
    "highway_conv_10_mnist": {"width": 0.25, "input_shape": (12, 12, 1), "classes": 4,
                              "gated": (1, 1, 1), "carry_gate": True},
    "simpnet_300k_cifar": {"width": 0.2, "input_shape": (8, 8, 3), "classes": 4},
    "mlp_skip_mnist": {"width": 0.1, "classes": 4},
    "perceptron": {"classes": 4},
    "alexnet": {"width": 0.1, "dense_units": 32, "input_shape": (67, 67, 3), "classes": 4,
                "dropout": 0.0, "kernel_initializer": "he_normal", "bias_value": 0.1},
    "alexnet_owt": {"width": 0.1, "dense_units": 32, "input_shape": (63, 63, 3), "classes": 4,
                    "dropout": 0.0, "kernel_initializer": "he_normal", "bias_value": 0.1},
    "bwn_alexnet": {"width": 0.1, "dense_units": 32, "input_shape": (63, 63, 3), "classes": 4,
                    "dropout": 0.0},
    "xnor_alexnet": {"width": 0.1, "dense_units": 32, "input_shape": (63, 63, 3), "classes": 4,
                     "estimator": "approx_sign"},
    "squeezenet_1_1": {"width": 0.5, "input_shape": (32, 32, 3), "classes": 4, "dropout": 0.0,
                       "squeeze": ((16,), (16, 16)), "bypass": True},
    "zfnet": {"width": 0.1, "dense_units": 32, "input_shape": (53, 53, 3), "classes": 4,
              "dropout": 0.0, "kernel_initializer": "he_normal"},
    "nin_cifar": {"width": 0.1, "input_shape": (16, 16, 3), "classes": 4, "dropout": 0.0},
    "nin_imagenet": {"width": 0.2, "input_shape": (64, 64, 3), "classes": 8, "dropout": 0.0},
    "googlenet": {"width": 0.25, "input_shape": (32, 32, 3), "classes": 4, "dropout": 0.0,
                  "modules": [[[16, 16, 32, 8, 16, 16]]] * 3},
    "googlenet_bn": {"width": 0.25, "input_shape": (32, 32, 3), "classes": 4,
                     "modules": [[[16, 16, 32, 8, 16, 16]]] * 3},
    "inception_v4": {"width": 0.05, "input_shape": (75, 75, 3), "classes": 4,
                     "repeats": (0, 0, 1)},
    "inception_resnet_v2_released": {"width": 0.05, "input_shape": (75, 75, 3), "classes": 4,
                                     "repeats": (1, 0, 0)},
    "maxout_mnist": {"width": 0.1, "classes": 4, "input_dropout": 0.0, "dropout": 0.0,
                     "kernel_initializer": "he_normal"},
    "maxout_cifar": {"width": 0.1, "units": 20, "input_shape": (16, 16, 3), "classes": 4,
                     "input_dropout": 0.0, "dropout": 0.0, "kernel_initializer": "he_normal"},
    "fractalnet_20_cifar": {"width": 0.125, "input_shape": (8, 8, 3), "classes": 4,
                            "filters": (64, 64), "dropout": (0.0, 0.0)},
    "fractalnet_20_cifar_1x1": {"width": 0.125, "input_shape": (8, 8, 3), "classes": 4,
                                "columns": 2, "filters": (64,), "dropout": (0.0,),
                                "pool_after_join": True},
    "fabric_mnist": {"width": 0.125, "input_shape": (4, 4, 1), "classes": 4, "depth": 3},
    "fabric_sparse_mnist": {"width": 0.25, "input_shape": (4, 4, 1), "classes": 4, "depth": 2},
    "delta_orthogonal_1250_mnist": {"depth": 5, "width": 0.25, "input_shape": (16, 16, 1),
                                    "classes": 4},
    "delta_orthogonal_2500_mnist": {"depth": 3, "width": 0.25, "input_shape": (16, 16, 1),
                                    "classes": 4, "stacked": False, "padding": "same"},
    "road_alexnet": {"width": 0.1, "input_shape": (20, 40, 3), "scale": 2.0, "pooling": "avg"},
}  # fmt: skip


def small(name):
    keras.utils.set_random_seed(1)
    model = kc.create_model(name, **SMALL[name])
    if kc.card(name).classes is not None:
        return model
    # A trunk without a classifier learns under one of the test's.
    classifier = keras.layers.Dense(4, "softmax", dtype="float32", name="predictions")
    return keras.Model(model.input, classifier(model.output))


def pictures(model, count=8):
    shape = (count, *model.input_shape[1:])
    return np.random.default_rng(2).normal(size=shape).astype("float32")


def test_every_family_is_here():
    assert {kc.card(name).family for name in SMALL} == {
        kc.card(name).family for name in kc.list_models()
    }


@pytest.mark.parametrize("name", SMALL)
def test_training_lowers_the_loss_and_reaches_every_weight(name, tmp_path):
    model = small(name)
    x = pictures(model)
    y = np.arange(len(x)) % model.output_shape[-1]
    x += y.reshape(-1, *[1] * (x.ndim - 1))
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(0.1, global_clipnorm=1.0), "sparse_categorical_crossentropy")
    # All pictures are one batch: an epoch is a step, without the stream that `fit` makes for each.
    losses = [model.train_on_batch(x, y) for _ in range(25)]
    assert losses[-1] < 0.9 * losses[0]
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert not np.array_equal(weight, old), f"{weight.path} received no gradient"
    check_round_trip(model, x, tmp_path)


def half(policy, build, *arguments):
    keras.config.set_dtype_policy(policy)
    try:
        return build(*arguments)
    finally:
        keras.config.set_dtype_policy("float32")


def scorer(name):
    """A small model that gives logits, or the features of a trunk."""
    keras.utils.set_random_seed(1)
    linear = {"classifier_activation": None} if kc.card(name).classes else {}
    return kc.create_model(name, **SMALL[name], **linear)


@pytest.mark.parametrize("name", SMALL)
def test_float16_answers_as_single_precision(name):
    single, model = scorer(name), half("mixed_float16", scorer, name)
    model.set_weights(single.get_weights())
    # As large as pixels are: where squares are infinite in float16.
    x = 300 * pictures(single, 4)
    expected = np.asarray(single(x))
    error = np.linalg.norm(np.asarray(model(x), "float32") - expected)
    assert error <= 5e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("name", SMALL)
def test_half_precision_trains_and_predicts_in_float32(name):
    model = half("mixed_bfloat16", small, name)
    x = pictures(model)
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert np.isfinite(model.train_on_batch(x, np.zeros(len(x))))
    assert model(x).dtype == "float32"


def run(model, x):
    if keras.backend.backend() != "jax":
        return model(x)
    import jax  # which eagerly compiles every operation for itself

    return jax.jit(lambda x: model(x))(x)


def answers():
    """Of all small models, on the backend that is set, with weights that are drawn alike on all."""
    found = {}
    for name, arguments in SMALL.items():
        with undrawn():
            model = kc.create_model(name, **arguments)
        draw = np.random.default_rng(3)
        model.set_weights([
            draw.uniform(0.5, 1.5, w.shape) if "variance" in w.path or "gamma" in w.path
            else draw.normal(size=w.shape) / np.sqrt(max(1, np.prod(w.shape[:-1])))
            for w in model.weights
        ])  # fmt: skip
        x = np.random.default_rng(4).normal(size=(2, *model.input_shape[1:])).astype("float32")
        found[name] = keras.ops.convert_to_numpy(run(model, x))
    return found


@pytest.fixture(scope="module")
def expected():
    return answers()


@pytest.fixture(scope="module", params=["jax", "torch"])
def elsewhere(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("answers") / f"{request.param}.npz"
    code = f"import models.image.test_families as t; t.np.savez({str(path)!r}, **t.answers())"
    run_on(request.param, f"{code}; assert t.keras.config.backend() == {request.param!r}")
    with np.load(path) as found:
        return dict(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_backends_agree(elsewhere, expected, name):
    np.testing.assert_allclose(elsewhere[name], expected[name], atol=1e-5)
