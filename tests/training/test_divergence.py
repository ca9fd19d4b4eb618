"""A training that diverges stops, says where it began, and keeps its last good checkpoint."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from support import run_on
from training.divergences import HOW, batches, diverge, model_of


@pytest.mark.parametrize(("how", "save_seconds"), [*((how, 1e9) for how in HOW), ("gradient", 0.0)])
def test_the_first_step_and_layer_are_named_and_the_last_good_checkpoint_stays(
    tmp_path, how, save_seconds
):
    diverge(how, tmp_path, save_seconds)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_name_the_same(tmp_path, backend):
    code = f"from training.divergences import check; check({str(tmp_path)!r})"
    assert "all named" in run_on(backend, code)


def test_applications_end_with_one_line_and_code_1(tmp_path, capsys):
    def train(_):
        kc.training.fit(
            model_of("output"), batches("output"), steps_per_epoch=4, epochs=3, folder=tmp_path,
            verbose=0,
        )  # fmt: skip

    for _ in range(2):
        assert kc.cli.guarded(train, []) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: Training stopped at step 7 (epoch 2, step 3) because")
        assert error.count("\n") == 1


def test_steps_that_are_skipped_do_not_end_a_training(tmp_path):
    model = model_of("output")
    model.compile(kc.training.SkipNonFinite(keras.optimizers.SGD(1e-3)), "mse")
    history = kc.training.fit(
        model, batches("output"), steps_per_epoch=4, epochs=3, folder=tmp_path, verbose=0
    )
    assert list(history["epoch"]) == [1, 2, 3]
    assert all(np.isfinite(values).all() for values in model.get_weights())
    assert int(model.optimizer.skipped) == 1


def test_a_model_that_is_not_finite_is_not_trained(tmp_path):
    model = model_of("output")
    model.get_layer("last").kernel.assign(np.full((3, 1), np.nan))
    with pytest.raises(kc.InputError, match="cannot begin because the variable 'last/kernel'"):
        kc.training.fit(model, batches("output"), steps_per_epoch=4, epochs=1, folder=tmp_path)


def test_text_models_that_carry_states_say_where_too(tmp_path):
    network = kc.models.language_model(5, 4, 1, "elman", seed=1)
    model = kc.training.TruncatedBPTT(network, 2, 3)
    model.compile(
        keras.optimizers.SGD(1e38), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    documents = [np.random.default_rng(n).integers(0, 5, 31) for n in range(2)]
    windows = kc.data.text_windows(documents, batch_size=2, k1=3)
    # What overflows first depends on the order in which the engine adds.
    with pytest.raises(
        kc.InputError,
        match=r"It began at step \d with the (loss, of finite|output of the|gradient|opt)",
    ):
        kc.training.fit(
            model, windows.batches, steps_per_epoch=10, epochs=1, folder=tmp_path, verbose=0
        )
    assert all(np.isfinite(values).all() for values in network.get_weights())
