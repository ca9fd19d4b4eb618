"""SimpNet: all widths of the authors' files, pools and rates where they stand there."""

import keras
import pytest

import keras_classics as kc
from keras_classics.models.image.simpnet import FILTERS


@pytest.mark.parametrize(
    ("widths", "classes", "parameters"),
    [
        ("5m", 100, 5_517_193),
        ("8m_cifar100", 100, 8_910_454),
        ("300k", 100, 309_154),
        ("1m", 10, 1_001_296),
    ],
)
def test_other_widths_have_the_authors_counts(widths, classes, parameters):
    model = kc.models.SimpNet5MCIFAR(filters=FILTERS[widths], classes=classes)
    assert kc.analysis.trainable_parameters(model) == parameters


def test_width_for_mnist_has_the_authors_count():
    model = kc.models.SimpNet5MCIFAR(filters=FILTERS["mnist"], input_shape=(28, 28, 1))
    assert kc.analysis.trainable_parameters(model) == 1_393_600


def test_without_normalisation_scales_the_count_is_the_authors_other_one():
    model = kc.models.SimpNet5MCIFAR()
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    scales = sum(2 * layer.gamma.shape[0] for layer in norms)
    assert kc.card("simpnet_5m_cifar").parameters - scales == 5_472_677


def test_rates_rise_at_the_tenth_unit():
    model = kc.models.SimpNet5MCIFAR()
    rates = [layer.rate for layer in model.layers if hasattr(layer, "rate")]
    assert rates == [0.2] * 9 + [0.3] * 4
    assert isinstance(model.get_layer("stage2_out"), kc.layers.SAFPooling)


def test_the_last_pool_is_a_maximum_unless_an_average_is_asked_for():
    assert isinstance(
        kc.models.SimpNet300KCIFAR().get_layer("head_pool"), keras.layers.GlobalMaxPooling2D
    )
    average = kc.models.SimpNet300KCIFAR(global_pooling="average")
    assert isinstance(average.get_layer("head_pool"), keras.layers.GlobalAveragePooling2D)


def test_thirteen_widths_are_needed():
    with pytest.raises(ValueError, match="12 widths.*13"):
        kc.models.SimpNet5MCIFAR(filters=(8,) * 12)
