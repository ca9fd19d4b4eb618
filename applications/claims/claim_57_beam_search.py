"""A beam costs K times what greedy search does, and loses little of what exhaustive search finds.

Recurrent networks, how the best sentence is found. Of T letters there are V^T sentences: greedy
search asks the network T times what comes next, a beam of K sentences K T times, for V letters each
time, exhaustive search more often with every letter. Networks are drawn here, as tables of what
follows any two letters, 100 for each pair of V and T: a search knows no more of a network than its
step. What the step is asked is counted, and what is found is compared with the best sentence there
is.
"""

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Recurrent networks"
MINUTES = 2
CRITERION = (
    "For one sentence of T signs, of which the last is the end and the others are V letters, the "
    "step is asked exactly T times by greedy search, K T times by a beam of K, and (V^T - 1) / (V "
    "- 1) times by exhaustive search; a beam as wide as there are beginnings finds the best "
    "sentence always; greedy search misses it in a quarter of the cases or more, and a beam of 16 "
    "makes good at least 95 % of what greedy search loses, in the mean over all cases of each "
    "size."
)
SIZES = ((4, 5), (4, 7), (8, 5))
WIDTHS = (2, 4, 8, 16)
END = 0


class Tables:
    """Networks that know the last two letters; counts for how many sentences they are asked."""

    def __init__(self, draw, cases, letters):
        size = letters + 1
        shares = draw.dirichlet(np.full(size, 0.5), (cases, size, size))
        self.logits = np.log(shares + 1e-9).astype("float32")
        self.asked = 0

    def start(self):
        """The state before any letter: the number of the network, and the letter before."""
        cases = keras.ops.arange(len(self.logits), dtype="int32")
        return {"case": cases, "before": keras.ops.zeros_like(cases) + END}

    def step(self, token, state):
        """What `kc.decoding` calls."""
        self.asked += len(token)
        places = (keras.ops.convert_to_numpy(each) for each in (*state.values(), token))
        said = self.logits[tuple(places)]
        return keras.ops.convert_to_tensor(said), {**state, "before": token}


def found(tables, search, length, **options):
    """How often the step was asked for one sentence, and log-probabilities of what was found."""
    tables.asked = 0
    told = search(
        tables.step, tables.start(), start=END, end=END, pad=-1, max_length=length,
        min_length=length, **options,
    )  # fmt: skip
    logs = keras.ops.convert_to_numpy(told.log_probabilities).reshape(len(tables.logits))
    return tables.asked / len(tables.logits), logs


def measure(seed, quick):
    """A row for each size and search."""
    draw, rows = np.random.default_rng(seed), []
    for letters, length in SIZES[:1] if quick else SIZES:
        tables = Tables(draw, 20 if quick else 100, letters)
        # The last of T is the end, so that the beginnings are one letter shorter.
        every = letters ** (length - 1)
        raw = {"length_penalty": None}
        asked, best = found(tables, kc.decoding.exhaustive, length, **raw)
        searches = {
            "exhaustive": (asked, best),
            "greedy": found(tables, kc.decoding.greedy, length),
        }
        for width in (*WIDTHS, every):
            beam = found(tables, kc.decoding.beam_search, length, width=width, **raw)
            searches["every" if width == every else f"beam {width}"] = beam
        for name, (asked, logs) in searches.items():
            rows.append({"letters": letters, "length": length, "search": name, "asked": asked,
                "best found": float((logs > best - 1e-4).mean()),
                "lost nats": float((best - logs).mean())})  # fmt: skip
    return rows


def judge(rows):
    """By seed: counts by the formulas, and what each search loses."""
    held = []
    for _, part in rows.groupby("seed"):
        fine = dict.fromkeys(("steps asked", "the widest beam", "greedy misses", "beam 16"), True)
        for (letters, length), own in part.groupby(["letters", "length"]):
            table = own.set_index("search")
            asked = {f"beam {width}": width * length for width in WIDTHS}
            asked |= {"greedy": length, "every": letters ** (length - 1) * length,
                "exhaustive": (letters**length - 1) // (letters - 1)}  # fmt: skip
            best, lost = table["best found"], table["lost nats"]
            now = {
                "steps asked": all(table["asked"][name] == count for name, count in asked.items()),
                "the widest beam": best["every"] == 1,
                "greedy misses": best["greedy"] <= 0.75,
                "beam 16": lost["beam 16"] <= 0.05 * lost["greedy"],
            }
            fine = {name: each and now[name] for name, each in fine.items()}
        held.append(fine)
    largest = rows[(rows["letters"] == rows["letters"].max())].groupby("search").mean(True)
    told = ", ".join(
        f"{name} {largest['best found'][name]:.0%} ({largest['asked'][name]:,.0f})"
        for name in ("greedy", "beam 4", "beam 16", "exhaustive")
    )
    return by_seed(held, f"The best sentence found with most letters (asked so often): {told}.")


def draw(rows, axes):
    """What is lost, by what is asked."""
    for (letters, length), own in rows.groupby(["letters", "length"]):
        mean = own[own["search"] != "every"].groupby("search").mean(numeric_only=True)
        mean = mean.sort_values("asked")
        label = f"{letters} letters, sentences of {length}"
        axes.plot(mean["asked"], mean["lost nats"], "o-", label=label)
    axes.set(xscale="log", xlabel="sentences the network is asked about: greedy, beams of 2 to 16, "
        "exhaustive", ylabel="nats lost")  # fmt: skip
    axes.legend()
