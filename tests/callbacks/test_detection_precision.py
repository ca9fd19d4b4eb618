"""The average precision of a detector in training is that of asking it afterwards."""

import keras
import pytest

import keras_classics as kc
from keras_classics.core.errors import InputError
from models.regions.test_fast_rcnn import GRID, Painted, batches, detector
from support import run_python

CODE = """
import keras, numpy as np
import keras_classics as kc
from models.regions.test_fast_rcnn import GRID, Painted, batches, detector

model = detector(bins=2)
kc.training.compile_detector(model, keras.optimizers.Adam(4e-3))
held = [Painted(number) for number in range(1000, 1006)]
watch = kc.callbacks.DetectionPrecision(held, [GRID] * 6, classes=3, figures=("AP", "AP50"))
train = [Painted(number) for number in range(16)]
history = model.fit(batches(train), steps_per_epoch=3, epochs=2, verbose=0, callbacks=[watch])
found = kc.models.detect(model, [each.image for each in held], [GRID] * 6)
truths = [kc.boxes.Truth.of(each) for each in held]
expected = kc.boxes.average_precision(found, truths, 3)
print(history.history["val_AP50"][-1] - expected.figures["AP50"])
metric = kc.training.AveragePrecision(3, figure="AP50")
for each, true in zip(found, truths):
    metric.update_state(
        {"boxes": keras.ops.convert_to_tensor(true.boxes[None]), "labels": true.box_labels[None]},
        {"boxes": keras.ops.convert_to_tensor(each.boxes[None]), "scores": each.scores[None],
         "labels": each.box_labels[None]},
    )
print(float(metric.result()) - expected.figures["AP50"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_steps_stay_compiled_on_other_backends(backend):
    told = run_python(CODE, backend=backend).split()
    assert [float(each) for each in told] == pytest.approx([0.0, 0.0], abs=1e-4)


def test_the_figure_is_that_of_the_model_after_the_epoch():
    model = detector(bins=2)
    kc.training.compile_detector(model, keras.optimizers.Adam(4e-3), jit_compile=False)
    held = [Painted(number) for number in range(1000, 1006)]
    figures = ("AP", "AP50")
    watch = kc.callbacks.DetectionPrecision(held, [GRID] * 6, classes=3, figures=figures)
    train = [Painted(number) for number in range(16)]
    history = model.fit(batches(train), steps_per_epoch=3, verbose=0, callbacks=[watch]).history
    found = kc.models.detect(model, [each.image for each in held], [GRID] * 6)
    expected = kc.boxes.average_precision(found, watch.truths, 3)
    assert history["val_AP50"] == [pytest.approx(expected.figures["AP50"], abs=1e-6)]
    assert watch.precision.counts.tolist() == expected.counts.tolist()
    # What detect does not take is refused before the first step.
    for options, error in (({"threshold": 30}, InputError), ({"treshold": 0.3}, TypeError)):
        wrong = kc.callbacks.DetectionPrecision(held, [GRID] * 6, classes=3, **options)
        with pytest.raises(error, match="threshold=30|treshold"):
            wrong.set_model(model)
            wrong.on_train_begin()
    with pytest.raises(InputError, match="AP50"):
        kc.callbacks.DetectionPrecision(held, [GRID] * 6, classes=3, figures=("AP60",))
    with pytest.raises(InputError, match="equally many"):
        kc.callbacks.DetectionPrecision(held, [GRID] * 5, classes=3)
