"""The rows of the table of formats: small networks, and exports with everything inside."""

from __future__ import annotations

from functools import cache, partial

import numpy as np

import keras_classics as kc

# A small member of each family: name and arguments.
FAMILIES = {
    "alexnet": ("alexnet", {"width": 0.1, "dense_units": 32, "input_shape": (67, 67, 3),
                            "classes": 4}),
    "binary": ("bwn_alexnet", {"width": 0.1, "dense_units": 32, "input_shape": (63, 63, 3),
                               "classes": 4}),
    "binary (XNOR)": ("xnor_alexnet", {"width": 0.1, "dense_units": 32, "classes": 4,
                                       "input_shape": (63, 63, 3)}),
    "delta_orthogonal": ("delta_orthogonal_1250_mnist", {"depth": 5, "width": 0.25, "classes": 4,
                                                         "input_shape": (16, 16, 1)}),
    "densenet": ("densenet_bc_100_k12_cifar", {"width": 0.25, "input_shape": (8, 8, 3),
                                               "classes": 4, "repeats": (2, 1)}),
    "diracnet": ("diracnet_34_2_cifar", {"width": 0.25, "input_shape": (8, 8, 3), "classes": 4,
                                         "units": (1, 2)}),
    "fabric": ("fabric_sparse_mnist", {"width": 0.25, "input_shape": (4, 4, 1), "classes": 4,
                                       "depth": 2}),
    "fractalnet": ("fractalnet_20_cifar", {"width": 0.125, "input_shape": (8, 8, 3), "classes": 4,
                                           "filters": (64, 64), "dropout": (0.0, 0.1)}),
    "googlenet": ("googlenet", {"width": 0.25, "input_shape": (32, 32, 3), "classes": 4,
                                "modules": [[[16, 16, 32, 8, 16, 16]]] * 3}),
    "highway": ("highway_conv_10_mnist", {"width": 0.25, "input_shape": (12, 12, 1), "classes": 4,
                                          "gated": (1, 1, 1)}),
    "inception": ("inception_resnet_v2_released", {"width": 0.05, "input_shape": (75, 75, 3),
                                                   "classes": 4, "repeats": (1, 0, 0)}),
    "lenet": ("lenet_5", {}),
    "maxout": ("maxout_cifar", {"width": 0.1, "units": 20, "input_shape": (16, 16, 3),
                                "classes": 4}),
    "mlp": ("mlp_skip_mnist", {"width": 0.1, "classes": 4}),
    "nin": ("nin_cifar", {"width": 0.1, "input_shape": (16, 16, 3), "classes": 4}),
    "perceptron": ("perceptron", {"classes": 4}),
    "randwire": ("randwire_small", {"width": 0.1, "input_shape": (64, 64, 3), "classes": 4,
                                    "graphs": [[[0, 2], [1, 2], [2, 3], [2, 4]]] * 3}),
    "resnet": ("resnet_20_cifar", {"width": 0.5, "classes": 4, "repeats": (1, 1, 1)}),
    "resnet_v2": ("resnet_164_v2_cifar", {"width": 0.5, "input_shape": (8, 8, 3), "classes": 4,
                                          "repeats": (1, 1)}),
    "resnext": ("resnext_50_2x40d", {"width": 0.125, "input_shape": (32, 32, 3), "classes": 4,
                                     "repeats": (1, 1)}),
    "road": ("road_alexnet", {"width": 0.1, "input_shape": (20, 40, 3), "scale": 2.0,
                              "pooling": "avg"}),
    "simpnet": ("simpnet_300k_cifar", {"width": 0.2, "input_shape": (8, 8, 3), "classes": 4}),
    "squeezenet": ("squeezenet_1_1", {"width": 0.5, "input_shape": (32, 32, 3), "classes": 4,
                                      "squeeze": ((16,), (16, 16)), "bypass": True}),
    "vgg": ("vgg_a_lrn", {"width": 0.1, "dense_units": 32, "input_shape": (32, 32, 3),
                          "classes": 4}),
    "wide_resnet": ("wide_resnet_16_8_cifar", {"width": 0.125, "input_shape": (8, 8, 3),
                                               "classes": 4, "units": 1}),
    "zfnet": ("zfnet", {"width": 0.1, "dense_units": 32, "input_shape": (53, 53, 3),
                        "classes": 4}),
}  # fmt: skip

