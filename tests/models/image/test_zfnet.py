"""ZFNet against the sizes the paper prints."""

import keras
import numpy as np

import keras_classics as kc


def test_feature_maps_have_the_papers_sizes():
    model = kc.models.ZFNet(width=0.05, dense_units=8)
    names = ("stage1_conv1", "stage1_out", "stage2_conv1", "stage2_out", "stage3_conv1")
    sides = [model.get_layer(name).output.shape[1] for name in (*names, "stage3_out")]
    assert sides == [110, 55, 26, 13, 13, 6]


def test_the_wider_variant_has_its_count():
    model = kc.models.ZFNet(filters=(512, 1024, 512))
    assert kc.analysis.trainable_parameters(model) == 107_627_624


def test_training_scales_large_filters_down_to_a_root_mean_square_of_a_tenth():
    model = kc.models.ZFNet(
        width=0.05, dense_units=8, input_shape=(53, 53, 3), kernel_initializer="he_normal",
        contrast_normalization=False,
    )  # fmt: skip
    largest = 0
    for step in range(2):
        roots = [
            np.sqrt(np.mean(np.square(layer.kernel), axis=(0, 1, 2)))
            for layer in model.layers
            if isinstance(layer, keras.layers.Conv2D)
        ]
        largest = max(map(np.max, roots))
        if step == 0:
            assert largest > 0.11
            model.compile(keras.optimizers.SGD(1e-3), "sparse_categorical_crossentropy")
            model.train_on_batch(np.ones((2, 53, 53, 3)), np.zeros(2))
    assert largest <= 0.1 + 1e-6


def test_contrast_normalization_can_be_left_out():
    def count(**arguments):
        model = kc.models.ZFNet(width=0.05, dense_units=8, **arguments)
        return sum(isinstance(x, kc.layers.LocalResponseNormalization) for x in model.layers)

    assert (count(), count(contrast_normalization=False)) == (2, 0)
