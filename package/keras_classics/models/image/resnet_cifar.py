"""The ResNets for CIFAR-10, their plain twins, and stochastic depth: 6 n + 2 layers.

He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016 (arXiv:1512.03385).

A 3x3 stem of 16 filters without pooling and three stages of n basic blocks; shortcuts are option A
(zeros appended, no parameters), so that a network and its twin without shortcuts have the same
parameters. The recipe `stochastic_depth` is that of Huang et al., ECCV 2016. Blocks and builder
are those of `resnet`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.recipe import SHIFT_AND_MIRROR, Drops, Recipe, step
from keras_classics.models.image.resnet import PLAIN, RESIDUAL, resnet

CIFAR_RECIPE = Recipe(
    learning_rate=0.1,
    batch_size=128,
    iterations=64_000,
    schedule=Drops(at=(32_000, 48_000)),
    weight_decay=1e-4,
    augmentation=SHIFT_AND_MIRROR,
    normalization=step("per_pixel_mean"),
)
# From 110 layers on the rate begins low, about until the training error falls below 80 %.
DEEP_CIFAR_RECIPE = replace(
    CIFAR_RECIPE,
    learning_rate=0.01,
    schedule=Drops(at=(400, 32_000, 48_000), factor=(10.0, 0.1, 0.1)),
)
STOCHASTIC_DEPTH = Recipe(
    learning_rate=0.1,
    batch_size=128,
    epochs=500,
    schedule=Drops(at=(250, 375)),
    options={"momentum": 0.9, "nesterov": True},
    weight_decay=1e-4,
    decayed="all",
    augmentation=SHIFT_AND_MIRROR,
    normalization=step("mean_std"),
    builder={"survival": 0.5},
    note="Huang, Sun, Liu, Sedra, Weinberger, ECCV 2016",
)

_cifar = {"input_shape": (32, 32, 3), "classes": 10, "filters": 16, "shortcut": "A"}
# Of `shared/data`: 10,000 pictures of CIFAR-10 for training, 2,000 for the test.
CIFAR_COMMAND = "python applications/classification.py --data npz:train_10k.npz,test_2k.npz --model"


def _measured(model: str, accuracy: str) -> str:
    return (
        f"10,000 CIFAR-10 pictures, 2 of 4 epochs: {accuracy} of the validation pictures right; "
        f"2026-11-21, {CIFAR_COMMAND} {model} --data-options validation=0.05 --epochs 4"
    )


_residual = partial(RESIDUAL, **_cifar)
_plain = partial(PLAIN, **_cifar)
_shallow = {"paper": CIFAR_RECIPE, "stochastic_depth": STOCHASTIC_DEPTH}
_deep = {"paper": DEEP_CIFAR_RECIPE, "stochastic_depth": STOCHASTIC_DEPTH}

VARIANTS = {
    card.name: card
    for card in (
        _residual(
            name="resnet_20_cifar",
            builder="ResNet20CIFAR",
            summary="ResNet-20 for CIFAR-10.",
            recipes=_shallow,
            repeats=(3, 3, 3),
            parameters=269_722,
            multiply_adds=40_551_040,
            published="CIFAR-10 test error 8.75 %",
            measured="10,000 CIFAR-10 pictures, 40 epochs: 82.9 % of 2,000 test pictures right; "
            f"2026-11-21, {CIFAR_COMMAND} resnet_20_cifar --epochs 40",
        ),
        _residual(
            name="resnet_32_cifar",
            builder="ResNet32CIFAR",
            summary="ResNet-32 for CIFAR-10.",
            recipes=_shallow,
            repeats=(5, 5, 5),
            parameters=464_154,
            multiply_adds=68_862_592,
            published="CIFAR-10 test error 7.51 %",
        ),
        _residual(
            name="resnet_44_cifar",
            builder="ResNet44CIFAR",
            summary="ResNet-44 for CIFAR-10.",
            recipes=_shallow,
            repeats=(7, 7, 7),
            parameters=658_586,
            multiply_adds=97_174_144,
            published="CIFAR-10 test error 7.17 %",
        ),
        _residual(
            name="resnet_56_cifar",
            builder="ResNet56CIFAR",
            summary="ResNet-56 for CIFAR-10.",
            recipes=_shallow,
            repeats=(9, 9, 9),
            parameters=853_018,
            multiply_adds=125_485_696,
            measured=_measured("resnet_56_cifar", "40.2 %"),
            published="CIFAR-10 test error 6.97 %",
        ),
        _residual(
            name="resnet_110_cifar",
            builder="ResNet110CIFAR",
            summary="ResNet-110 for CIFAR-10.",
            recipes=_deep,
            repeats=(18, 18, 18),
            parameters=1_727_962,
            multiply_adds=252_887_680,
            published="CIFAR-10 test error 6.43 % (6.61 +- 0.16 over five runs)",
        ),
        _residual(
            name="resnet_1202_cifar",
            builder="ResNet1202CIFAR",
            summary="ResNet-1202 for CIFAR-10, the deepest of the paper.",
            recipes=_deep,
            repeats=(200, 200, 200),
            parameters=19_421_274,
            multiply_adds=2_829_238_912,
            published="CIFAR-10 test error 7.93 %",
        ),
        _plain(
            name="plain_20_cifar",
            builder="Plain20CIFAR",
            summary="ResNet-20 for CIFAR-10 without shortcuts.",
            recipes={"paper": CIFAR_RECIPE},
            repeats=(3, 3, 3),
            parameters=269_722,
            multiply_adds=40_551_040,
            measured=_measured("plain_20_cifar", "37.8 %"),
        ),
        _plain(
            name="plain_56_cifar",
            builder="Plain56CIFAR",
            summary="ResNet-56 for CIFAR-10 without shortcuts.",
            recipes={"paper": CIFAR_RECIPE},
            repeats=(9, 9, 9),
            parameters=853_018,
            multiply_adds=125_485_696,
            measured=_measured("plain_56_cifar", "20.0 %"),
        ),
        _plain(
            name="plain_110_cifar",
            builder="Plain110CIFAR",
            summary="ResNet-110 for CIFAR-10 without shortcuts.",
            recipes={"paper": DEEP_CIFAR_RECIPE},
            repeats=(18, 18, 18),
            parameters=1_727_962,
            multiply_adds=252_887_680,
            published="CIFAR-10 test error above 60 %",
        ),
    )
}


ResNet20CIFAR = register(VARIANTS["resnet_20_cifar"], resnet)
ResNet32CIFAR = register(VARIANTS["resnet_32_cifar"], resnet)
ResNet44CIFAR = register(VARIANTS["resnet_44_cifar"], resnet)
ResNet56CIFAR = register(VARIANTS["resnet_56_cifar"], resnet)
ResNet110CIFAR = register(VARIANTS["resnet_110_cifar"], resnet)
ResNet1202CIFAR = register(VARIANTS["resnet_1202_cifar"], resnet)
Plain20CIFAR = register(VARIANTS["plain_20_cifar"], resnet)
Plain56CIFAR = register(VARIANTS["plain_56_cifar"], resnet)
Plain110CIFAR = register(VARIANTS["plain_110_cifar"], resnet)
