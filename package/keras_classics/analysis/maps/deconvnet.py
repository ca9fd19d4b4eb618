"""The deconvolutional network (Zeiler and Fergus, ECCV 2014, arXiv:1311.2901).

All activations of a layer but one are set to zero, and the network is run backwards to the pixels:
every max pooling puts what comes back where the maximum was (its switch), every ReLU takes out what
is negative of it, every convolution is applied transposed. That is back-propagation with another
rule for ReLUs, so that any model has its deconvnet; normalisations are differentiated, which the
paper leaves out.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_classics.analysis.maps.explainer import Explainer, Score, Step
from keras_classics.analysis.maps.relus import check_relus, ruled_relus
from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_whole
from keras_classics.core.graphs.gradients import compiled_over
from keras_classics.core.graphs.graph import Place
from keras_classics.core.types import Tensor


@checked
def deconvnet(
    model: keras.Model,
    images: Any,
    *,
    layer: str | None = None,
    channel: int | None = None,
    target: Any = None,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    """What of each image excites one channel of a layer most, or a class, by the deconvnet.

    Args:
        model: A functional or built sequential model with ReLUs, nested models included; never
            changed.
        images: What the model takes, see `kc.analysis.cam`.
        layer: The layer by name or path. Where it is left out a class is explained.
        channel: The channel of the layer: the deconvnet starts at its strongest position in each
            image, with the activation it has there.
        target: The class where no layer is given, see `kc.analysis.cam`; from its logit the
            deconvnet starts with 1.
        batch_size: Greatest number of images that pass through the model together.
        image: Which input of the model is the image, see `kc.analysis.cam`.

    Returns:
        float32 `(batch, height, width, channels)`, as the images. It is zero where the channel is
        silent in the whole image.

    Raises:
        InputError: The model has no ReLU or no such layer or channel, or the image has no gradient.

    Example:
        ```python
        model = kc.create_model("resnet_20_cifar", width=0.25)
        images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 3)).astype("float32")
        found = kc.analysis.deconvnet(model, images, target=[3, 7])  # (2, 32, 32, 3)
        ```
    """
    own = Deconvnet(
        model, layer=layer, channel=channel, target=target, batch_size=batch_size, image=image
    )
    return own(images)


class Deconvnet(Explainer):
    """`deconvnet` for many calls: compiled at the first, with the weights as they are at each."""

    @checked
    def __init__(
        self,
        model: keras.Model,
        *,
        layer: str | None = None,
        channel: int | None = None,
        target: Any = None,
        batch_size: int = 32,
        image: int | str | None = None,
    ) -> None:
        super().__init__(model, target, batch_size, image)
        check_relus(self.capture)
        self._place = None if layer is None else self.capture.place(layer, vectors=True)
        self._channel = 0
        if self._place is not None or channel is not None:
            self._channel = self._checked(channel, target)

    def __call__(self, images: Any, target: Any = None) -> np.ndarray:
        """See `deconvnet`."""
        (found,) = self.explain(images, target)
        return found

    def check_explains(self) -> None:
        """See `Explainer`; a channel of a layer need not have a say in any class."""
        if self._place is None:
            super().check_explains()

    def step(self, score: Score, image_size: tuple[int, int]) -> Step:
        """See `Explainer`."""
        instead = ruled_relus(self.capture, lambda x, gradient: ops.relu(gradient))

        def step(inputs: list[Tensor], classes: Tensor) -> list[Tensor]:
            met: list[Tensor] = []

            def after(place: Place, outputs: Any) -> Any:
                if place == self._place:
                    met.append(outputs)
                return outputs

            def own(logits: list[Tensor]) -> Tensor:
                return strongest(met[-1], self._channel) if met else score(logits, classes)

            return [ops.cast(self.capture.image_gradients(inputs, own, after, instead), "float32")]

        return compiled_over(self.capture.model, step)

    def _checked(self, channel: int | None, target: Any) -> int:
        if self._place is None or channel is None or target is not None:
            raise InputError(
                f"layer={self._place and self.capture.paths[self._place]!r}, "
                f"channel={channel!r} and target={target!r} were given",
                "a layer with one of its channels, or a target alone",
                "Leave target out, and pass both layer and channel, or neither.",
            )
        number = check_whole("channel", channel, 0)
        count = self._place[-1].outputs[0].shape[-1]
        if number >= count:
            raise InputError(
                f"channel={channel} was given",
                f"those of {self.capture.paths[self._place]!r}, 0 to {count - 1}",
                f"Pass channel={count - 1} or less.",
            )
        return number


def strongest(maps: Tensor, channel: int) -> Tensor:
    """Half the square of a channel's highest activation: its gradient is the activation itself."""
    own = ops.cast(maps[..., channel], "float32")
    highest = ops.max(ops.reshape(own, (ops.shape(own)[0], -1)), axis=1)
    return ops.square(ops.relu(highest)) / 2
