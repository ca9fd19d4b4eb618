"""Images that fool a classifier, found in the ways of the papers, and what they tell of it.

    fooled = kc.analysis.fooling.pgd(model, images, labels, epsilon=8, bounds=(0, 255))

Every attack takes a model as it is, of any backend, ended in softmax, sigmoid or logits, and the
same arguments; they are explained in `fgsm`. Sizes are in the units that the model takes.
"""

from keras_classics.analysis.fooling.auto_attack import AUTO_ATTACKS, AutoAttack, auto_attack
from keras_classics.analysis.fooling.auto_pgd import apgd
from keras_classics.analysis.fooling.box_lbfgs import lbfgs
from keras_classics.analysis.fooling.carlini_wagner import carlini_wagner
from keras_classics.analysis.fooling.deepfool import deepfool
from keras_classics.analysis.fooling.fast_boundary import fab
from keras_classics.analysis.fooling.fast_gradient import fgsm
from keras_classics.analysis.fooling.iterated_gradient import bim, least_likely, mi_fgsm, pgd
from keras_classics.analysis.fooling.robustness import ATTACKS, Robustness, robustness
from keras_classics.analysis.fooling.square import square
from keras_classics.analysis.fooling.universal import universal, universal_perturbation

__all__ = [
    "ATTACKS",
    "AUTO_ATTACKS",
    "AutoAttack",
    "Robustness",
    "apgd",
    "auto_attack",
    "bim",
    "carlini_wagner",
    "deepfool",
    "fab",
    "fgsm",
    "lbfgs",
    "least_likely",
    "mi_fgsm",
    "pgd",
    "robustness",
    "square",
    "universal",
    "universal_perturbation",
]
