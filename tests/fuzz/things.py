"""What the calls of the fuzz are made of: small sound things by name, and ways to spoil one.

A call is text, so that it can be repeated; it is evaluated among what stands here.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from keras import layers

import hostile
import keras_classics as kc
from analysis.maps.cam_networks import network
from decoding.toys import encodings, hand_worked, rows_of, tiny_decoder
from keras_classics.data.sound.recordings import write_wave
from keras_classics.data.texts.documents import Document
from weights.states import ARGUMENTS, small_state

__all__ = [
    "Decimal", "Fraction", "Path", "itertools", "kc", "keras", "layers", "math", "np", "pd",
]  # fmt: skip

TEXTS = {
    "en": ["the house", "three houses"],
    "fr": ["la maison", "trois maisons"],
    "nl": ["het huis", "drie huizen"],
}
HUB = [("en", "fr"), ("fr", "en"), ("en", "nl"), ("nl", "en")]


def binary():
    return keras.Sequential([keras.Input((3,)), kc.layers.BinaryDense(2), layers.Softmax()])


def packable():
    return kc.compression.pack(binary(), engine="numpy")


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def maps(*shape):
    return np.abs(normal(*shape))


def shades(*shape):
    return np.random.default_rng(0).uniform(size=shape).astype("float32")


def pictures(count=2, height=12, width=10, channels=3):
    shape = (count, height, width, channels)
    return np.random.default_rng(0).integers(0, 256, shape, "uint8")


def ids(*shape):
    return np.random.default_rng(0).integers(1, 5, shape).astype("int32")


def probabilities(rows=4, classes=3):
    drawn = maps(rows, classes) + 0.1
    return drawn / drawn.sum(axis=1, keepdims=True)


def classifier():
    return network()


def resnet():
    return kc.models.ResNet18(**ARGUMENTS)


def small_vgg():
    return kc.models.VGG16(width=0.05, dense_units=8, classes=3, input_shape=(32, 32, 3))


def captioner():
    image = keras.Input((12, 12, 3))
    encoder = keras.Model(image, layers.Conv2D(4, 3, strides=3)(image))
    return kc.models.captioner(encoder, len(vocabulary()), 6, attention="additive")


def pooled_encoder():
    image = keras.Input((8, 8, 3))
    return keras.Model(image, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image)))


def translator(**arguments):
    return kc.models.translator(
        len(vocabulary()), len(vocabulary()), units=6, attention="additive", **arguments
    )


def recognizer():
    return kc.models.ctc_recognizer(labels=3, input_shape=(8, None, 1), units=4)


def tagger():
    return kc.models.tagger(classes=3, vocabulary_size=len(units()), units=4)


def language_model():
    return kc.models.language_model(len(alphabet()), 4, 1)


def perceptron():
    return kc.models.Perceptron(classes=3, input_shape=(4,), classifier_activation=None)


def compiled():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def small_batches(first=0):
    return itertools.repeat((np.ones((2, 2), "f4"), np.ones((2, 1), "f4")))


def vocabulary():
    return kc.data.Vocabulary(["one", "two", "three", "four", "five"])


def alphabet():
    return kc.data.Alphabet("abcdefgh \n(<")


def units():
    return kc.data.Units(["the", "red", "square"], "word")


def recipe():
    return kc.training.Recipe(learning_rate=0.1, batch_size=2, epochs=2)


def preparation():
    return kc.data.fit_preparation(recipe(), [*pictures()], size=8)


def labelled(count=4):
    names = [f"{n}.png" for n in range(count)]
    return kc.data.Pictures(pictures(count, 8, 8), names, labels=np.arange(count) % 3)


def captioned():
    return kc.data.Pictures(pictures(3), list("abc"), captions=[("one two",), ("five",), ("one",)])


def sequences():
    inputs = [np.full((2, n + 1), n + 1, "int32") for n in range(6)]
    targets = [np.full(n % 3 + 1, n + 1, "int32") for n in range(6)]
    return kc.data.LabelledSequences(inputs, targets, axis=1)


def loaded(spec="scenes"):
    return kc.data.load(spec, train=4, validation=2, test=2)


def tokens():
    return [np.array([1, 4, 5, 2]), np.array([1, 6, 2]), np.array([1, 7, 2]), np.array([1, 8, 2])]


def documents():
    return [Document(f"text {n}", "ab(cd<gh \n" * 60) for n in range(4)]


def reader():
    return kc.analysis.CellReader(language_model())


@functools.cache
def cells():
    return kc.analysis.find_cells(
        language_model(), documents(), alphabet(), characters=2000, length=150, shifts=3
    )


@functools.cache
def lines(count=60):
    """Sentences that differ, so that every split has some."""
    return "".join(f"sentence {n} of many\n" for n in range(count))


def sharing(kind=kc.models.SharedMiddle):
    form = kind(HUB)
    form.make_vocabularies(TEXTS, lambda each: kc.data.make_vocabulary("token", list(each)))
    return form


def built(layer, *shape):
    layer.build(shape)
    return layer


def consumed(result):
    """The beginning of what is only made when it is asked for."""
    if hasattr(result, "as_numpy_iterator"):
        result = result.as_numpy_iterator()
    if hasattr(result, "__next__"):
        return list(itertools.islice(result, 3))
    return result


def used(layer, *inputs):
    """A layer, a metric or an initialiser that was made is whole: it works and can be written."""
    if not hasattr(layer, "get_config"):
        # A function that draws, or none.
        return layer and layer(*inputs)
    config = json.dumps(layer.get_config())
    again = type(layer).from_config(json.loads(config)).get_config()
    assert json.dumps(again) == config, "the config comes back as another"
    return layer(*inputs)


def measured(metric):
    metric.update_state(ids(2, 3), probabilities(6, 5).reshape(2, 3, 5))
    assert type(metric).from_config(metric.get_config()).get_config() == metric.get_config()
    return float(metric.result())


def begun(callback):
    """A callback whose training has begun."""
    model = classifier()
    model.compile("sgd", "mse")
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_end(0, {})
    return callback


def stepped(cell, batch=2, features=3):
    """A cell in the layer that carries it through time."""
    return used(layers.RNN(cell), normal(batch, 4, features))


def answered(model, *inputs):
    """A model that was built answers."""
    return model(*inputs)


def folder_of(**files):
    """A folder of texts, with the names in which an underscore stands for the dot."""
    folder = Path("folder of files")
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return str(folder)


def a_file(name, content=b"a\n"):
    Path(name).write_bytes(content)
    return name


def a_picture(name="a picture.png"):
    keras.utils.save_img(name, pictures(1)[0])
    return name


def a_wave(name="a.wav"):
    write_wave(name, np.zeros(4000, "float32"))
    return name


def a_model(name="m.keras"):
    classifier().save(name)
    return name


def weights_of(model, name="m.weights.h5"):
    model.save_weights(name)
    return name


def an_npz(name="pictures.npz"):
    np.savez(name, x=pictures(9, 4, 4), y=np.arange(9) % 3)
    return name


def conllu():
    return a_file("a.conllu", conllu_text().encode())


def conllu_text():
    row = "{}\t{}\t_\t{}\t_\t_\t_\t_\t_\t_\n"
    said = (f"{row.format(1, 'a', 'DET')}{row.format(2, n, 'NOUN')}" for n in range(60))
    return "".join(f"# sent_id = {n}\n{rows}\n" for n, rows in enumerate(said))


def class_folders():
    for kind in ("cats", "dogs"):
        Path("classes", kind).mkdir(parents=True, exist_ok=True)
        for n in range(5):
            # Equal ones would be of one split.
            keras.utils.save_img(f"classes/{kind}/{n}.png", pictures(10)[n + 5 * (kind == "dogs")])
    return "classes"


def captions_folder():
    Path("captioned").mkdir(exist_ok=True)
    for n in range(3):
        keras.utils.save_img(f"captioned/{n}.png", pictures(3)[n])
    rows = "".join(f"{n}.png,a dog {n}\n" for n in range(3))
    a_file("captioned/captions.csv", f"image,caption\n{rows}".encode())
    return "captioned"


def a_run():
    """A folder in which a training of two steps has ended."""
    kc.training.fit(compiled(), small_batches, steps_per_epoch=1, epochs=2, folder="run", verbose=0)
    return "run"


def examples():
    return ["one", "two"], [["un"], ["deux"]]


def share(answers, references):
    return {"right": float(np.mean([a in b for a, b in zip(answers, references, strict=True)]))}


def tensor_of(engine, *shape):
    """A tensor of any engine, whichever computes."""
    if engine == "torch":
        import torch

        return torch.ones(*shape)
    if engine == "jax":
        from jax import numpy

        return numpy.ones(shape)
    import tensorflow

    return tensorflow.ones(shape)


# Ways to spoil a sound thing. What cannot be spoilt in one way comes back as it was.


def _spoilt(function):
    @functools.wraps(function)
    def spoil(thing):
        try:
            return function(thing)
        # Whatever the thing is, it is only not spoilt.
        except Exception:
            return thing

    return spoil


SPOIL = {
    "empty": lambda x: x[:0],
    "first": lambda x: x[0],
    "twice": lambda x: np.concatenate([x, x]) if hasattr(x, "shape") else x + x,
    "deeper": lambda x: np.asarray(x)[None],
    "wider": lambda x: np.asarray(x)[..., None],
    "nans": lambda x: np.full(np.shape(x), np.nan, "f4"),
    "infinite": lambda x: np.full(np.shape(x), np.inf, "f4"),
    "negative": lambda x: -np.asarray(x),
    "huge": lambda x: np.asarray(x) * 1e30,
    "wholes": lambda x: np.asarray(x).astype("int64"),
    "halves": lambda x: np.asarray(x).astype("float16"),
    "doubles": lambda x: np.asarray(x).astype("float64"),
    "texts": lambda x: np.asarray(x).astype(str),
    "objects": lambda x: np.asarray(x, object),
    "complexes": lambda x: np.asarray(x).astype(complex),
    "a_list": lambda x: x.tolist() if hasattr(x, "tolist") else [*x],
    "a_tuple": tuple,
    "a_set": lambda x: set(map(str, x)),
    "an_iterator": iter,
    "a_series": lambda x: pd.Series(list(x)),
    "a_frame": lambda x: pd.DataFrame(np.asarray(x).reshape(len(x), -1)),
    "an_array": lambda x: np.asarray(x),
    "a_tensor": lambda x: keras.ops.convert_to_tensor(x),
    "a_text": str,
    "a_path": Path,
    "bytes_of": lambda x: x.encode(),
    "backwards": lambda x: x[::-1],
    "without_last": lambda x: x[:-1],
    "with_none": lambda x: [*x, None],
    "with_nothing": lambda x: [*x, type(x[0])()],
    "mixed": lambda x: [*x, 3, "a"],
}  # fmt: skip
SPOIL = {name: _spoilt(function) for name, function in SPOIL.items()}
globals().update(SPOIL)
NAMES = {name: value for name, value in globals().items() if not name.startswith("__")}
NAMES |= {
    "hostile": hostile, "encodings": encodings, "hand_worked": hand_worked, "rows_of": rows_of,
    "small_state": small_state, "tiny_decoder": tiny_decoder,
}  # fmt: skip
