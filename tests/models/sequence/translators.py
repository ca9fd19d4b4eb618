"""Small translators of every form, with weights that are the same on every backend."""

from __future__ import annotations

import functools

import keras
import numpy as np
from keras import ops

import keras_classics as kc

SOURCE_IDS, TARGET_IDS = 17, 13
FORMS = {
    "gru": {},
    "elman": {"cell": "elman", "embedding_size": 5},
    "sutskever": {"cell": "lstm", "depth": 2, "reverse_source": True},
    "cho": {"context": "every_step", "readout": "maxout"},
    "cho_deep": {"cell": "lstm", "depth": 2, "context": "every_step", "readout": "concatenated"},
    "bahdanau": {"bidirectional": True, "attention": "additive", "readout": "maxout"},
    "bahdanau_deep": {
        "cell": "lstm", "depth": 2, "attention": "additive", "encoder_units": 6, "gated": True
    },
    "luong_dot": {"cell": "gru_reset_after", "attention": "luong_dot"},
    "luong_general": {
        "cell": "lstm", "depth": 2, "bidirectional": True, "attention": "luong_general",
        "reverse_source": True,
    },
    "luong_concat": {
        "attention": "luong_concat", "input_feeding": False, "tie_embeddings": True, "depth": 3
    },
}  # fmt: skip


def weigh(model, seed=0, scale=0.8):
    """Give every trainable weight a value that no backend draws."""
    draw = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        weight.assign(draw.uniform(-scale, scale, weight.shape).astype("float32"))
    return model


def build(form):
    model = kc.models.translator(SOURCE_IDS, TARGET_IDS, units=8, dropout=0.3, **FORMS[form])
    return weigh(model)


# For tests that leave the weights alone.
make = functools.cache(build)


def sentences(batch=4):
    draw = np.random.default_rng(1)
    source = draw.integers(3, SOURCE_IDS, (batch, 6))
    for row, length in enumerate((6, 3, 1, 5)[:batch]):
        source[row, length:] = 0
    return {"source": source, "target_in": draw.integers(1, TARGET_IDS, (batch, 5))}


def logits(model, x):
    return ops.convert_to_numpy(model({k: ops.convert_to_tensor(v) for k, v in x.items()}))


def stepped(model, x):
    """Logits one token at a time, and the alignments where there are any."""
    encoder, decoder = kc.models.split_translator(model)
    state, logits, alignments = decoder.initial_state(encoder(x["source"])), [], []
    for time in range(x["target_in"].shape[1]):
        out, state = decoder.step(ops.convert_to_tensor(x["target_in"][:, time]), state)
        logits.append(ops.convert_to_numpy(out))
        alignments.append(ops.convert_to_numpy(state["alignment"]) if "alignment" in state else 0)
    return np.stack(logits, axis=1), np.stack(alignments, axis=-1)


def results():
    """NumPy arrays by name, which must be equal on all backends."""
    found = {"backend": np.asarray(keras.config.backend())}
    x = sentences(2)
    for form in ("cho", "bahdanau_deep", "luong_general"):
        model = make(form)
        found[f"same_{form}"] = logits(model, x)
        found[f"same_{form}_stepped"], found[f"same_{form}_alignments"] = stepped(model, x)
    model = build("luong_general")
    encoder, decoder = kc.models.split_translator(model)
    best = kc.decoding.beam_search(
        decoder.step, decoder.initial_state(encoder(x["source"])),
        start=1, end=2, max_length=5, width=3, n_best=2, banned=(0, 1),
    )  # fmt: skip
    found["same_ids"] = ops.convert_to_numpy(best.ids)
    found["same_scores"] = ops.convert_to_numpy(best.scores)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Without compiling JAX is slow, and TensorFlow with it.
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=keras.config.backend() == "jax")
    # Judged without dropout, whose draws are not the same everywhere.
    before = float(loss(x["target_in"], logits(model, x)))
    for _ in range(12):
        model.train_on_batch(x, x["target_in"])
    assert float(loss(x["target_in"], logits(model, x))) < before
    return found
