"""ResNeXt: many narrow branches of the same shape, made one grouped convolution.

Xie, Girshick, Dollar, Tu, He, "Aggregated residual transformations for deep neural networks", CVPR
2017 (arXiv:1611.05431).

The paper's two families of equal cost: as much as ResNet-50 and ResNet-101 (`2x40d` to `32x4d`:
that many groups, that wide), and twice as much (`1x100d` to `64x4d`); and its networks for CIFAR.
They are bottleneck ResNets whose 3x3 convolution is grouped and has the stride, so `resnet` builds
them. The paper's 1x64d rows are ResNet-50 and ResNet-101 with `stride_in="3x3"`.
"""

from __future__ import annotations

from functools import partial

from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.recipe import SHIFT_AND_MIRROR, Drops, Recipe, step
from keras_classics.models.image.resnet import ResNetCard, resnet

IMAGENET_RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=256,
    epochs=90,
    schedule=Drops(at=(30, 60)),
    options={"momentum": 0.9, "nesterov": True},
    weight_decay=1e-4,
    decayed="all",
    resize=256,
    augmentation=(
        step("area_crop", area=(0.08, 1.0), aspect=(3 / 4, 4 / 3)),
        step("flip"),
        step("pca_colour", deviation=0.1),
    ),
    normalization=step("mean_std"),
)
CIFAR_RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=128,
    epochs=300,
    schedule=Drops(at=(150, 225)),
    options={"momentum": 0.9, "nesterov": True},
    weight_decay=5e-4,
    decayed="all",
    augmentation=SHIFT_AND_MIRROR,
    normalization=step("mean_std"),
)

_row = partial(
    ResNetCard,
    paper='Xie, Girshick, Dollar, Tu, He, "Aggregated residual transformations for deep neural '
    'networks", CVPR 2017, arXiv:1611.05431',
    family="resnext",
    year=2017,
    idea="many narrow branches of one shape: cardinality beside depth and width",
    bottleneck=True,
    stride_in="3x3",
)
_imagenet = {
    "input_shape": (224, 224, 3),
    "classes": 1000,
    "recipes": {"paper": IMAGENET_RECIPE},
}
_50 = partial(_row, repeats=(3, 4, 6, 3), **_imagenet)
_101 = partial(_row, repeats=(3, 4, 23, 3), **_imagenet)
_29 = partial(
    _row,
    repeats=(3, 3, 3),
    input_shape=(32, 32, 3),
    classes=10,
    recipes={"paper": CIFAR_RECIPE},
)

