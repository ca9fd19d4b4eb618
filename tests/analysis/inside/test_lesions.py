"""Blocks deleted, swapped and shuffled: by hand, and the model is itself again."""

import json

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from analysis.inside.lesion_networks import dense_blocks, plain, residual
from support import run_on, shared

VECTORS = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
PICTURES = np.random.default_rng(1).normal(size=(4, 8, 8, 3)).astype("float32")


def answers(model, inputs):
    return keras.ops.convert_to_numpy(model(inputs))


def by_hand(model, order):
    """The residual network in NumPy, with the branches of blocks in some order; None for none."""

    def dense(name, x):
        kernel, bias = model.get_layer(name).get_weights()
        return x @ kernel + bias

    x = VECTORS
    for block in order:
        if block:
            x = x + dense(f"block{block}_dense2", dense(f"block{block}_dense1", x))
    return dense("predictions", x)


@pytest.mark.parametrize("joint", [layers.Add, None])
@pytest.mark.parametrize(
    ("blocks", "options", "order"),
    [
        (["block2"], {}, (1, None, 3)),
        (["block1", "block3"], {}, (None, 2, None)),
        (lambda model: kc.analysis.find_blocks(model)[1], {}, (1, None, 3)),
        (["block1", "block3"], {"action": "swap"}, (3, 2, 1)),
        (["block2", "block3"], {"action": "shuffle"}, (1, 3, 2)),
    ],
)
def test_residual_blocks_by_hand(joint, blocks, options, order):
    model = residual(joint=joint)
    blocks = blocks(model) if callable(blocks) else blocks
    whole = answers(model, VECTORS)
    np.testing.assert_allclose(whole, by_hand(model, (1, 2, 3)), rtol=1e-4, atol=1e-5)
    with kc.analysis.lesion(model, blocks, **options):
        np.testing.assert_allclose(
            answers(model, VECTORS), by_hand(model, order), rtol=1e-4, atol=1e-5
        )
    np.testing.assert_array_equal(answers(model, VECTORS), whole)


def test_what_keras_compiled_before_knows_of_it_and_forgets_it():
    model, y = residual(activation="relu"), np.zeros((5, 2))
    layer = model.get_layer("block2_dense1")
    before, predicted = model.evaluate(VECTORS, y, verbose=0), model.predict(VECTORS, verbose=0)
    with kc.analysis.lesion(model, "block2"):
        within = model.predict(VECTORS, verbose=0)
        np.testing.assert_allclose(within, answers(model, VECTORS), rtol=1e-4, atol=1e-6)
        assert model.evaluate(VECTORS, y, verbose=0) != pytest.approx(before, rel=1e-3)
        with pytest.raises(kc.InputError, match="trained while it has a lesion"):
            model.fit(VECTORS, y, verbose=0)
        with pytest.raises(kc.InputError, match="a lesion already.*in one lesion"):
            with kc.analysis.lesion(model, "block1"):
                pass
    assert not np.allclose(within, predicted, rtol=1e-2)
    assert model.evaluate(VECTORS, y, verbose=0) == pytest.approx(before, rel=1e-6)
    np.testing.assert_array_equal(model.predict(VECTORS, verbose=0), predicted)
    # No layer was called again in a graph: Keras would tell its output no more.
    assert layer.output.shape == (None, 4)
    model.fit(VECTORS, y, verbose=0)


def test_what_follows_the_graph_refuses_a_model_with_a_lesion():
    """Maps, attacks and the like would be those of the whole model."""
    image = keras.Input((4, 4, 1))
    x = layers.Conv2D(2, 3, padding="same", name="block1_conv")(image)
    x = layers.Add(name="block1_add")([image, layers.Conv2D(1, 1, name="block1_last")(x)])
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(x)))
    pictures = np.random.default_rng(0).uniform(size=(2, 4, 4, 1)).astype("float32")
    looks = {
        "cam": lambda: kc.analysis.cam(model, pictures),
        "saliency": lambda: kc.analysis.saliency(model, pictures),
        "field": lambda: kc.analysis.receptive_field(model, "block1_add"),
        "attack": lambda: kc.analysis.fooling.fgsm(model, pictures, epsilon=0.1, bounds=(0, 1)),
        "jacobian": lambda: kc.analysis.jacobian_spectrum(model, pictures[:1]),
    }
    before = kc.analysis.class_probabilities(model, pictures)
    for look in looks.values():
        look()
    with kc.analysis.lesion(model, "block1"):
        for name, look in looks.items():
            with pytest.raises(kc.InputError, match="has a lesion.*after the lesion"):
                pytest.fail(f"{name} gave {look()}")
        assert not np.allclose(kc.analysis.class_probabilities(model, pictures), before)
    looks["attack"]()


