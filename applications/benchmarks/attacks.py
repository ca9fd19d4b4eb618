"""Attacks on classifiers beside foolbox, from equal weights and by equal steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import keras
import numpy as np
import pandas as pd

import keras_classics as kc
from benchmarks.measuring import CLOCKS, MEASURED, console, turns

TIMED = "lenet_5_modern,resnet_20_cifar"
UNIT = {"bounds": (0, 1)}
EPSILON, STEPS = 0.03, 20
# Searches and steps of Carlini and Wagner's attack, fewer than either has by default.
SEARCHES, DESCENTS = 3, 30


def attacks(
    *,
    models: Annotated[str, "our names of classifiers, with commas"] = TIMED,
    attacks: Annotated[str, "fgsm, pgd, deepfool, carlini_wagner, with commas"] = (
        "fgsm,pgd,deepfool,carlini_wagner"
    ),
    images: Annotated[int, "pictures that are attacked, together"] = 128,
    repeats: Annotated[int, "turns; the fastest counts"] = 3,
) -> pd.DataFrame:
    """Milliseconds an attack takes for each picture, beside foolbox (the extra `peers`).

    FGSM and PGD (20 steps, from the pictures themselves) find about the same; DeepFool and the
    attack of Carlini and Wagner (3 searches of at most 30 steps) have equal settings.
    """
    try:
        import foolbox
    except ImportError as error:
        raise kc.InputError(
            "foolbox is not installed",
            "a Python that has it",
            "Run: pip install 'keras-classics[peers]', or in a clone '.[peers]'.",
        ) from error
    import tensorflow as tf

    rows = []
    for name in models.split(","):
        keras.utils.set_random_seed(0)
        model = kc.create_model(name, weights=None, classifier_activation=None)
        draw = np.random.default_rng(0)
        pictures = draw.uniform(size=(images, *model.input_shape[1:])).astype("float32")
        logits = np.asarray(model.predict_on_batch(pictures))
        # Untrained networks may be certain, of which foolbox's cross-entropy has no gradient.
        classifier = model.layers[-1]
        classifier.kernel.assign(classifier.kernel / logits.std())
        labels = logits.argmax(axis=1)
        victim = foolbox.TensorFlowModel(model, **UNIT)
        given = tf.constant(pictures), tf.constant(labels)
        for attack in attacks.split(","):
            own, other, alike = contest(attack, foolbox.attacks)
            contenders: dict[str, Callable[[], Any]] = {
                "ours": partial(own, model, pictures, labels, batch_size=images, **UNIT),
                "peer": partial(theirs, other, victim, given),
            }
            found = [np.asarray(contender()) for contender in contenders.values()]
            agree = np.isclose(*found, atol=1e-5).mean()
            console.print(f"{name}, {attack}: {agree:.2%} of the values agree")
            if agree < alike:
                raise kc.InputError(
                    f"{attack} finds other pictures than foolbox's",
                    "the same ones",
                    "Look for what has changed in either.",
                )
            taken = turns(contenders, repeats) * 1e3 / images
            for clock, note in CLOCKS.items():
                rows.append({"model": f"{name}, {attack}{note}", **taken[clock].to_dict()})
    facts = {"setting": f"{images} pictures", "beside": "foolbox", "unit": "ms"}
    return pd.DataFrame(rows).assign(**facts).reindex(columns=MEASURED)


def contest(attack: str, peers: Any) -> tuple[Callable, Callable, float]:
    """Ours, theirs, and the least share of values in which they must agree.

    A gradient of nearly nothing has either sign by rounding, and each step enlarges what differs.
    """
    fooling = kc.analysis.fooling
    step = EPSILON / 4
    contests = {
        "fgsm": lambda: (
            partial(fooling.fgsm, epsilon=EPSILON),
            partial(peers.LinfFastGradientAttack(), epsilons=EPSILON),
            0.99,
        ),
        "pgd": lambda: (
            partial(fooling.pgd, epsilon=EPSILON, steps=STEPS, step=step, random_start=False),
            partial(
                peers.LinfPGD(abs_stepsize=step, steps=STEPS, random_start=False), epsilons=EPSILON
            ),
            0.9,
        ),
        "deepfool": lambda: (
            fooling.deepfool,
            partial(peers.L2DeepFoolAttack(steps=50, candidates=10), epsilons=None),
            0.0,
        ),
        "carlini_wagner": lambda: (
            partial(fooling.carlini_wagner, searches=SEARCHES, steps=DESCENTS),
            partial(
                peers.L2CarliniWagnerAttack(binary_search_steps=SEARCHES, steps=DESCENTS),
                epsilons=None,
            ),
            0.0,
        ),
    }
    if attack not in contests:
        raise kc.InputError(
            f"--attacks {attack} was given",
            ", ".join(contests),
            "Choose from these.",
        )
    return contests[attack]()


def theirs(attack: Callable, victim: Any, given: tuple) -> np.ndarray:
    """Pictures within bounds."""
    _, found, _ = attack(victim, *given)
    return found.numpy()
