"""Verbs of `recall.py` that learn nothing: what is stored, how much, and what annealing finds."""

from __future__ import annotations

import numpy as np

import keras_classics as kc

# What half of a picture is completed by, the oldest first.
MEMORIES = {
    "Hebb 1982": {"kind": "binary"},
    "projection": {"kind": "binary", "rule": "projection"},
    "dense 2016": {"kind": "dense", "power": 10},
    "softmax 2020": {"kind": "softmax"},
}
RULES = ("hebb", "projection")
QUEENS, CITIES, STARTS = 8, 10, 100
# Tours cool longer than queens.
COOLING = {"sweeps": 1000, "hottest": 0.5}

# A memory has a weight for each pair of its units: of so many, 64 MiB.
MOST_UNITS = 4096


def check_alike(pictures, data):
    """Refuse pictures of several sizes, and of more pixels than units."""
    sizes = sorted({each.shape[:2] for each in pictures})
    units = max(height * width for height, width in sizes)
    if len(sizes) > 1 or units > MOST_UNITS:
        told = ", ".join(f"{height} x {width}" for height, width in sizes[:3])
        raise kc.InputError(
            f"--stored-data {data} has pictures of {told}{', ...' if sizes[3:] else ''} pixels",
            f"pictures of one size, of {MOST_UNITS:,} pixels at most, as 64 x 64",
            "Resize them, or use --stored-data digits.",
        )


class Storing:
    """For a job with the settings `stored` and `stored_data`."""

    def recall(self):
        """Store pictures as states of two values, hide the lower half of each, complete it."""
        stored, shape = self.patterns()
        given = stored.copy()
        given[:, shape[0] // 2 * shape[1] :] = 0
        drawn, rows = {"given": given}, {}
        for name, memory in MEMORIES.items():
            network = kc.models.hopfield(stored, **memory)
            found = np.sign(network.predict(given, verbose=0))
            agreement = (found * stored).mean(axis=1)
            rows[name] = {
                "overlap": float(agreement.mean()),
                "exact": float(np.mean(agreement == 1)),
            }
            drawn[name] = found
        picture, shown = self.results / "completed.png", slice(self.settings.pictures)
        rows_drawn = {name: each[shown] for name, each in {**drawn, "stored": stored}.items()}
        kc.analysis.draw_completions(picture, rows_drawn, shape)
        title = f"{len(stored)} pictures of which the upper half is given"
        self.keep_figures("recall", rows, title, picture)

    def capacity(self):
        """Store ever more random patterns, and recall some with a tenth of the units wrong."""
        seed = self.settings.seed
        curves = {rule: kc.analysis.recall_by_load(rule=rule, seed=seed) for rule in RULES}
        rows = {
            f"{rule}, {point.load:g}": {"overlap": point.overlap, "exact": point.exact}
            for rule, points in curves.items() for point in points
        }  # fmt: skip
        picture = self.results / "capacity.png"
        kc.analysis.draw_recall(picture, curves)
        self.keep_figures("capacity", rows, "by rule, and patterns over units (300)", picture)

    def solve(self):
        """Queens on a board and tours of cities, from random starts by annealing."""
        seed = self.settings.seed
        energy = kc.models.queens_energy(QUEENS)
        boards = self.settled(energy)
        rows = {f"{QUEENS} queens": {"valid": float(kc.models.valid_queens(boards).mean())}}
        places = np.random.default_rng(seed).random((CITIES, 2))
        distances = np.linalg.norm(places[:, None] - places, axis=-1)
        valid, tours = kc.models.tours_of(self.settled(kc.models.tour_energy(distances), **COOLING))
        row = rows[f"{CITIES} cities"] = {"valid": float(valid.mean())}
        best = kc.models.shortest_tour(distances)
        if len(tours):
            lengths = kc.models.tour_lengths(tours, distances) / best
            row |= {"mean length": float(lengths.mean()), "least length": float(lengths.min())}
        title = f"{STARTS} starts each; lengths are shares of the shortest tour, {best:.3f}"
        self.keep_figures("solve", rows, title)

    def settled(self, energy, **cooling):
        """Where annealing leads from random starts."""
        seed = self.settings.seed
        network = kc.models.annealed_network(energy, seed=seed, **cooling)
        starts = kc.models.random_starts(energy, STARTS, seed=seed)
        return network.predict(starts, batch_size=STARTS, verbose=0)

    def patterns(self):
        """Pictures of one class after the other as -1 and +1 `(pictures, units)`; their shape."""
        data = kc.data.load(self.settings.stored_data, seed=self.settings.seed)
        part = kc.data.collect(data.train, "label", description="train")
        labels = part.labels
        rank = np.zeros(len(labels), int)
        for label in set(labels.tolist()):
            rank[labels == label] = np.arange(np.sum(labels == label))
        chosen = np.lexsort((labels, rank))[: self.settings.stored]
        pictures = [part.images[n] for n in chosen]
        check_alike(pictures, self.settings.stored_data)
        grey = np.stack(pictures).mean(axis=-1)
        middle = grey.mean(axis=(1, 2), keepdims=True)
        states = np.where(grey > middle, 1.0, -1.0).reshape(len(grey), -1).astype("float32")
        return states, grey.shape[1:]

    def keep_figures(self, verb, rows, title, picture=None):
        """Show figures, and keep them."""
        record = {**kc.jobs.describe_run(vars(self.settings)), "figures": rows}
        kc.jobs.write_json(self.results / f"{verb}.json", record)
        self.output.result(kc.jobs.metrics_table(rows, title), {verb: rows})
        if picture is not None:
            self.output.remark(f"picture: {picture}")