def test_an_error_within_ends_it():
    model = residual()
    whole = answers(model, VECTORS)
    with pytest.raises(KeyboardInterrupt), kc.analysis.lesion(model, "block1"):
        raise KeyboardInterrupt
    np.testing.assert_array_equal(answers(model, VECTORS), whole)


def test_a_dense_block_leaves_zeros():
    model, pictures = dense_blocks(), PICTURES[:, :6, :6]
    assert [(x.name, x.kind) for x in kc.analysis.find_blocks(model)] == [
        ("block1", "dense"),
        ("block2", "dense"),
        ("block3", "dense"),
    ]
    with kc.analysis.lesion(model, "block2"):
        found = answers(model, pictures)
    conv = model.get_layer("block2_conv1")
    conv.set_weights([0 * each for each in conv.get_weights()])
    np.testing.assert_allclose(found, answers(model, pictures), atol=1e-6)


def test_plain_layers_leave_what_came_into_them():
    model = plain()
    names = [each.name for each in kc.analysis.find_blocks(model)]
    assert names == ["conv1", "conv2", "conv3"]
    three = {each.name: each for each in model.layers}

    def rest(x, *names):
        for name in names:
            x = three[name](x)
        return three["predictions"](keras.ops.reshape(x, (4, -1)))

    first = three["relu1"](three["norm1"](three["conv1"](PICTURES)))
    with kc.analysis.lesion(model, "conv2"):
        np.testing.assert_allclose(answers(model, PICTURES), rest(first, "conv3"), rtol=1e-5)
    with kc.analysis.lesion(model, "conv1"):
        filled = np.pad(PICTURES, [(0, 0)] * 3 + [(0, 1)])
        expected = rest(filled, "conv2", "conv3")
        np.testing.assert_allclose(answers(model, PICTURES), expected, rtol=1e-5)
    with kc.analysis.lesion(model, "conv3"):
        halved = np.pad(np.asarray(three["conv2"](first))[:, ::2, ::2], [(0, 0)] * 3 + [(0, 2)])
        np.testing.assert_allclose(answers(model, PICTURES), rest(halved), rtol=1e-5)
    # A single layer that is no block by itself.
    with kc.analysis.lesion(model, "relu1"):
        expected = rest(three["norm1"](three["conv1"](PICTURES)), "conv2", "conv3")
        np.testing.assert_allclose(answers(model, PICTURES), expected, rtol=1e-5)


def test_what_a_kernel_cuts_off_at_the_edges_is_cut_off():
    image = keras.Input((8, 8, 3))
    x = layers.Flatten()(layers.Conv2D(3, 3, name="shrinks")(image))
    model = keras.Model(image, layers.Dense(2, name="predictions")(x))
    with kc.analysis.lesion(model, "shrinks"):
        found = answers(model, PICTURES)
    middle = PICTURES[:, 1:7, 1:7].reshape(4, -1)
    np.testing.assert_allclose(found, model.get_layer("predictions")(middle), rtol=1e-5)


def test_a_sum_of_two_ways_of_equal_weight_is_no_residual_block():
    image = keras.Input((4,))
    ways = [layers.Dense(4, name=f"way{number}")(image) for number in (1, 2)]
    model = keras.Model(image, layers.Dense(2)(layers.Add()(ways)))
    kinds = {each.name: each.kind for each in kc.analysis.find_blocks(model)}
    assert kinds == {"way1": "plain", "way2": "plain"}


