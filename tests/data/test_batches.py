"""One batcher for all: the same batches under every backend, from any number on."""

import numpy as np
import pytest

import keras_classics as kc
from keras_classics.data.batches import Axes, Visits, even_parts, pad_arrays, stream
from support import run_on, run_python


def test_an_epoch_visits_each_example_once_in_an_order_of_its_own():
    visits = Visits(23, 5, seed=1)
    assert visits.steps == 4
    seen = [visits(number) for number in range(8)]
    assert [(epoch, place) for epoch, place, _ in seen] == [
        (e, p) for e in (0, 1) for p in range(4)
    ]
    for epoch in (seen[:4], seen[4:]):
        assert len(set(np.concatenate([chosen for *_, chosen in epoch]).tolist())) == 20
    np.testing.assert_array_equal(Visits(23, 5, seed=1)(6)[2], seen[6][2])
    assert not np.array_equal(Visits(23, 5, seed=2)(6)[2], seen[6][2])
    with pytest.raises(kc.InputError, match="4 training examples were given for batches of 5"):
        Visits(4, 5, seed=1)
    # Not at the first batch, within the engine.
    with pytest.raises(kc.InputError, match="seed=-1 was given"):
        Visits(23, 5, seed=-1)


def test_examples_of_about_one_length_are_together():
    lengths = np.random.default_rng(0).integers(1, 100, (2, 400))
    visits = Visits(400, 10, 3, lengths)
    ranges = [np.ptp(lengths[0, visits(number)[2]]) for number in range(40)]
    assert np.mean(ranges) < 10


def test_parts_are_of_about_one_size():
    parts = even_parts(10, 4)
    assert [len(part) for part in parts] == [4, 3, 3]
    assert np.concatenate(parts).tolist() == list(range(10))


def test_arrays_are_padded_to_a_multiple_and_what_is_beyond():
    rows = [np.arange(1, n + 1, dtype="int32") for n in (3, 6)]
    assert pad_arrays(rows).tolist() == [[1, 2, 3, 0, 0, 0], [1, 2, 3, 4, 5, 6]]
    assert pad_arrays(rows, 4).shape == (2, 8)
    assert pad_arrays(rows, 4, beyond=1).shape == (2, 9)
    assert pad_arrays([np.ones((2, 3, 1)), np.ones((2, 5, 1))], 4, axis=1).shape == (2, 2, 8, 1)


@pytest.mark.parametrize("count", [None, 5])
def test_a_stream_begins_at_any_number_and_ends_with_the_last(count):
    def make(number):
        return {"x": np.full((2, number + 1), number)}, np.array([number, number])

    like = ({"x": Axes((2, None), "float32")}, Axes((2,), "int32"))
    batches = zip(stream(make, like, first=3, count=count), range(4), strict=False)
    found = [y.numpy()[0] for (_, y), _ in batches]
    assert found == ([3, 4] if count else [3, 4, 5, 6])
    with pytest.raises(kc.InputError, match="first=-1 was given"):
        stream(make, like, first=-1, count=count)
    twice = stream(make, like, then=lambda given, y: (given["x"] * 2, y))
    assert next(iter(twice.skip(3)))[0].numpy().tolist() == [[6.0] * 4] * 2


