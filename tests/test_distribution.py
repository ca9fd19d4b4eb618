"""One flag for where to train."""

import numpy as np
import pytest

import keras_classics as kc
from support import run_python

TRAIN = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, numpy as np, keras_classics as kc

for name in ("cpu", "mirrored"):
    keras.utils.set_random_seed(0)
    with kc.distribution.strategy(name) as scope:
        if name == "mirrored":
            assert tf.distribute.get_strategy().num_replicas_in_sync == 2
        model = kc.models.captioner(
            kc.models.LeNet5Modern(input_shape=(32, 32, 3), include_top=False, pooling="avg"), 9, 8
        )
        model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    draw = np.random.default_rng(0)
    x = {"image": draw.normal(size=(16, 32, 32, 3)).astype("float32"), "target_in": draw.integers(1, 9, (16, 5))}
    losses = model.fit(x, x["target_in"], batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"]
    print("LOSSES", *losses)
"""


@pytest.mark.slow
def test_two_replicas_give_the_loss_curve_of_one_device():
    lines = [line for line in run_python(TRAIN).splitlines() if line.startswith("LOSSES")]
    one, two = ([float(value) for value in line.split()[1:]] for line in lines)
    np.testing.assert_allclose(two, one, rtol=1e-5)


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ValueError, match="strategy='gpu'.*'mirrored'"):
        kc.distribution.strategy("gpu")
