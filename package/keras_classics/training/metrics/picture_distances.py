"""How far made pictures are from real ones, in the features of a network: FID and KID.

Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter, "GANs trained by a two time-scale update rule
converge to a local Nash equilibrium", NIPS 2017. Binkowski, Sutherland, Arbel, Gretton,
"Demystifying MMD GANs", ICLR 2018.

A number is only comparable with one of the same network and its weights, the same resizing, and
for FID the same number of pictures: the fewer, the larger it is. Published ones are of Inception
and 50,000 pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import InputError, check_axes, check_whole
from keras_classics.core.picture_values import check_shape
from keras_classics.core.registration import registered
from keras_classics.core.types import Config, Name, Tensor, Whole
from keras_classics.core.user_warnings import warn_user
from keras_classics.training.metrics.sample_distances import frechet_distance, kernel_distance

SIDES = ("real", "made")
# Of features: of larger ones the cubes of products have no room in float64.
LARGEST = 1e50


class _PictureDistance(keras.metrics.Metric):
    """What both have in common: features of two streams of pictures.

    It runs outside compiled steps, in a loop of one's own.
    """

    def __init__(self, extractor: keras.Model | None, name: str, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.extractor = extractor
        self._expected: str | None = None
        self.reset_state()

    @checked
    def update_state(
        self,
        y_true: np.ndarray | Tensor | None,
        y_pred: np.ndarray | Tensor | None,
        sample_weight: None = None,
    ) -> None:
        """Take a batch of both.

        Args:
            y_true: Real pictures, as the extractor takes them; without one, features
                `(batch, features)`; None for none.
            y_pred: Made ones, likewise; there may be more or fewer.
            sample_weight: Without meaning here, and refused.

        Raises:
            InputError: The step is compiled, the extractor makes no features, or it has lost the
                weights it had when the metric was saved.
        """
        if sample_weight is not None:
            raise InputError(
                "Weights of pictures were given",
                "pictures that count alike",
                "Leave sample_weight out.",
            )
        self._check_weights()
        found = []
        for side, pictures in zip(SIDES, (y_true, y_pred), strict=True):
            if pictures is None:
                continue
            array = self._known(pictures)
            if array.shape[:1] != (0,):
                found.append((side, self._features(array)))
        self._check_widths([features.shape[1] for _, features in found])
        # Of a batch that is refused nothing has been counted.
        for side, features in found:
            self._take(side, features)

    def reset_state(self) -> None:
        """Forget all pictures."""
        # Dictionaries that are attributes themselves Keras tracks, and no pickle takes them.
        self._memory = SimpleNamespace(seen={}, width=None)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles have seen what it has, which a configuration does not hold."""
        config = {**self.get_config(), "extractor": None}
        return _remade, (type(self), config, self.extractor, self._expected, self._memory)

    def result(self) -> float:
        """The distance.

        Raises:
            InputError: There are fewer than two pictures on a side.
        """
        self._check_seen()
        return self._distance()

    def _check_seen(self) -> None:
        if min(self._count(side) for side in SIDES) < 2:
            raise InputError(
                f"{type(self).__name__} has seen {self._count('real')} real and "
                f"{self._count('made')} made pictures",
                "two or more of both; thousands say something",
                "Update it with more pictures first.",
            )

    def get_config(self) -> Config:
        """The arguments; of the extractor's weights only which they were."""
        extractor = self.extractor
        own = None if extractor is None else keras.saving.serialize_keras_object(extractor)
        weights = None if extractor is None else _fingerprint(extractor)
        return {**super().get_config(), "extractor": own, "weights": self._expected or weights}

    @classmethod
    def from_config(cls, config: Config) -> _PictureDistance:
        """See Keras; the extractor's weights are to be loaded by whoever has them."""
        config = dict(config)
        expected, extractor = config.pop("weights", None), config.pop("extractor", None)
        if extractor is not None:
            extractor = keras.saving.deserialize_keras_object(extractor)
        made = cls(extractor, **config)
        made._expected = expected
        return made

    def _check_weights(self) -> None:
        if self._expected is None or self.extractor is None:
            return
        if _fingerprint(self.extractor) != self._expected:
            raise InputError(
                f"The extractor {self.extractor.name!r} of a metric from a file has other "
                "weights than the metric was saved with",
                "the same, without which the numbers would be of another metric",
                "Load them: metric.extractor.load_weights(path), or "
                "metric.extractor.set_weights(model.get_weights()).",
            )
        self._expected = None

    def _known(self, pictures: Any) -> np.ndarray:
        try:
            return np.asarray(keras.ops.convert_to_numpy(pictures))
        except (AttributeError, NotImplementedError, TypeError) as error:
            # What engines say of a tensor that has no numbers yet.
            raise InputError(
                f"{type(self).__name__} was called in a compiled step",
                "steps that run eagerly",
                "Update the metric after predict or generate.",
            ) from error

    def _features(self, pictures: np.ndarray) -> np.ndarray:
        axes, remedy = "(batch, features)", "Cut the extractor where it has them."
        if self.extractor is None:
            array = pictures.astype("float64")
            remedy = f"Of pictures, give {type(self).__name__}(extractor) a model of them."
        else:
            array = _extracted(self.extractor, pictures)
            if array.ndim == 4:
                array = array.mean(axis=(1, 2))
        check_axes("features", array, axes, remedy)
        if not (np.abs(array) <= LARGEST).all():
            raise InputError(
                f"Features of {len(array)} pictures were given, of which some are not finite, or "
                f"beyond {LARGEST:g}",
                "finite numbers",
                "Look at the pictures: what makes them may have diverged.",
            )
        return array

    def _check_widths(self, widths: Sequence[int]) -> None:
        before = self._memory.width
        for width in widths:
            if not width or (before is not None and width != before):
                raise InputError(
                    f"{width} features of each picture were given, after {before or 'none'}",
                    "as many of all pictures, and one or more",
                    "Give those of one network; reset_state() begins anew.",
                )
            before = width
        self._memory.width = before

    def _count(self, side: str) -> int:
        raise NotImplementedError

    def _take(self, side: str, features: np.ndarray) -> None:
        raise NotImplementedError

    def _distance(self) -> float:
        raise NotImplementedError


