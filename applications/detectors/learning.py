"""How the verbs that compare train a detector."""

from __future__ import annotations

import time

import keras_classics as kc

# Pictures in a batch: few, as in the papers, so that a few hundred of them make many steps.
BATCH = 4


def learned(model, examples, proposals, classes, settings, **options):
    """Train a detector of regions; returns the seconds it took."""
    size = min(BATCH, len(examples))
    steps = max(1, len(examples) // size)
    optimizer = kc.training.cosine_adam(settings.learning_rate, steps * settings.epochs)
    kc.training.compile_detector(model, optimizer)
    begun = time.perf_counter()
    batches = kc.data.region_batches(
        examples,
        proposals,
        classes=classes,
        batch_size=size,
        **settings.some("augment", "regions", "seed"),
    )
    model.fit(
        batches, steps_per_epoch=steps, epochs=settings.epochs, verbose=0, shuffle=False, **options
    )
    return time.perf_counter() - begun


def seeded(settings):
    """Begin as a run of its own does, so that no row depends on those before it."""
    import keras

    keras.utils.set_random_seed(settings.seed)
