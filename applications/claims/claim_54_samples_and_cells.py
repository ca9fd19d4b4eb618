"""A network of letters learns to write step by step, and single cells keep track of the text.

Recurrent networks, what Karpathy's networks of letters write and know. An LSTM learns Python's own
library in windows of 50 letters, states carried on. After 30, 100, 300, 700 and 2,000 iterations it
writes 3,000 letters, and the share of its words of three letters or more that the training text has
is counted, beside that of a writer which draws each letter by the one before it. Then for all that
`kc.analysis.text_targets` knows of each letter (inside a string, brackets open, place in the line,
...) the cell that follows it best is chosen on one half of 20,000 new letters and tested on the
other: whether it does so better than chance, than the last two letters, and than before training.
"""

import re

import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Recurrent networks"
MINUTES = 4
CRITERION = (
    "From each number of iterations from 100 on to the next the share of known words does not fall "
    "by more than 2 points, it rises by 20 or more from 30 to 2,000 iterations, and ends above "
    "that of the writer by pairs by 20 or more; cells follow three or more targets, one of them "
    "with a correlation of 0.7 or more, and holding still the cell of each of these three makes "
    "the next letter cost more where its target holds."
)
FURTHER = (
    "All that is asked held with every seed but the correlation of the best cell, 0.74, 0.66 and "
    "0.62 where 0.7 was asked. With the second seed, which had 0.66, 8,000 iterations in place of "
    "2,000 let 63 % of the words be known, not 30, and the best cell is at 0.66 again, that of "
    "the brackets open. So longer learning is not what single cells want; whether more of them "
    "do, as the lecture's network has, was not looked into."
)
ITERATIONS = (30, 100, 300, 700, 2000)
ROWS, WINDOW, WRITTEN = 32, 50, 3000
WORD = re.compile("[A-Za-z]{3,}")


def known_share(text, words):
    """Of the words of a text, those that the training text has."""
    written = WORD.findall(text)
    return float(np.mean([word in words for word in written])) if written else 0.0


def by_pairs(ids, size, draw):
    """Letters that are drawn by the letter before them, as often as the text has them so."""
    counts = np.zeros((size, size))
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    # The text's last letter may be one that nothing follows.
    shares = np.cumsum((counts + 1e-9) / (counts + 1e-9).sum(1, keepdims=True), axis=1)
    written = [int(ids[0])]
    for chance in draw.random(WRITTEN):
        written.append(min(size - 1, int(np.searchsorted(shares[written[-1]], chance))))
    return written


def measure(seed, quick):
    """Rows of samples by iteration, and of targets."""
    data = kc.data.load("source_code", seed=seed, characters=60_000 if quick else 500_000)
    documents = [*data.train, *data.validation, *data.test]
    alphabet = kc.data.Alphabet.from_texts(each.text for each in documents)
    encoded = [alphabet.encode(each.text) for each in data.train]
    windows = kc.data.text_windows(encoded, batch_size=ROWS, k1=WINDOW)
    model = kc.models.language_model(len(alphabet), units=128, depth=1)
    trainer = kc.training.TruncatedBPTT(model, batch_size=ROWS, k1=WINDOW)
    iterations = (3, 10) if quick else ITERATIONS
    rate = kc.training.cosine_adam(0.005, iterations[-1])
    kc.training.compile_reader(trainer, rate)
    writer = kc.decoding.TextWriter(
        kc.models.split_language_model(model), alphabet, length=WRITTEN, seed=seed
    )
    texts = {}
    trainer.fit(windows.batches(), steps_per_epoch=iterations[-1], shuffle=False, verbose=0,
        callbacks=[kc.callbacks.Samples(writer, texts.__setitem__, iterations)])  # fmt: skip
    words = set(WORD.findall("\n".join(each.text for each in data.train)))
    pairs = by_pairs(np.concatenate(encoded), len(alphabet), np.random.default_rng(seed))
    rows = [{"what": "by pairs", "known": known_share(alphabet.decode(pairs), words)}]
    for number, text in texts.items():
        rows.append({"what": "sample", "iteration": number, "known": known_share(text, words),
            "text": " ".join(text[-60:].split())})  # fmt: skip
    findings, _ = kc.analysis.find_cells(
        model, [*data.test, *data.validation], alphabet, seed=seed, shifts=9 if quick else 99,
        characters=4000 if quick else 20_000, length=1000, class_names=data.info.classes,
    )  # fmt: skip
    for each in findings:
        rows.append({"what": each.target, "cell": each.cell, "follows": int(each.follows),
            "correlation": each.correlation, "untrained": each.untrained, "pairs": each.bigram,
            "rise": each.rise_on})  # fmt: skip
    return rows


def judge(rows):
    """By seed: the rise of known words, and the cells that follow something."""
    held, best = [], []
    for _, part in rows.groupby("seed"):
        samples = part[part["what"] == "sample"].sort_values("iteration")["known"].to_numpy()
        pairs = part[part["what"] == "by pairs"]["known"].item()
        cells = part[(part["follows"] == 1) & (part["rise"] > 0)]
        best.append(cells["correlation"].abs().max())
        held.append(
            {
                "no fall of known words": (np.diff(samples[1:]) >= -0.02).all(),
                "the rise of known words": samples[-1] - samples[0] >= 0.2,
                "known words against pairs": samples[-1] - pairs >= 0.2,
                "three targets": len(cells) >= 3,
                "a correlation of 0.7": best[-1] >= 0.7,
            }
        )
    samples = rows[rows["what"] == "sample"].groupby("iteration")["known"].mean()
    told = ", ".join(f"{number:,.0f} {share:.0%}" for number, share in samples.items())
    cells = rows[(rows["follows"] == 1) & (rows["rise"] > 0)]
    named = cells.groupby("what")["correlation"].agg(lambda own: own.abs().mean())
    named = named.sort_values(ascending=False)[:5]
    return by_seed(
        held,
        f"Known words by iterations: {told}; by pairs of letters "
        f"{rows[rows['what'] == 'by pairs']['known'].mean():.0%}. Cells follow "
        f"{', '.join(f'{name} ({share:.2f})' for name, share in named.items()) or 'nothing'}.",
    )


def draw(rows, axes):
    """Known words by iteration."""
    for seed, part in rows[rows["what"] == "sample"].groupby("seed"):
        axes.semilogx(part["iteration"], part["known"], "o-", label=f"seed {seed}")
    pairs = rows[rows["what"] == "by pairs"]["known"].mean()
    axes.axhline(pairs, color="k", linestyle="--", label="by pairs of letters")
    axes.set(xlabel="iterations", ylabel="share of known words", ylim=(0, 1))
    axes.legend()