@registered
class FrechetDistance(_PictureDistance):
    """FID: the Frechet distance of Gaussians fitted to features, by sums in float64.

    It is biased: the fewer pictures, the larger. With fewer than features the covariances have no
    full rank, which it warns of once; `KernelDistance` has no such bias.

    Args:
        extractor: A model from pictures to features `(batch, features)`, or maps, whose mean over
            the pixels counts; None for features themselves.
        name: Name in the history. Only of the Inception weights it was published with it is FID.

    Example:
        ```python
        rng = np.random.default_rng(0)
        distance = kc.training.FrechetDistance()  # of features, without an extractor
        distance.update_state(rng.normal(size=(50, 8)), rng.normal(size=(50, 8)) + 1)
        float(distance.result())  # 9.23; smaller for pictures of one kind
        ```
    """

    @checked
    def __init__(
        self, extractor: keras.Model | None = None, name: Name = "frechet_distance", **kwargs: Any
    ) -> None:
        super().__init__(extractor, name, **kwargs)
        self._warned = False

    def _count(self, side: str) -> int:
        return self._memory.seen[side][0] if side in self._memory.seen else 0

    def _take(self, side: str, features: np.ndarray) -> None:
        # About a place near their mean: squares of what is far from zero would cancel.
        count, place, total, products = self._memory.seen.get(
            side, (0, features.mean(axis=0), 0.0, 0.0)
        )
        apart = features - place
        self._memory.seen[side] = (
            count + len(features),
            place,
            total + apart.sum(axis=0),
            products + apart.T @ apart,
        )

    def _distance(self) -> float:
        gaussians = []
        for side in SIDES:
            count, place, total, products = self._memory.seen[side]
            mean = total / count
            spread = (products - count * np.outer(mean, mean)) / (count - 1)
            gaussians += [place + mean, spread]
            if count <= len(mean) and not self._warned:
                self._warned = True
                warn_user(
                    f"{count} {side} pictures in {len(mean)} features: the covariance has no full "
                    "rank, and the distance is too large. Give more, or use KernelDistance."
                )
        return frechet_distance(*gaussians)


