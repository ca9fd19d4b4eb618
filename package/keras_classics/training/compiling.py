"""What sequence models are compiled with: falling rates, and losses without the padding."""

from __future__ import annotations

import keras

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice
from keras_classics.data.texts.vocabulary import Vocabulary
from keras_classics.training.losses.ctc_loss import CTCLoss
from keras_classics.training.metrics.likelihood import BitsPerCharacter
from keras_classics.training.optimizers import averaging
from keras_classics.training.trainers.truncated_bptt import TruncatedBPTT

FALLING = ("adam", "rmsprop")


@checked
def cosine_adam(
    learning_rate: float,
    steps: int,
    *,
    warm_up_steps: int = 0,
    clip_norm: float = 5.0,
    average_steps: float = 0,
) -> keras.optimizers.Adam:
    """Adam whose rate falls to 0 along half a cosine.

    Args:
        learning_rate: The greatest rate.
        steps: Of the whole training.
        warm_up_steps: In which the rate first rises from 0.
        clip_norm: Greatest norm of all gradients together.
        average_steps: The weights of about so many last steps are averaged in the end; see
            `averaging`.
    """
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(1, steps - warm_up_steps),
        warmup_target=learning_rate,
        warmup_steps=warm_up_steps,
    )
    return keras.optimizers.Adam(rate, global_clipnorm=clip_norm, **averaging(average_steps))


@checked
def falling_optimizer(
    name: str,
    learning_rate: float,
    *,
    factor: float,
    steps_per_epoch: int,
    epochs: int,
    first: int = 1,
    clip_norm: float = 0.0,
) -> keras.optimizers.Optimizer:
    """Adam, or the RMSprop of char-rnn, whose rate falls once in an epoch.

    Args:
        name: `"adam"` or `"rmsprop"`.
        learning_rate: The first rate.
        factor: By which it is multiplied at each fall.
        steps_per_epoch: Steps between two falls.
        epochs: Of the whole training.
        first: Epochs before the first fall.
        clip_norm: Greatest norm of all gradients together; 0 for no limit.

    Raises:
        InputError: The name is another.
    """
    check_choice("optimizer", name, FALLING)
    falls = range(first, max(epochs, first + 1))
    rate = keras.optimizers.schedules.PiecewiseConstantDecay(
        # Keras counts a boundary to the rate before it.
        [epoch * steps_per_epoch - 1 for epoch in falls],
        [learning_rate * factor**number for number in range(len(falls) + 1)],
    )
    limit = clip_norm or None
    if name == "adam":
        return keras.optimizers.Adam(rate, global_clipnorm=limit)
    # char-rnn adds 1e-8 to the root of the mean square. Keras adds to the mean square itself, where
    # its 1e-7 outweighs most gradients of a mean over many characters.
    return keras.optimizers.RMSprop(rate, rho=0.95, epsilon=1e-16, global_clipnorm=limit)


@checked
def compile_labeller(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, *, placed: bool = True
) -> None:
    """Compile a network that labels sequences.

    Args:
        model: From `kc.models.tagger`, `sequence_classifier` or `ctc_recognizer`.
        optimizer: Its optimizer.
        placed: Whether it is known which step, or which sequence, a label belongs to; where it is
            not, CTC sums over all places, and no accuracy is told while training.

    Example:
        ```python
        model = kc.models.tagger(classes=17, vocabulary_size=100, units=8)
        kc.training.compile_labeller(model, keras.optimizers.Adam())
        ids, tags = np.array([[5, 9, 3, 0]]), np.array([[2, 16, 4, 0]])  # padded with 0
        ...  # model.fit(ids, tags)
        ```
    """
    if placed:
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    else:
        model.compile(optimizer, CTCLoss(), metrics=[])


@checked
def unpadded_cross_entropy() -> keras.losses.Loss:
    """Cross-entropy of logits of a `kc.data.Vocabulary`, over all but the padding."""
    return keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=Vocabulary.PAD, name="cross_entropy"
    )


@checked
def compile_translator(trainer: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """Compile a translator that is fed sentences of many lengths; padding is no loss.

    Args:
        trainer: From `kc.models.translator`, or what is trained of several.
        optimizer: See `cosine_adam`.
    """
    # XLA would compile every length anew; JAX does nothing without a compiler.
    compiler = "auto" if keras.config.backend() == "jax" else False
    trainer.compile(optimizer, unpadded_cross_entropy(), jit_compile=compiler)


@checked
def compile_reader(trainer: TruncatedBPTT, optimizer: keras.optimizers.Optimizer) -> None:
    """Compile a trainer of a language model: cross-entropy, told in nats and in bits.

    Args:
        trainer: Whose windows `kc.data.text_windows` makes, with a weight for each token.
        optimizer: See `falling_optimizer`.
    """
    trainer.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=[
            keras.metrics.SparseCategoricalCrossentropy(name="nats", from_logits=True),
            BitsPerCharacter(),
        ],
    )
