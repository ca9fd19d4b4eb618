"""Network in network: Caffe's sizes, and the kind of the second pooling."""

import pytest

import keras_classics as kc


@pytest.mark.parametrize(
    ("name", "sides"), [("nin_cifar", [16, 8, 8]), ("nin_imagenet", [27, 13, 6, 6])]
)
def test_feature_maps_have_caffes_sizes(name, sides):
    model = kc.create_model(name, width=0.05)
    outs = [model.get_layer(f"stage{k}_out") for k in range(1, len(sides) + 1)]
    assert [layer.output.shape[1] for layer in outs] == sides


def test_odd_sizes_round_up():
    model = kc.models.NINCIFAR(width=0.05, input_shape=(34, 34, 3))
    assert [model.get_layer(f"stage{k}_out").output.shape[1] for k in (1, 2)] == [17, 8]
    model = kc.models.NINCIFAR(width=0.05, input_shape=(36, 36, 3))
    assert [model.get_layer(f"stage{k}_out").output.shape[1] for k in (1, 2)] == [18, 9]


def test_a_hundred_classes_cost_the_papers_count():
    model = kc.models.NINCIFAR(classes=100)
    assert kc.analysis.trainable_parameters(model) == 984_356


def test_the_second_pooling_averages_unless_told_otherwise():
    averaging = kc.models.NINCIFAR(width=0.05).get_layer("stage2_out")
    assert isinstance(averaging, kc.layers.CeilAveragePooling2D)
    for model in (kc.models.NINCIFAR(width=0.05, second_pool="max"), kc.models.NINImageNet()):
        assert isinstance(model.get_layer("stage2_out"), kc.layers.PaddedMaxPooling2D)


def test_another_kind_of_pooling_is_refused():
    with pytest.raises(ValueError, match="second_pool='mean'.*'average', 'max'"):
        kc.models.NINCIFAR(second_pool="mean")