VARIANTS = {
    card.name: card
    for card in (
        _50(
            name="resnext_50_2x40d",
            builder="ResNeXt50_2x40d",
            summary="ResNeXt-50 for ImageNet: 2 groups of 40 filters in the first stage.",
            groups=2,
            group_width=40,
            parameters=25_425_000,
            multiply_adds=4_124_508_160,
            published="ImageNet validation, 1 crop: 23.0 % top-1 error",
        ),
        _50(
            name="resnext_50_4x24d",
            builder="ResNeXt50_4x24d",
            summary="ResNeXt-50 for ImageNet: 4 groups of 24 filters in the first stage.",
            groups=4,
            group_width=24,
            parameters=25_292_968,
            multiply_adds=4_159_832_064,
            published="ImageNet validation, 1 crop: 22.6 % top-1 error",
        ),
        _50(
            name="resnext_50_8x14d",
            builder="ResNeXt50_8x14d",
            summary="ResNeXt-50 for ImageNet: 8 groups of 14 filters in the first stage.",
            groups=8,
            group_width=14,
            parameters=25_603_016,
            multiply_adds=4_267_409_408,
            published="ImageNet validation, 1 crop: 22.3 % top-1 error",
        ),
        _50(
            name="resnext_50_32x4d",
            builder="ResNeXt50_32x4d",
            summary="ResNeXt-50 for ImageNet: 32 groups of 4 filters in the first stage.",
            groups=32,
            group_width=4,
            parameters=25_028_904,
            multiply_adds=4_230_479_872,
            published="ImageNet validation, 1 crop: 22.2 % top-1 error",
        ),
        _101(
            name="resnext_101_2x40d",
            builder="ResNeXt101_2x40d",
            summary="ResNeXt-101 for ImageNet: 2 groups of 40 filters in the first stage.",
            groups=2,
            group_width=40,
            parameters=44_456_296,
            multiply_adds=7_843_553_280,
            published="ImageNet validation, 1 crop: 21.7 % top-1 error",
        ),
        _101(
            name="resnext_101_4x24d",
            builder="ResNeXt101_4x24d",
            summary="ResNeXt-101 for ImageNet: 4 groups of 24 filters in the first stage.",
            groups=4,
            group_width=24,
            parameters=44_363_432,
            multiply_adds=7_885_701_120,
            published="ImageNet validation, 1 crop: 21.4 % top-1 error",
        ),
        _101(
            name="resnext_101_8x14d",
            builder="ResNeXt101_8x14d",
            summary="ResNeXt-101 for ImageNet: 8 groups of 14 filters in the first stage.",
            groups=8,
            group_width=14,
            parameters=45_104_328,
            multiply_adds=8_076_871_680,
            published="ImageNet validation, 1 crop: 21.3 % top-1 error",
        ),
        _101(
            name="resnext_101_32x4d",
            builder="ResNeXt101_32x4d",
            summary="ResNeXt-101 for ImageNet: 32 groups of 4 filters in the first stage.",
            groups=32,
            group_width=4,
            parameters=44_177_704,
            multiply_adds=7_969_996_800,
            published="ImageNet validation, 1 crop: 21.2 % top-1 error",
        ),
        _101(
            name="resnet_101_1x100d",
            builder="ResNet101_1x100d",
            summary="ResNet-101 as costly as ResNeXt-101 64x4d: one group of 100 filters.",
            groups=1,
            group_width=100,
            parameters=85_611_336,
            multiply_adds=15_272_862_720,
            published="ImageNet validation, 1 crop: 21.3 % top-1, 5.7 % top-5 error",
        ),
        _101(
            name="resnext_101_2x64d",
            builder="ResNeXt101_2x64d",
            summary="ResNeXt-101 for ImageNet: 2 groups of 64 filters in the first stage.",
            groups=2,
            group_width=64,
            parameters=84_198_184,
            multiply_adds=15_123_087_360,
            published="ImageNet validation, 1 crop: 20.7 % top-1, 5.5 % top-5 error",
        ),
        _101(
            name="resnext_101_64x4d",
            builder="ResNeXt101_64x4d",
            summary="ResNeXt-101 for ImageNet: 64 groups of 4 filters in the first stage.",
            groups=64,
            group_width=4,
            parameters=83_455_272,
            multiply_adds=15_460_270_080,
            published="ImageNet validation, 1 crop: 20.4 % top-1, 5.3 % top-5 error",
        ),
        _29(
            name="resnext_29_8x64d_cifar",
            builder="ResNeXt29_8x64dCIFAR",
            summary="ResNeXt-29 for CIFAR-10: 8 groups of 64 filters in the first stage.",
            groups=8,
            group_width=64,
            parameters=34_426_698,
            multiply_adds=5_387_266_048,
            published="test error 3.65 % on CIFAR-10, 17.77 % on CIFAR-100",
        ),
        _29(
            name="resnext_29_16x64d_cifar",
            builder="ResNeXt29_16x64dCIFAR",
            summary="ResNeXt-29 for CIFAR-10: 16 groups of 64 filters in the first stage.",
            groups=16,
            group_width=64,
            parameters=68_155_210,
            multiply_adds=10_688_866_304,
            published="test error 3.58 % on CIFAR-10, 17.31 % on CIFAR-100",
        ),
    )
}


ResNeXt50_2x40d = register(VARIANTS["resnext_50_2x40d"], resnet)
ResNeXt50_4x24d = register(VARIANTS["resnext_50_4x24d"], resnet)
ResNeXt50_8x14d = register(VARIANTS["resnext_50_8x14d"], resnet)
ResNeXt50_32x4d = register(VARIANTS["resnext_50_32x4d"], resnet)
ResNeXt101_2x40d = register(VARIANTS["resnext_101_2x40d"], resnet)
ResNeXt101_4x24d = register(VARIANTS["resnext_101_4x24d"], resnet)
ResNeXt101_8x14d = register(VARIANTS["resnext_101_8x14d"], resnet)
ResNeXt101_32x4d = register(VARIANTS["resnext_101_32x4d"], resnet)
ResNet101_1x100d = register(VARIANTS["resnet_101_1x100d"], resnet)
ResNeXt101_2x64d = register(VARIANTS["resnext_101_2x64d"], resnet)
ResNeXt101_64x4d = register(VARIANTS["resnext_101_64x4d"], resnet)
ResNeXt29_8x64dCIFAR = register(VARIANTS["resnext_29_8x64d_cifar"], resnet)
ResNeXt29_16x64dCIFAR = register(VARIANTS["resnext_29_16x64d_cifar"], resnet)
