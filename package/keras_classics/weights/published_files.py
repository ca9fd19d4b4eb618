"""Which ImageNet weights are published: their files, and the networks and pixels they are for.

The files are those of keras.applications and of torchvision; `weights.published` fetches them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from keras import ops

from keras_classics.core.types import Tensor
from keras_classics.weights.keras_applications import TWIN_FORMS


@dataclass(frozen=True)
class Pixels:
    """What is done to the pixels of a picture, whose channels are red, green, blue in 0 to 255.

    Attributes:
        mean: Subtracted from each channel.
        deviation: Divided by afterwards.
        reverse: The channels become blue, green, red first; `mean` is in that order.
    """

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    reverse: bool = False

    def __call__(self, images: Tensor) -> Tensor:
        """Prepared pictures, float32 and of the shape of `images`."""
        images = ops.cast(images, "float32")
        images = ops.flip(images, -1) if self.reverse else images
        return (images - ops.array(self.mean)) / ops.array(self.deviation)


CAFFE = Pixels((103.939, 116.779, 123.68), (1.0, 1.0, 1.0), reverse=True)
STANDARD = Pixels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
SYMMETRIC = Pixels((127.5,) * 3, (127.5,) * 3)


@dataclass(frozen=True)
class File:
    """A file on the network.

    Attributes:
        url: Its address.
        digest: Its MD5, or the first digits of its SHA-256.
    """

    url: str
    digest: str


@dataclass(frozen=True)
class Published:
    """Weights of one network.

    Attributes:
        top: File of the network with its classifier.
        trunk: File of the network without; the same where there is only one.
        pixels: What the network was trained to see.
        form: Arguments of our builder that make the network they were trained in.
    """

    top: File
    trunk: File
    pixels: Pixels
    form: dict[str, Any]


def _keras(file: str, digests: tuple[str, str], pixels: Pixels, **form: Any) -> Published:
    base = "https://storage.googleapis.com/tensorflow/keras-applications"
    stem = f"{base}/{file}_weights_tf_dim_ordering_tf_kernels"
    top, trunk = map(File, (f"{stem}.h5", f"{stem}_notop.h5"), digests)
    return Published(top, trunk, pixels, form)


def _torch(file: str, pixels: Pixels = STANDARD, **form: Any) -> Published:
    # The name of the file ends in the first digits of its hash.
    digest = file.removesuffix(".pth").rpartition("-")[2]
    both = File(f"https://download.pytorch.org/models/{file}", digest)
    return Published(both, both, pixels, form)


# From a file and its digests to what is known of it.
Written: TypeAlias = Callable[..., Published]
_TORCH_FORM: dict[str, Any] = {"conv_bias": False, "norm_epsilon": 1e-5, "stride_in": "3x3"}
_resnet: Written = partial(_keras, pixels=CAFFE, **TWIN_FORMS["resnet_50"])
_resnet_v2: Written = partial(_keras, pixels=SYMMETRIC, **TWIN_FORMS["resnet_50_v2"])
_densenet: Written = partial(_keras, pixels=STANDARD)
_vgg: Written = partial(_keras, pixels=CAFFE, **TWIN_FORMS["vgg_d"])

# By our name; of several, the first that agrees with the builder's arguments is taken.
PUBLISHED: dict[str, tuple[Published, ...]] = {
    "alexnet_owt": (_torch("alexnet-owt-7be5be79.pth"),),
    "densenet_121": (
        _densenet(
            "densenet/densenet121",
            ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"),
        ),
    ),
    "densenet_161": (_torch("densenet161-8d451a50.pth"),),
    "densenet_169": (
        _densenet(
            "densenet/densenet169",
            ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"),
        ),
    ),
    "densenet_201": (
        _densenet(
            "densenet/densenet201",
            ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"),
        ),
    ),
    # Its authors' network saw pixels between -1 and 1; torchvision converts to that inside.
    "googlenet_bn": (
        _torch("googlenet-1378be20.pth", SYMMETRIC, batch_norm=True, five_by_five="3x3"),
    ),
    "inception_resnet_v2_released": (
        _keras(
            "inception_resnet_v2/inception_resnet_v2",
            ("e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4"),
            SYMMETRIC,
        ),
    ),
    "resnet_18": (_torch("resnet18-f37072fd.pth", conv_bias=False, norm_epsilon=1e-5),),
    "resnet_34": (_torch("resnet34-b627a593.pth", conv_bias=False, norm_epsilon=1e-5),),
    "resnet_50": (
        _resnet(
            "resnet/resnet50",
            ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"),
        ),
        _torch("resnet50-0676ba61.pth", **_TORCH_FORM),
    ),
    "resnet_101": (
        _resnet(
            "resnet/resnet101",
            ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"),
        ),
        _torch("resnet101-63fe2227.pth", **_TORCH_FORM),
    ),
    "resnet_152": (
        _resnet(
            "resnet/resnet152",
            ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
        ),
        _torch("resnet152-394f9c45.pth", **_TORCH_FORM),
    ),
    "resnet_50_v2": (
        _resnet_v2(
            "resnet/resnet50v2",
            ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"),
        ),
    ),
    "resnet_101_v2": (
        _resnet_v2(
            "resnet/resnet101v2",
            ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"),
        ),
    ),
    "resnet_152_v2": (
        _resnet_v2(
            "resnet/resnet152v2",
            ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"),
        ),
    ),
    "resnext_50_32x4d": (_torch("resnext50_32x4d-7cdf4587.pth", **_TORCH_FORM),),
    "resnext_101_64x4d": (_torch("resnext101_64x4d-173b62eb.pth", **_TORCH_FORM),),
    "squeezenet_1_0": (_torch("squeezenet1_0-b66bff10.pth", bypass=False),),
    "squeezenet_1_1": (_torch("squeezenet1_1-b8a52dc0.pth", bypass=False),),
    "vgg_a": (
        _torch("vgg11-8a719046.pth", batch_norm=False),
        _torch("vgg11_bn-6002323d.pth", batch_norm=True),
    ),
    "vgg_b": (
        _torch("vgg13-19584684.pth", batch_norm=False),
        _torch("vgg13_bn-abd245e5.pth", batch_norm=True),
    ),
    "vgg_d": (
        _vgg(
            "vgg16/vgg16",
            ("64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc"),
        ),
        _torch("vgg16_bn-6c64b313.pth", batch_norm=True),
    ),
    "vgg_e": (
        _vgg(
            "vgg19/vgg19",
            ("cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"),
        ),
        _torch("vgg19_bn-c79401a0.pth", batch_norm=True),
    ),
    "wide_resnet_50_2": (_torch("wide_resnet50_2-95faca4d.pth", **_TORCH_FORM),),
}