# Those with a layer or a cell of our own.
CELLS = (
    "jordan", "gru_course", "lstm_peephole", "multiplicative_lstm", "highway", "deep_transition",
)  # fmt: skip


def network(name: str, *arguments, **settings):
    """One of `kc.models`, which needs an engine."""
    return getattr(kc.models, name)(*arguments, **settings)


def topology(name: str, **arguments):
    """A small recurrent network."""
    sizes = {"input_size": 3} if name.startswith("one") else {"vocabulary_size": 7}
    return kc.models.rnn(name, outputs=4, units=4, **{**sizes, **arguments})


def reading_in_two_dimensions():
    """A layer of multidimensional LSTM over pictures."""
    import keras

    image = keras.Input((6, 5, 2), name="image")
    return keras.Model(image, kc.layers.MultiDimensionalLSTM(3)(image))


SEQUENCES = {
    **{
        f"rnn, {name}": partial(topology, name)
        for name in ("one_to_one", "one_to_many", "many_to_one", "many_to_many", "encoder_decoder")
    },
    **{f"rnn, {cell}": partial(topology, "many_to_one", cell=cell) for cell in CELLS},
    "multidimensional LSTM": reading_in_two_dimensions,
    "language model": partial(network, "language_model", 9, 4, 2),
    "tagger": partial(network, "tagger", classes=4, vocabulary_size=9, units=4),
    "sequence classifier": partial(
        network, "sequence_classifier", classes=4, vocabulary_size=9, units=4
    ),
    "recogniser": partial(
        network, "ctc_recognizer",
        labels=4, input_shape=(12, None, 1), filters=(4,), strides=(2,), units=4,
    ),
    "translator": partial(network, "translator", 9, 8, units=4),
    "translator, additive attention": partial(
        network, "translator", 9, 8, units=4, attention="additive", bidirectional=True
    ),
}  # fmt: skip


@cache
def words():
    """The vocabulary of what answers in text."""
    return kc.data.Vocabulary("a red blue circle square left right of the".split())


def classifier(path, format):
    """LeNet with resizing and names of classes."""
    model = kc.models.LeNet5Modern(classes=4)
    pictures = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), "uint8")
    preparation = kc.data.fit_preparation(
        kc.training.quick_recipe(model), pictures, size=32, channels=1
    )
    return kc.export.export_classifier(
        model, preparation, ["a", "b", "c", "d"], path, format=format
    )


def captioner(attention, path, format):
    """A captioner with beam search and vocabulary."""
    import keras

    encoder = kc.models.LeNet5Modern(input_shape=(32, 32, 3), include_top=False)
    if attention is None:
        encoder = keras.Model(encoder.input, keras.layers.GlobalAveragePooling2D()(encoder.output))
    model = kc.models.captioner(encoder, len(words()), 4, attention=attention)
    return kc.export.export_captioner(
        model, words(), path, image_size=(32, 32), max_words=5, width=3, n_best=2, format=format
    )


def translator(attention, path, format):
    """A translator with both vocabularies and beam search."""
    model = kc.models.translator(len(words()), len(words()), units=4, attention=attention)
    return kc.export.export_translator(
        model, words(), words(), path, max_words=5, width=3, n_best=2, format=format
    )


def recognizer(path, format):
    """A recogniser with the search over labellings."""
    model = SEQUENCES["recogniser"]()
    return kc.export.export_recognizer(model, "1234", path, width=4, n_best=2, format=format)


def labeller(path, format):
    """A tagger with its units and names of classes."""
    units = kc.data.Units(["the", "red", "square"], "word")
    model = kc.models.tagger(classes=3, vocabulary_size=len(units), units=4)
    return kc.export.export_text_labeller(model, units, ["D", "A", "N"], path, format=format)


INSIDE = {
    "classifier": classifier,
    "captioner": partial(captioner, None),
    "captioner, additive attention": partial(captioner, "additive"),
    "translator with search": partial(translator, None),
    "translator with search, additive attention": partial(translator, "additive"),
    "recogniser with search": recognizer,
    "labeller of texts": labeller,
}
