"""Shallow trunks on enlarged pictures, for finding small objects on the road.

Ashraf, Wu, Iandola, Moskewicz, Keutzer, "Shallow networks for high-accuracy road object-detection",
arXiv:1606.01561, 2016.

Far cars are a few pixels high. The paper enlarges the pictures of the road and takes the feature
maps of a shallow network before its last layers: that finds small objects better than a deeper
network on the picture as it is. Here are the trunks alone, to carry a detector: AlexNet up to one
of its last three convolutions (stride 16), SqueezeNet up to any of its fire modules (stride 4 to
16). The layers keep the names and shapes they have in the classifiers, so trained weights fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Unpack

import keras
from keras import layers

from keras_classics.core.arguments import checked
from keras_classics.core.cards.card import ModelCard
from keras_classics.core.cards.catalogue import register
from keras_classics.core.cards.image_builder import ImageArguments, image_head
from keras_classics.core.errors import InputError, check_choice, check_positive
from keras_classics.core.types import Tensor
from keras_classics.models.image import alexnet, squeezenet

PICTURE = (375, 1242, 3)
"""Height, width and channels of a KITTI picture."""


@dataclass(frozen=True)
class Trunk:
    """A classifier to take features from.

    Attributes:
        build: From the shared arguments of image builders to the classifier.
        ends: Where it can be cut, and the layer that stands there.
    """

    build: Callable[..., keras.Model]
    ends: dict[str, str]


# Padded as in detectors that came before, so that maps and picture stay aligned.
_ALEXNET = replace(alexnet.VARIANTS["alexnet"], padding=5, pool_padding=1, smallest_size=1)

TRUNKS = {
    "alexnet": Trunk(
        build=partial(alexnet.alexnet, _ALEXNET),
        ends={"conv3": "stage3_relu1", "conv4": "stage3_relu2", "conv5": "stage3_relu3"},
    ),
    "squeezenet": Trunk(
        build=partial(squeezenet.squeezenet, squeezenet.VARIANTS["squeezenet_1_0"]),
        ends={
            "fire2": "stage1_block1_out",
            "fire3": "stage1_block2_out",
            "fire4": "stage1_out",
            "fire5": "stage2_block1_out",
            "fire6": "stage2_block2_out",
            "fire7": "stage2_block3_out",
            "fire8": "stage2_out",
            "fire9": "stage3_out",
        },
    ),
}


@dataclass(frozen=True, kw_only=True)
class RoadCard(ModelCard):
    """A row of the family's table.

    Attributes:
        trunk: Name of the classifier in `TRUNKS`.
        until: Where the classifier is cut.
    """

    trunk: str
    until: str


_row = partial(
    RoadCard,
    family="road",
    paper='Ashraf, Wu, Iandola, Moskewicz, Keutzer, "Shallow networks for high-accuracy road '
    'object-detection", arXiv:1606.01561',
    year=2016,
    idea="shallow features of an enlarged picture find small objects",
    input_shape=(2 * PICTURE[0], 2 * PICTURE[1], PICTURE[2]),
    classes=None,
    deviations="the trunk alone, without a detection head; which layer and which scale the paper "
    "chose is not established",
)

VARIANTS = {
    card.name: card
    for card in (
        _row(
            name="road_alexnet",
            builder="RoadAlexNet",
            summary="AlexNet up to its fifth convolution, for pictures of the road enlarged twice.",
            trunk="alexnet",
            until="conv5",
            parameters=2_334_080,
            multiply_adds=27_644_608_896,
        ),
        _row(
            name="road_squeezenet",
            trunk="squeezenet",
            until="fire9",
            parameters=735_424,
            multiply_adds=28_861_762_944,
        ),
    )
}


def road(
    card: RoadCard,
    *,
    until: str | None = None,
    scale: float = 1.0,
    width: float = 1.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Trunk of a detector of road objects; without a classifier, so that `classes` stays `None`.

    Args:
        card: Row of `VARIANTS`.
        until: Where the classifier is cut, in place of the card's: `"conv3"`, `"conv4"` or
            `"conv5"` of AlexNet, `"fire2"` to `"fire9"` of SqueezeNet.
        scale: Factor by which the model itself enlarges its pictures, bilinearly; 1 for pictures
            that come enlarged, as in the catalogue.
        width: Factor on the number of filters.
        **arguments: The arguments all image builders share.

    Returns:
        A model from pictures to the feature map `(batch, height, width, filters)` at the cut, or
        to vectors with `pooling`.

    Raises:
        InputError: An argument is not admitted.
    """
    trunk = TRUNKS[card.trunk]
    until = until or card.until
    check_choice("until", until, tuple(trunk.ends))
    scale = check_positive("scale", scale)
    head = image_head(card, arguments)
    image = _enlarged(head.image, scale)
    whole = trunk.build(input_tensor=image, include_top=False, width=width)
    return head.finish(whole.get_layer(trunk.ends[until]).output)


@checked
def road_backbone(
    trunk: str = "alexnet",
    *,
    until: str | None = None,
    scale: float = 2.0,
    **arguments: Unpack[ImageArguments],
) -> keras.Model:
    """Trunk of a detector, for pictures as they come from the camera.

    Args:
        trunk: `"alexnet"` or `"squeezenet"`.
        until: Where it is cut, by default behind its last feature map; see `road`.
        scale: Factor by which the model enlarges its pictures.
        **arguments: The arguments all image builders share; `input_shape` is that of KITTI's
            pictures by default, 375 x 1242 x 3.

    Raises:
        InputError: An argument is not admitted.
    """
    check_choice("trunk", trunk, tuple(TRUNKS))
    if arguments.get("input_tensor") is None:
        arguments = {"input_shape": PICTURE, **arguments}
    return road(VARIANTS[f"road_{trunk}"], until=until, scale=scale, **arguments)


def _enlarged(image: Tensor, scale: float) -> Tensor:
    if scale == 1:
        return image
    sides = image.shape[1:3]
    if None in sides:
        raise InputError(
            f"scale={scale} was given for pictures of height and width {tuple(sides)}",
            "a positive factor and a known height and width",
            "Give input_shape=(height, width, channels), or enlarge the pictures before.",
        )
    height, width = (round(side * scale) for side in sides)
    return layers.Resizing(height, width, "bilinear", name="stem_resize")(image)


RoadAlexNet = register(VARIANTS["road_alexnet"], road)