@registered
class KernelDistance(_PictureDistance):
    """KID: the unbiased discrepancy of features, as a mean over subsets.

    Args:
        extractor: As for `FrechetDistance`.
        subsets: How many are drawn; None for one distance of all pictures.
        subset_size: Pictures of each side in a subset, drawn without replacement.
        seed: Of the draw.
        name: Name in the history.

    Raises:
        InputError: A number is not admitted; at the result, there are fewer pictures than in a
            subset.

    Example:
        ```python
        rng = np.random.default_rng(0)
        distance = kc.training.KernelDistance(subsets=None)  # of features, without an extractor
        distance.update_state(rng.normal(size=(50, 8)), rng.normal(size=(50, 8)) + 1)
        float(distance.result())  # 7.89; about 0 for pictures of one kind
        ```
    """

    @checked
    def __init__(
        self,
        extractor: keras.Model | None = None,
        subsets: Whole | None = 100,
        subset_size: Whole = 1000,
        seed: int = 0,
        name: Name = "kernel_distance",
        **kwargs: Any,
    ) -> None:
        super().__init__(extractor, name, **kwargs)
        self.subsets = None if subsets is None else check_whole("subsets", subsets)
        self.subset_size = check_whole("subset_size", subset_size, 2)
        self.seed = check_whole("seed", seed, 0)

    def deviation(self) -> float:
        """The standard deviation over the subsets (of all, not of a sample of them).

        Raises:
            InputError: There is one distance alone, or too few pictures were seen.
        """
        if self.subsets is None or self.subsets < 2:
            raise InputError(
                f"The deviation of one distance was asked for, with subsets={self.subsets}",
                "two subsets or more",
                "Build it with kc.training.KernelDistance(subsets=100, subset_size=...).",
            )
        self._check_seen()
        return float(np.std(self._distances()))

    def get_config(self) -> Config:
        """The arguments, see `FrechetDistance`."""
        return {
            **super().get_config(),
            "subsets": self.subsets,
            "subset_size": self.subset_size,
            "seed": self.seed,
        }

    def _count(self, side: str) -> int:
        return sum(map(len, self._memory.seen.get(side, ())))

    def _take(self, side: str, features: np.ndarray) -> None:
        self._memory.seen.setdefault(side, []).append(features)

    def _distance(self) -> float:
        return float(np.mean(self._distances()))

    def _distances(self) -> list[float]:
        real, made = (np.concatenate(self._memory.seen[side]) for side in SIDES)
        if self.subsets is None:
            return [kernel_distance(real, made)]
        size, fewest = self.subset_size, min(len(real), len(made))
        if fewest < size:
            raise InputError(
                f"{len(real)} real and {len(made)} made pictures were seen, for subsets of {size}",
                "as many of both as a subset has",
                f"Pass subset_size={fewest} or less, or subsets=None.",
            )
        draw = np.random.default_rng(self.seed)
        return [
            kernel_distance(*(x[draw.choice(len(x), size, replace=False)] for x in (real, made)))
            for _ in range(self.subsets)
        ]


def _extracted(extractor: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """What a model gives of pictures, float64."""
    wanted = getattr(extractor, "inputs", None) or []
    if len(wanted) == 1:
        check_shape(extractor.name, pictures.shape, wanted[0].shape)
    found = keras.tree.flatten(extractor(pictures, training=False))
    if len(found) != 1:
        raise InputError(
            f"The extractor {extractor.name!r} gives {len(found)} outputs",
            "a model with one output",
            "Choose one: keras.Model(model.inputs, model.outputs[0]).",
        )
    return np.asarray(keras.ops.convert_to_numpy(found[0]), "float64")


def _remade(
    kind: type[_PictureDistance],
    config: Config,
    extractor: keras.Model | None,
    expected: str | None,
    memory: SimpleNamespace,
) -> _PictureDistance:
    """A metric that has seen what another has."""
    metric = kind.from_config(config)
    metric.extractor, metric._expected, metric._memory = extractor, expected, memory
    return metric


def _fingerprint(model: keras.Model) -> str:
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
