"""DCGAN: Radford's table, counted by hand."""

import keras
import pytest

import keras_classics as kc


def maps(model, ending):
    return [tuple(x.output.shape[1:]) for x in model.layers if x.name.endswith(ending)]


def test_the_generator_is_the_papers_table():
    model = kc.models.dcgan_generator()
    assert maps(model, "_relu") == [(4, 4, 1024), (8, 8, 512), (16, 16, 256), (32, 32, 128)]
    assert model.output.shape == (None, 64, 64, 3)
    widths = [1024, 512, 256, 128]
    kernels = sum(25 * a * b for a, b in zip(widths, widths[1:], strict=False))
    # Four numbers of each normalised channel; the picture's convolution alone has a bias.
    by_hand = 100 * 4 * 4 * 1024 + kernels + 4 * sum(widths) + 25 * 128 * 3 + 3
    assert model.count_params() == by_hand == 18_858_883


def test_numbers_beside_the_table_are_the_papers():
    generator = kc.models.dcgan_generator((16, 16, 3), filters=32)
    discriminator = kc.models.dcgan_discriminator((16, 16, 3), filters=64, dropout=0.3)
    for model in (generator, discriminator):
        kernels = [x.kernel for x in model.layers if hasattr(x, "kernel")]
        assert len(kernels) == 3
        for kernel in kernels:
            assert keras.ops.convert_to_numpy(kernel).std() == pytest.approx(0.02, rel=0.1)
        normal = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
        assert {(x.momentum, x.epsilon) for x in normal} == {(0.9, 1e-5)}
    bent = [x for x in discriminator.layers if x.name.endswith("_relu")]
    assert [x.negative_slope for x in bent] == pytest.approx([0.2, 0.2])
    assert [x.rate for x in discriminator.layers if x.name.endswith("_dropout")] == [0.3, 0.3]
    assert generator.layers[-1].activation is keras.activations.tanh


def test_the_discriminator_is_its_mirror():
    model = kc.models.dcgan_discriminator()
    assert maps(model, "_relu") == [(32, 32, 128), (16, 16, 256), (8, 8, 512), (4, 4, 1024)]
    widths = [128, 256, 512, 1024]
    kernels = sum(25 * a * b for a, b in zip(widths, widths[1:], strict=False))
    by_hand = 25 * 3 * 128 + 128 + kernels + 4 * sum(widths[1:]) + 4 * 4 * 1024 + 1
    assert model.count_params() == by_hand == 17_236_481
    assert not [x for x in model.layers if x.name == "stage1_bn"]


@pytest.mark.parametrize(
    "shape, low", [((16, 16, 1), (4, 4)), ((28, 28, 1), (7, 7)), ((24, 40, 3), (6, 10))]
)
def test_other_sizes_have_other_steps(shape, low):
    generator = kc.models.dcgan_generator(shape, filters=4, latent=8)
    discriminator = kc.models.dcgan_discriminator(shape, filters=4)
    assert generator.output.shape[1:] == discriminator.input.shape[1:] == shape
    assert maps(generator, "project_map")[0][:2] == low == maps(discriminator, "_relu")[-1][:2]


def test_a_size_that_cannot_be_halved_is_refused():
    with pytest.raises(kc.InputError, match=r"image_shape=\(32, 32, 1\)"):
        kc.models.dcgan_generator((27, 27, 1))
    assert isinstance(kc.models.dcgan_generator((32, 32, 1), filters=2), keras.Model)
