"""Class-activation maps: where in the image a network finds what speaks for a class.

maps = kc.analysis.cam(model, images)                             # Grad-CAM, predicted class
maps = kc.analysis.cam(model, images, method="layer_cam", target=3, layer="stage2_out")
explainer = kc.analysis.CAM(model)                                # compiled once, used often
maps = explainer(images, target=labels)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, overload

import keras
import numpy as np
from keras import layers, ops

from keras_classics.analysis.maps.cam_formulas import FORMULAS, weighted
from keras_classics.analysis.maps.cam_targets import chosen_classes, two_sided
from keras_classics.analysis.maps.explainer import Explainer, Score, Step
from keras_classics.analysis.maps.guided import guided
from keras_classics.analysis.maps.relus import check_relus
from keras_classics.analysis.maps.score_cam import ScoreMaps
from keras_classics.core.arguments import checked
from keras_classics.core.call_kinds import is_linear
from keras_classics.core.errors import InputError, check_choice
from keras_classics.core.graphs.capture import Capture
from keras_classics.core.graphs.gradients import compiled_over
from keras_classics.core.graphs.graph import Place, before, origin
from keras_classics.core.graphs.model_ends import values_from
from keras_classics.core.types import Tensor

CAM_METHODS = ("cam", *FORMULAS, "score_cam", "guided_grad_cam")


@checked
def cam(
    model: keras.Model,
    images: Any,
    *,
    method: str = "grad_cam",
    target: Any = None,
    layer: str | Sequence[str] | None = None,
    size: str | tuple[int, int] | None = "image",
    batch_size: int = 32,
    rectify: bool | None = None,
    channels: int | None = None,
    image: int | str | None = None,
) -> np.ndarray | list[np.ndarray]:
    """Class-activation maps of images.

    Each call compiles the model anew; for several calls make a `CAM` and call that.

    Args:
        model: A functional or built sequential model, trained here or loaded from a file, with
            whatever models are nested in it; only read. Where it ends in softmax or sigmoid, the
            logits before are explained.
        images: What the model takes: an array `(batch, height, width, channels)`, or a list or dict
            of arrays of which the first of four axes is the image.
        method: One of `CAM_METHODS`:

            * `"cam"`: the weights of the class over the last maps, of networks that end in global
              average pooling and one dense layer (Zhou et al. 2016);
            * `"grad_cam"`: each map by its mean gradient (Selvaraju et al. 2017);
              `"grad_cam_sum"`: by the sum of it, as courses have it, which is the same map times
              the number of positions;
            * `"grad_cam_plus_plus"`: as in the paper (Chattopadhay et al. 2018);
              `"grad_cam_plus_plus_normalized"`: as in the authors' code, another map;
            * `"layer_cam"` (Jiang et al. 2021), `"hires_cam"` (Draelos and Carin 2020),
              `"xgrad_cam"` (Fu et al. 2020);
            * `"eigen_cam"`: the first principal direction of the maps, whatever the class
              (Muhammad and Yeasin 2020);
            * `"score_cam"`: no gradient, but a pass for each map (Wang et al. 2020);
            * `"guided_grad_cam"`: Grad-CAM times `guided_gradients`, the largest magnitude of the
              colours (Selvaraju et al. 2017).
        target: What is explained: None for the predicted class, a class, one class for each image,
            or a function from the model's outputs to scores `(batch,)`, such as `region_target`,
            `token_target` or one's own. Classes are those of the first output; in maps of classes
            and sequences the mean logit over all positions counts. An output of one unit is the
            logit of class 1, and its negative that of class 0.
        layer: The layer whose maps are used, by name, or by path (`"backbone/stage4_out"`) in a
            nested model; None for `cam_layer(model)`. The calls of a layer that is called again are
            numbered (`"backbone(1)/stage4_out"`); the number may be left out where only one of them
            depends on the image. A list gives a map of each layer.
        size: `"image"` enlarges the maps bilinearly to the images, `(height, width)` to another
            size; None leaves them as the layer's.
        batch_size: Greatest number of images that pass through the model together.
        rectify: Whether negative values become 0; by default as the method has it: all but `"cam"`
            and `"eigen_cam"` do.
        channels: For `"score_cam"`: only so many maps, those of the largest deviation; default all.
        image: Which input of the model is explained, by name or number, where it takes several
            images; the first by default. Only layers that depend on it can be used.

    Returns:
        float32 `(batch, height, width)`, not scaled; see `normalized`. A list of them for a list of
        layers. A map is zero where nothing speaks for the target.

    Raises:
        InputError: The method is unknown, the model, the images, the layer or the target do not
            fit, or an option does not belong to the method.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 1)).astype("float32")
        maps = kc.analysis.cam(model, images, target=[3, 7])  # (2, 32, 32)
        kc.analysis.draw_tiles("maps.png", kc.analysis.normalized(maps))
        ```
    """
    explainer = CAM(
        model,
        method=method,
        layer=layer,
        target=target,
        size=size,
        batch_size=batch_size,
        rectify=rectify,
        channels=channels,
        image=image,
    )
    return explainer(images)


class CAM(Explainer):
    """`cam` for many calls: compiled at the first for images of a shape, never again for the same.

    It sees the weights of the model as they are at each call, so one explainer can follow a
    training. Images are taken in batches of equal size, one forward and one backward pass each. A
    function as target is compiled once too: pass the same again, not a new one in each call.

        explainer = kc.analysis.CAM(model, method="layer_cam")
        maps = explainer(images, target=labels)

    The arguments are those of `cam`; `target` is for the calls that name none.

    Attributes:
        layers: The paths of the layers used.

    Example:
        ```python
        model = kc.create_model("lenet_5_modern")
        images = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 1)).astype("float32")
        explain = kc.analysis.CAM(model, method="layer_cam")
        maps = explain(images)  # (2, 32, 32), of the class that the network says
        maps = explain(images, target=[3, 7])  # of other classes; nothing is compiled again
        ```
    """

    @checked
    def __init__(
        self,
        model: keras.Model,
        *,
        method: str = "grad_cam",
        layer: str | Sequence[str] | None = None,
        target: Any = None,
        size: str | tuple[int, int] | None = "image",
        batch_size: int = 32,
        rectify: bool | None = None,
        channels: int | None = None,
        image: int | str | None = None,
    ) -> None:
        check_choice("method", method, CAM_METHODS)
        super().__init__(model, target, batch_size, image)
        self.method = method
        self.size = size
        self.channels = channels
        self._check_options(rectify)
        formula = FORMULAS.get(method, FORMULAS["grad_cam"])
        default = formula.rectified and method != "cam"
        self.rectify = default if rectify is None else rectify
        self._single = layer is None or isinstance(layer, str)
        self._places = self._chosen(
            [layer] if layer is None or isinstance(layer, str) else list(layer)
        )
        self.layers = [self.capture.paths[place] for place in self._places]
        if method == "guided_grad_cam":
            check_relus(self.capture)

    @checked
    def __call__(self, images: Any, target: Any = None) -> np.ndarray | list[np.ndarray]:
        """Maps of images.

        Args:
            images: What the model takes.
            target: What is explained; by default what the explainer was made for.

        Returns:
            float32 `(batch, height, width)`, or a list of them.
        """
        if self.method == "cam" and (
            callable(target) or (target is None and callable(self.target))
        ):
            raise InputError(
                "method='cam' was given with a function as target",
                "None, a class, or one class for each image",
                "Take 'grad_cam_sum', the same for any target.",
            )
        maps = self.explain(images, target)
        return maps[0] if self._single else maps

    def check_explains(self) -> None:
        """See `Explainer`; the layers have to count too."""
        self.capture.check_explains(self._places)

    @checked
    def step(self, score: Score, image_size: tuple[int, int]) -> Step:
        """See `Explainer`."""
        size = image_size if isinstance(self.size, str) else self.size

        def finished(maps: Iterable[Tensor]) -> list[Tensor]:
            maps = [ops.relu(each) if self.rectify else each for each in maps]
            return [_resized(each, size) if size else each for each in maps]

        def step(inputs: list[Tensor], classes: Tensor) -> list[Tensor]:
            maps = finished(self._maps(score, inputs, classes))
            if self.method == "guided_grad_cam":
                colours = guided(self.capture, score, inputs, classes)
                maps = [ops.max(ops.abs(colours * each[..., None]), -1) for each in maps]
            return maps

        if self.method != "score_cam":
            return compiled_over(self.capture.model, step)
        maps = ScoreMaps(self.capture, self._places, score, self.channels, self.batch_size)
        return lambda inputs, classes: finished(map(ops.convert_to_tensor, maps(inputs, classes)))

    def _maps(self, score: Score, inputs: list[Tensor], classes: Tensor) -> list[Tensor]:
        """The maps as the method has them, at the layers' sizes."""
        if self.method == "cam":
            outputs, (activations,) = self.capture.maps(inputs, self._places)
            logits = self.capture.class_logits(outputs)
            kernel = two_sided(ops.cast(self._classifier.kernel, "float32"))
            columns = ops.transpose(kernel)
            return [
                weighted(activations, ops.take(columns, chosen_classes(logits, classes), axis=0))
            ]
        formula = FORMULAS.get(self.method, FORMULAS["grad_cam"])
        if not formula.differentiates:
            _, activations = self.capture.maps(inputs, self._places)
            return [formula.map(each) for each in activations]

        def own(logits: list[Tensor]) -> Tensor:
            return score(logits, classes)

        pairs = self.capture.gradients(inputs, self._places, own)
        return [formula.map(*pair) for pair in zip(*pairs, strict=True)]

    def _chosen(self, names: list[str | None]) -> list[Place]:
        if not names:
            raise InputError(
                "An empty list of layers was given",
                "None, a layer, or a list of layers",
                "Leave layer out for the last feature map.",
            )
        found = [
            self.capture.last_map() if name is None else self.capture.place(name) for name in names
        ]
        for place in found:
            self._check_before_the_end(place)
        if self.method != "cam":
            return found
        self._classifier, pooled = class_weights(self.capture)
        if names != [None] and found != [pooled]:
            raise InputError(
                f"method='cam' was given with layer={names}",
                f"the layer that is pooled, {self.capture.paths[pooled]!r}",
                "Leave layer out, or take 'grad_cam_sum', the same for any layer.",
            )
        return [pooled]

    def _check_before_the_end(self, place: Place) -> None:
        if any(end.linear and end.place == place for end in self.capture.ends):
            raise InputError(
                f"The layer {self.capture.paths[place]!r} was given, which makes the probabilities",
                "layers before it: the logits that are explained do not depend on it",
                "Leave layer out for the last of them.",
            )

    def _check_options(self, rectify: bool | None) -> None:
        if self.channels is not None and (self.method != "score_cam" or self.channels < 1):
            raise InputError(
                f"channels={self.channels!r} was given with method={self.method!r}",
                "a positive number with method='score_cam', or None",
                "Leave channels out.",
            )
        if self.method == "guided_grad_cam" and (self.size != "image" or rectify is False):
            raise InputError(
                f"size={self.size!r} and rectify={rectify!r} were given",
                "size='image' with method='guided_grad_cam', whose maps are rectified",
                "Leave both out.",
            )
        fits = self.size in ("image", None) or (
            isinstance(self.size, tuple | list) and len(self.size) == 2 and min(self.size) > 0
        )
        if not fits:
            raise InputError(
                f"size={self.size!r} was given",
                "'image', None or (height, width)",
                "Leave size out to enlarge the maps to the images.",
            )


@checked
def cam_layer(model: keras.Model, image: int | str | None = None) -> str:
    """The layer whose maps `cam` uses by default.

    It is the last feature map before the classifier of the first output; pools, dropouts and
    paddings behind it are passed over.

    Args:
        model: A functional or built sequential model.
        image: Which input of it is explained, see `cam`.

    Returns:
        The layer's name, or its path (`"backbone/stage4_out"`) in a nested model.

    Raises:
        InputError: The model has no feature map.
    """
    capture = Capture(model, image)
    return capture.paths[capture.last_map()]


@overload
def normalized(maps: np.ndarray) -> np.ndarray: ...


@overload
def normalized(maps: list[np.ndarray]) -> list[np.ndarray]: ...


@checked
def normalized(maps: np.ndarray | list[np.ndarray]) -> np.ndarray | list[np.ndarray]:
    """Each map from its lowest value at 0 to its highest at 1; constant maps are 0.

    Args:
        maps: `(batch, height, width)`, or a list of such.

    Returns:
        The same, float32.

    Example:
        ```python
        kc.analysis.normalized(np.array([[[1.0, 3.0], [2.0, 1.0]]]))  # [[[0, 1], [0.5, 0]]]
        ```
    """
    if isinstance(maps, list | tuple):
        return [normalized(each) for each in maps]
    maps = np.asarray(maps, "float32")
    if maps.ndim < 2:
        raise InputError(
            f"maps of shape {maps.shape} were given",
            "(batch, height, width), or a list of such",
            "Give what kc.analysis.cam returns.",
        )
    low, high = (f(maps, axis=(-2, -1), keepdims=True) for f in (np.min, np.max))
    return (maps - low) / np.where(high > low, high - low, 1)


def class_weights(capture: Capture) -> tuple[layers.Dense, Place]:
    """The classifier of a network that ends in global average pooling, and the map it pools.

    Raises:
        InputError: The network ends in something else.
    """
    end = capture.ends[0]
    head = values_from(origin(capture.model.outputs[0]))
    if head and head == end.place and not isinstance(head[-1].operation, layers.Dense):
        # A softmax of its own behind the dense layer.
        head = values_from(before(head))
    dense = head[-1].operation if head else None
    weighs = isinstance(dense, layers.Dense) and (head == end.place or is_linear(dense))
    pool = values_from(before(head)) if head and weighs else None
    pools = pool and isinstance(pool[-1].operation, layers.GlobalAveragePooling2D)
    pooled = values_from(before(pool)) if pool and pools else None
    if pooled not in capture.seeing:
        raise InputError(
            f"method='cam' was given for {capture.model.name!r}, which ends otherwise",
            "networks that end in GlobalAveragePooling2D and one Dense layer",
            "Take 'grad_cam_sum', which is the same there and works everywhere.",
        )
    return dense, pooled


def _resized(maps: Tensor, size: tuple[int, int]) -> Tensor:
    image = ops.image.resize(maps[..., None], size, "bilinear", data_format="channels_last")
    return image[..., 0]
