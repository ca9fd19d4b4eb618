"""What `compress.py` can be told."""

from __future__ import annotations

import dataclasses

import classification
import keras_classics as kc

flag = kc.jobs.flag
# From and to; what a flag may be.
RANGES = {"sparsity": (0, 0.999), "filters": (0, 0.99), "bits": (1, 16), "samples": (32, 10**6),
          "tune_epochs": (1, 10**6), "temperature": (0.01, 1000)}  # fmt: skip


@dataclasses.dataclass(kw_only=True)
class Settings(classification.Settings):
    """Their defaults are a ResNet-20 of half width on scenes, five minutes in all."""

    data: str = flag("scenes", "scenes, digits, npz:FILE[,FILE], folder:DIR, tfds:NAME")
    model: str = flag("resnet_20_cifar", "a name of keras-classics list")
    model_options: dict = flag(lambda: {"width": 0.5}, "arguments of its builder")
    epochs: int | None = flag(8, "epochs in all", may_change=True)
    tune_epochs: int = flag(3, "epochs after each step, and of the networks that are trained anew "
        "twice as many", verbs=("prune", "share", "distil", "pack"))  # fmt: skip
    sparsity: float = flag(0.8, "share of the weights that become zero", verbs=("prune", "share"))
    filters: float = flag(0.4, "share of the filters that are taken out", verbs=("prune",))
    bits: int = flag(5, "of the name of a shared value", verbs=("share",))
    student: dict = flag(lambda: {"width": 0.25}, "the student's arguments", verbs=("distil",))
    temperature: float = flag(4.0, "of distillation", verbs=("distil",))
    samples: int = flag(300, "validation pictures that ranges of eight bits are seen from and "
        "measured on", verbs=("quantize", "fastest"))  # fmt: skip

    def check(self) -> None:
        """Refuse numbers that no step could take, before hours of others.

        Raises:
            InputError: There is one.
        """
        for field, (least, most) in RANGES.items():
            option, value = f"--{field.replace('_', '-')}", getattr(self, field)
            if not least <= value <= most:
                raise kc.InputError(
                    f"{option} {value} was given",
                    f"{least:,} to {most:,}",
                    f"Leave {option} out for its default.",
                )
