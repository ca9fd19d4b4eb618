"""Distillation: Hinton's loss, between any two classifiers."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics as kc
from keras_classics.core.errors import InputError

DRAW = np.random.default_rng(0)
IMAGES, LABELS = DRAW.normal(size=(32, 32, 32, 1)).astype("float32"), DRAW.integers(0, 10, 32)


def softmax(x):
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("student_end", ["softmax", None])
@pytest.mark.parametrize("teacher_end", ["softmax", None])
def test_the_loss_is_hintons_whatever_both_end_in(student_end, teacher_end):
    student, teacher = (
        kc.models.LeNet5Modern(
            weights=None, input_shape=(32, 32, 1), classes=10, classifier_activation=end
        )
        for end in (student_end, teacher_end)
    )
    distiller = kc.compression.distiller(student, teacher, temperature=4, student_share=0.3)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=student_end is None)
    distiller.compile("sgd", loss)
    found = distiller.evaluate(IMAGES, LABELS, return_dict=True, verbose=0)
    logits = [
        np.log(model.predict(IMAGES, verbose=0)) if end else model.predict(IMAGES, verbose=0)
        for model, end in ((student, student_end), (teacher, teacher_end))
    ]
    cross = -np.log(softmax(logits[0])[np.arange(32), LABELS]).mean()
    one, other = softmax(logits[0] / 4), softmax(logits[1] / 4)
    divergence = 16 * (other * np.log(other / one)).sum(axis=-1).mean()
    assert found["student_loss"] == pytest.approx(cross, rel=1e-3)
    # Keras limits probabilities to 1e-7.
    assert found["distillation_loss"] == pytest.approx(divergence, rel=1e-2)
    assert found["total_loss"] == pytest.approx(0.3 * cross + 0.7 * divergence, rel=1e-3)


def test_in_half_precision_what_underflows_is_no_logarithm_of_nothing():
    loss = kc.compression.ClassDistillation(2.0)
    teacher, student = (keras.ops.convert_to_tensor(np.float16([[1, 0], each])) for each in
                        ([0.5, 0.5], [0.25, 0.75]))  # fmt: skip
    same = float(loss.compute_loss(teacher, teacher))
    other = float(loss.compute_loss(teacher, student))
    assert same == pytest.approx(0, abs=1e-6) and np.isfinite(other) and other > 0


def test_a_student_learns_from_any_teacher_of_the_catalogue():
    teacher = kc.models.NINCIFAR(weights=None, input_shape=(32, 32, 3), classes=4)
    student = kc.models.ResNet20CIFAR(weights=None, classes=4, width=0.25)
    distiller = kc.compression.distiller(student, teacher, student_share=0.0)
    distiller.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x = DRAW.normal(size=(8, 32, 32, 3)).astype("float32")
    history = distiller.fit(x, np.zeros(8), epochs=4, verbose=0).history
    assert history["distillation_loss"][-1] < history["distillation_loss"][0]
    assert distiller.student is student and not teacher.trainable_weights


@pytest.mark.parametrize(
    ("student", "message"),
    [
        (lambda x: layers.Dense(3, "softmax")(x), "to 3 classes was given to a teacher of.*to 4"),
        (lambda x: layers.Dense(4, "sigmoid")(x), "ends in sigmoids, was given as the student"),
        (lambda x: layers.Dense(1)(x), "ends in logits, was given as the student"),
    ],
)
def test_what_does_not_fit_is_refused(student, message):
    def model(end):
        x = keras.Input((5,))
        return keras.Model(x, end(x))

    teacher = model(lambda x: layers.Dense(4, "softmax")(x))
    with pytest.raises(InputError, match="both student and teacher"):
        kc.compression.distiller(teacher, teacher)
    with pytest.raises(InputError, match=message):
        kc.compression.distiller(model(student), teacher)


def test_a_distiller_that_was_saved_is_loaded(tmp_path):
    student, teacher = (
        keras.Sequential([keras.Input((4,)), layers.Dense(3, activation=end)])
        for end in ("softmax", None)
    )
    distiller = kc.compression.distiller(student, teacher, temperature=2.5)
    distiller.compile("sgd", "sparse_categorical_crossentropy")
    x, y = DRAW.normal(size=(8, 4)), DRAW.integers(0, 3, 8)
    distiller.fit(x, y, verbose=0)
    distiller.save(tmp_path / "a.keras")
    loaded = keras.models.load_model(tmp_path / "a.keras")
    # Keras does not keep how its distillers are compiled.
    loaded.compile("sgd", "sparse_categorical_crossentropy")
    assert loaded.evaluate(x, y, verbose=0) == pytest.approx(distiller.evaluate(x, y, verbose=0))
