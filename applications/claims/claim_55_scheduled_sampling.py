"""A captioner that learns from its own words, more and more of them, writes better ones.

Recurrent networks, scheduled sampling (Bengio et al. 2015, table 1: BLEU-4 of 28.8 for the
baseline, 30.6 for scheduled, 29.2 for uniform sampling, 11.2 for always feeding one's own words).
The four rows are measured anew, of captioners of drawn scenes. In a run of this project as short as
6 epochs of 3,000 scenes sampling brought nothing (36.0, 28.9, 33.7 and 5.1, see
`package/docs/measured.md`). So the size was chosen where the baseline must overfit, by trying the
baseline alone with another seed: 200 scenes of one object each, 1,000 steps of 32, a new word at
0.93 nats, one learnt from at 0.21. What a new word costs after the true ones before it, beside one
learnt from, tells whether it does; and whether it sees is told by scoring its captions against
those of other pictures.
"""

import keras

import keras_classics as kc
from claims.claim import UNDECIDED, Verdict, by_seed

PART = "Recurrent networks"
MINUTES = 9
CRITERION = (
    "The baseline sees, else it is undecided: with the pictures shuffled, its CIDEr-D is at most "
    "half of what it is with the true ones. It overfits: a word of new captions costs it at least "
    "1.5 times what one of those learnt from does. Then BLEU-4 of scheduled sampling is above the "
    "baseline's by 0.01 or more, that of uniform sampling is above the baseline's, and that of "
    "always is below half of it."
)
FURTHER = (
    "The first whole run failed, and says nothing of captions: its encoder ended in a tanh that "
    "lay at -1 or 1 for every picture at that learning rate, so that with one seed the baseline "
    "wrote one and the same caption for all 300. So the encoder was exchanged for one with "
    "normalisation and without a tanh, the learning rate was halved, the scenes were given one "
    "object in place of up to three, the epochs were made 160 of 200, and it was asked of the "
    "baseline that it see; what is claimed is as it was. Now it sees, and uniform sampling is "
    "better and always far worse, as in the paper, but the schedule costs 0.14 to 0.17: its words "
    "are its own in the end, before it has learned much (a word that it has learnt from costs 1.0 "
    "nats, 0.21 the baseline). Is it the end of the schedule? Falling in a line to a half of true "
    "words, BLEU-4 is 0.563, 0.600 and 0.584 by seed, to three quarters 0.589, 0.598 and 0.597, "
    "beside 0.578, 0.569 and 0.583 of the baseline: so with the paper's lower bound on true words "
    "the claim holds, by 0.011, 0.029 and 0.014, and a new word costs less as well."
)
# As the table has them, by the modes of kc.callbacks.ScheduledSampling.
MODES = {"baseline": "none", "scheduled": "model", "uniform": "uniform", "always": "always"}
MAX_WORDS, BATCH, EPOCHS = 16, 32, 160


def encoder():
    """From a picture to 64 numbers."""
    picture = x = keras.Input((32, 32, 3))
    for filters in (24, 48, 64):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.Activation("relu")(keras.layers.BatchNormalization()(x))
    # After a first verdict: a tanh here was at -1 or 1 for every picture.
    x = keras.layers.Dense(64)(keras.layers.Flatten()(x))
    return keras.Model(picture, keras.layers.LayerNormalization()(x))


def learnt(mode, part, vocabulary, epochs, seed):
    """A captioner that has learnt in a mode."""
    keras.utils.set_random_seed(seed)
    model = kc.models.captioner(encoder(), len(vocabulary), units=128)
    per_epoch = len(part.images) // BATCH
    model.compile(
        kc.training.cosine_adam(0.002, per_epoch * epochs),
        kc.training.unpadded_cross_entropy(),
        jit_compile=False,
    )
    batches = kc.data.caption_batches(
        part, vocabulary, max_words=MAX_WORDS, batch_size=BATCH, seed=seed
    )
    # Half way from the true words to its own after half of the steps.
    sampling = kc.callbacks.scheduled_sampling(mode, steps=per_epoch * epochs)
    model.fit(batches, steps_per_epoch=per_epoch, epochs=epochs, shuffle=False,
        callbacks=sampling, verbose=0)  # fmt: skip
    return model


def cost(model, part, vocabulary, steps):
    """Nats a word of the captions of some pictures, each after the true ones."""
    batches = kc.data.caption_batches(
        part, vocabulary, max_words=MAX_WORDS, batch_size=min(100, len(part.images)), seed=0
    )
    return float(model.evaluate(batches, steps=steps, verbose=0))


def measure(seed, quick):
    """A row for each mode."""
    sizes = {"train": 64, "test": 20} if quick else {"train": 200, "test": 300}
    sizes |= {"image_size": 32, "objects": (1, 1), "validation": 1}
    data = kc.data.load("scenes", seed=seed, **sizes)
    part, test = (kc.data.collect(each, "captions") for each in (data.train, data.test))
    vocabulary = kc.data.make_vocabulary("word", [text for each in part.captions for text in each])
    rows = []
    for name, mode in MODES.items():
        model = learnt(mode, part, vocabulary, 1 if quick else EPOCHS, seed)
        found = kc.models.caption(model, vocabulary, test.images, max_words=MAX_WORDS, width=2)
        captions = [best.text for best, *_ in found]
        figures = kc.training.caption_metrics(captions, test.captions, meteor=False)
        others = [*captions[1:], captions[0]]
        shuffled = kc.training.caption_metrics(others, test.captions, meteor=False)
        rows.append({"row": name, "BLEU-4": figures["BLEU-4"], "CIDEr-D": figures["CIDEr-D"],
            "shuffled": shuffled["CIDEr-D"], "captions": len(set(captions)),
            "learnt word": cost(model, part, vocabulary, 1 if quick else 2),
            "new word": cost(model, test, vocabulary, 1 if quick else 3)})  # fmt: skip
    return rows


def judge(rows):
    """By seed: whether the baseline sees and overfits, and the rows of the table."""
    held, sees = [], True
    for _, part in rows.groupby("seed"):
        table = part.set_index("row")
        bleu, base = table["BLEU-4"], table.loc["baseline"]
        sees = sees and base["shuffled"] <= base["CIDEr-D"] / 2
        held.append(
            {
                "the baseline overfits": base["new word"] >= 1.5 * base["learnt word"],
                "scheduled is better": bleu["scheduled"] >= bleu["baseline"] + 0.01,
                "uniform is better": bleu["uniform"] > bleu["baseline"],
                "always is below half": bleu["always"] < bleu["baseline"] / 2,
            }
        )
    mean = rows.groupby("row").mean(numeric_only=True).loc[list(MODES)]
    told = ", ".join(f"{name} {each['BLEU-4']:.3f}" for name, each in mean.iterrows())
    base = mean.loc["baseline"]
    found = by_seed(
        held,
        f"BLEU-4: {told}. CIDEr-D of the baseline is {base['CIDEr-D']:.2f}, with the pictures "
        f"shuffled {base['shuffled']:.2f}. A new word costs it {base['new word']:.2f} nats, one it "
        f"has learnt {base['learnt word']:.2f}.",
    )
    return found if sees else Verdict(UNDECIDED, f"The baseline does not see. {found.reason}")


def draw(rows, axes):
    """BLEU-4 by row of the table."""
    table = rows.pivot_table(index="seed", columns="row", values="BLEU-4")[list(MODES)]
    table.plot.bar(ax=axes, rot=0, ylabel="BLEU-4")