def test_blocks_of_a_nested_model_are_reached():
    inner = residual()
    image = keras.Input((4,))
    model = keras.Model(image, layers.Activation("tanh")(inner(image)))
    names = [each.name for each in kc.analysis.find_blocks(model)]
    assert names == [f"{inner.name}/block{number}" for number in (1, 2, 3)]
    with kc.analysis.lesion(model, names[::2], action="swap"):
        found = answers(model, VECTORS)
    np.testing.assert_allclose(found, np.tanh(by_hand(inner, (3, 2, 1))), rtol=1e-4, atol=1e-5)


def test_how_much_of_an_order_is_left():
    model = residual(6, activation="relu")
    names = [each.name for each in kc.analysis.find_blocks(model)]
    with kc.analysis.lesion(model, names, action="shuffle", seed=3) as done:
        standing = [names.index(done.standing[name]) for name in names]
        assert sorted(standing) == list(range(6)) != standing
        pairs = [(i, j) for i in range(6) for j in range(i + 1, 6)]
        agree = np.mean([np.sign(standing[j] - standing[i]) for i, j in pairs])
        assert done.kendall_tau == pytest.approx(agree)
    with kc.analysis.lesion(model, names[:2], action="swap") as done:
        assert done.kendall_tau == -1


def test_blocks_of_the_catalogue():
    model = kc.create_model("resnet_20_cifar", weights=None)
    blocks = kc.analysis.find_blocks(model)
    expected = [f"stage{stage}_block{block}" for stage in (1, 2, 3) for block in (1, 2, 3)]
    assert [each.name for each in blocks] == expected
    projecting = [each.name for each in blocks if each.projects]
    assert projecting == ["stage2_block1", "stage3_block1"]
    with pytest.raises(kc.InputError, match="32x32x16.*of one kind and shape.*one stage"):
        with kc.analysis.lesion(model, ["stage1_block2", "stage2_block2"], action="swap"):
            pass


def test_a_real_residual_network_survives_most_lesions():
    """As in the paper: but for those that halve the picture no block is missed much."""
    model = kc.create_model("resnet_20_cifar", weights=None)
    kc.weights.load_torch(model, shared("data", "weights", "cifar10_resnet", "resnet20.npz"))
    with np.load(shared("data", "cifar10", "test_2k.npz")) as data:
        images, labels = (data[name][:200] for name in data.files[:2])
    images = (images / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)

    def accuracy():
        return (answers(model, images.astype("float32")).argmax(-1) == labels).mean()

    assert accuracy() > 0.88
    found = {}
    for block in ("stage1_block2", "stage2_block1", "stage3_block3"):
        with kc.analysis.lesion(model, block):
            found[block] = accuracy()
    assert found["stage1_block2"] > 0.5 and found["stage3_block3"] > 0.5
    assert found["stage2_block1"] < min(found["stage1_block2"], found["stage3_block3"])


@pytest.mark.parametrize(
    ("blocks", "options", "message"),
    [
        ("block9", {}, "'block9' is not in.*Did you mean 'block"),
        (["block1", "block1"], {}, "'block1' is named more than once"),
        ([], {}, "No block was given"),
        (3, {}, "blocks=3 was given"),
        ("block1", {"action": "swap"}, "action='swap'.*two blocks"),
        ("block1", {"action": "shuffle"}, "two or more blocks"),
        ("block1", {"action": "burn"}, "action='burn'"),
    ],
)
def test_what_is_refused(blocks, options, message):
    with pytest.raises(kc.InputError, match=message):
        with kc.analysis.lesion(residual(), blocks, **options):
            pass


def answers_on_the_backend():
    model = residual(activation="relu")
    model.set_weights([np.cos(np.arange(x.size).reshape(x.shape)) for x in model.get_weights()])
    model.predict(VECTORS, verbose=0)
    found = []
    for options in ({}, {"action": "swap"}):
        with kc.analysis.lesion(model, ["block1", "block2"], **options):
            found.append(model.predict(VECTORS, verbose=0).tolist())
    return found


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_do_the_same(backend):
    code = (
        "import json; from analysis.inside.test_lesions import answers_on_the_backend; "
        "print(json.dumps(answers_on_the_backend()))"
    )
    found = json.loads(run_on(backend, code).splitlines()[-1])
    np.testing.assert_allclose(found, answers_on_the_backend(), rtol=1e-3)