def test_rows_of_arrays_stay_together_each_once_in_an_epoch_from_any_batch_on():
    x, y = np.arange(22, dtype="float32").reshape(11, 2), np.arange(11)
    batches = kc.data.array_batches(x, y, batch_size=3, seed=4).take(6)
    pairs = [(given.numpy(), told.numpy()) for given, told in batches]
    for given, told in pairs:
        assert given.shape == (3, 2) and told.dtype == y.dtype
        np.testing.assert_array_equal(given, x[told])
    for epoch in (0, 1):
        seen = np.concatenate([told for _, told in pairs[3 * epoch : 3 * epoch + 3]])
        expected = np.random.default_rng([4, epoch]).permutation(11)[:9]
        np.testing.assert_array_equal(seen, expected)
    later = next(iter(kc.data.array_batches(x, y, batch_size=3, seed=4, first=4)))
    np.testing.assert_array_equal(later[1].numpy(), pairs[4][1])
    (alone,) = next(iter(kc.data.array_batches(x, batch_size=3, seed=4)))
    np.testing.assert_array_equal(alone.numpy(), pairs[0][0])
    with pytest.raises(kc.InputError, match="Arrays of 10 and 11 rows were given"):
        kc.data.array_batches(x, y[:10], batch_size=3, seed=4)
    with pytest.raises(kc.InputError, match="Arrays of no rows were given"):
        kc.data.array_batches(batch_size=3, seed=4)


PROGRAM = """
import sys
import numpy as np
import keras
import keras_classics as kc

assert keras.backend.backend() == {backend!r}
scenes = kc.data.load("scenes", train=40, validation=6, test=4, image_size=32)
part = kc.data.collect(scenes.train, "label")
folder = kc.data.load("folder:{folder}")
pictures = kc.data.collect(folder.train, "label")
texts = kc.data.load("phrases", train=50, validation=5, test=5, languages=("en", "fr"))
vocabulary = kc.data.make_vocabulary("word", texts.train.texts["en"])
rows, _ = kc.data.encode_sentences(texts.train.texts["en"], vocabulary, 9)
recipe = kc.training.quick_recipe(kc.models.LeNet5Modern(), mirror=True)
made = kc.data.fit_preparation(recipe, pictures.images, size=8)
captioned = kc.data.collect(scenes.train, "captions")
words = kc.data.Vocabulary.from_captions([t for each in captioned.captions for t in each])
settings = {{"batch_size": 4, "seed": 5, "first": 3}}
streams = {{
    "classes": kc.data.classified_batches(pictures, made, classes=2, **settings),
    "captions": kc.data.caption_batches(captioned, words, max_words=12, **settings),
    "pairs": kc.data.translation_batches(rows, rows, **settings),
    "windows": kc.data.text_windows([np.arange(90)], batch_size=2, k1=5).batches(3),
}}
found = {{}}
for name, stream in streams.items():
    batches = [batch for batch, _ in zip(stream, range(3))]
    for number, each in enumerate(keras.tree.flatten(batches)):
        found[f"{{name}}{{number}}"] = keras.ops.convert_to_numpy(each)
model = keras.Sequential(
    [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
)
model.compile("sgd", "categorical_crossentropy")
validation = kc.data.validation_batches(pictures, made, classes=2, batch_size=5)
model.fit(streams["classes"], steps_per_epoch=2, validation_data=validation, verbose=0)
kc.data.predict_classes(model, made, pictures.images)
np.savez({out!r}, **found)
assert {backend!r} == "tensorflow" or "tensorflow" not in sys.modules
"""


@pytest.mark.slow
def test_batches_are_the_same_under_every_backend_and_only_one_imports_tensorflow(tmp_path):
    from PIL import Image

    for n in range(20):
        path = tmp_path / "pictures" / "ab"[n % 2] / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = np.random.default_rng(n).integers(0, 256, (9 + n, 12, 3), "uint8")
        Image.fromarray(image).save(path)
    found = {}
    for backend in ("tensorflow", "jax", "torch"):
        out = str(tmp_path / f"{backend}.npz")
        program = PROGRAM.format(backend=backend, folder=tmp_path / "pictures", out=out)
        if backend == "tensorflow":
            run_on(backend, program)
        else:
            run_python(program, backend=backend)
        found[backend] = dict(np.load(out))
    for backend in ("jax", "torch"):
        assert found[backend].keys() == found["tensorflow"].keys()
        for name, array in found["tensorflow"].items():
            # A compiler may divide by multiplication: a unit in the last place, of -1 to 1.
            np.testing.assert_allclose(found[backend][name], array, atol=2e-7, err_msg=name)
