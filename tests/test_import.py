"""What `import keras_classics` does and what it leaves for later."""

from support import run_python

BEYOND_KERAS = """if True:
    import sys
    import keras

    before = {name.partition(".")[0] for name in sys.modules}
    import keras_classics as kc

    brought = {name.partition(".")[0] for name in sys.modules} - before
    print(sorted(brought - sys.stdlib_module_names))
    print([name for name in ("callbacks", "export", "cli") if name in vars(kc)])
    print(kc.analysis.cam.__name__, kc.cli.main.__name__, "export" in dir(kc))
    print(hasattr(kc, "nothing"))
"""

REGISTERED = """if True:
    import importlib, pkgutil

    def keys():
        registered = keras.saving.get_custom_objects()
        return {key for key in registered if key.startswith("keras_classics>")}

    found, models = keys(), kc.list_models()
    for each in pkgutil.walk_packages(kc.__path__, "keras_classics."):
        if not each.name.endswith(("on_jax", "__main__")):
            importlib.import_module(each.name)
    print(len(found) > 50, sorted(keys() - found), kc.list_models() == models)
"""


def test_it_brings_no_library_that_keras_did_not_and_registers_all_there_is():
    # Plotting or tables of data take seconds, from who needs none.
    first, *others, last = run_python(BEYOND_KERAS + REGISTERED).splitlines()
    assert first == "['keras_classics']"
    assert others == ["[]", "cam main True", "False"]
    # Whatever a file of Keras can name is known though most rooms have not been imported.
    assert last == "True [] True"


def test_without_tensorflow_none_is_imported():
    assert run_python(BEYOND_KERAS, backend="jax").splitlines()[0] == "['keras_classics']"


def test_weights_are_known_by_name_before_their_room_was_asked_for():
    # Refused by what knows ImageNet's weights, and not as the path of a file.
    code = """if True:
        import warnings
        import keras_classics as kc

        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            kc.models.VGG16(input_shape=(32, 32, 3), include_top=False)
        print(*[each.message for each in said])
        try:
            kc.models.VGG16(weights="imagenet", classes=10)
        except kc.InputError as error:
            print(error)
    """
    said, refused = run_python(code).splitlines()
    assert "keras.applications would have loaded ImageNet's" in said
    assert "replace_head(model, classes)" in refused


WITHOUT_TENSORFLOW = """if True:
    import sys

    sys.modules["tensorflow"] = None
    import keras_classics as kc

    few = {"train": 12, "validation": 4, "test": 4}
    scenes = kc.data.load("scenes", **few, objects=(1, 1), image_size=32)
    digits, phrases = kc.data.load("digits"), kc.data.load("phrases", **few)
    part = kc.data.collect(scenes.train, "label")
    model, recipe, taken = kc.training.design_classifier("lenet_5_modern", scenes.info)
    preparation = kc.data.fit_preparation(recipe, part.images, **taken)
    batches = kc.data.classified_batches(part, preparation, batch_size=4, seed=0, classes=8)
    kc.training.compile_model(model, recipe, steps_per_epoch=3, epochs=1)
    loss = model.fit(batches, steps_per_epoch=3, verbose=0).history["loss"]
    numbers = kc.data.Alphabet("ab").encode("ab" * 300)
    windows = kc.data.text_windows([numbers], batch_size=2, k1=5, k2=5)
    print(len(digits.info.classes), len(phrases.train), len(loss), len(next(iter(windows.batches()))))
"""


def test_data_and_training_on_jax_need_no_tensorflow():
    assert run_python(WITHOUT_TENSORFLOW, backend="jax").split() == ["10", "12", "1", "3"]
