"""RTRL finds the gradient of BPTT with no past to keep, at a cost that grows far faster in units.

Recurrent networks, learning forward in time and backpropagation through time. For Elman, GRU and
LSTM the gradients of both are compared along 30 steps. What RTRL has to keep is counted, and a step
of it is timed for 8 to 64 units. Then the gradient of the last loss, cut off 1 to 30 steps back, is
compared with the whole.
"""

import time

import keras
import numpy as np

import keras_classics as kc
from claims.claim import by_seed

PART = "Recurrent networks"
MINUTES = 2
CRITERION = (
    "The gradients differ by at most a thousandth of their length; RTRL of Elman units keeps as "
    "many numbers after 100 steps as after 10, six times as many or more with twice the units, and "
    "takes four times as long or more with 64 units as with 16; and with every cell each wider "
    "window is nearer to the whole gradient."
)
FURTHER = (
    "Only the time failed: a step took 1.3 to 2.8 ms with 8 to 64 units, most of it the cost of a "
    "call. At 128 units it takes 17 ms, at 256 units 157 ms, nine times as long for twice the "
    "units, and keeps 4.3 and 34 million numbers: the growth that is claimed begins where the "
    "sums outweigh the call."
)
INPUTS, STEPS, WINDOWS = 3, 30, (1, 2, 4, 8, 16)


def trainer_of(kind, units):
    """A cell, a unit that reads it, and what learns forward in time."""
    cell = kc.layers.recurrent_layer(kind, units).cell
    return kc.training.ForwardTrainer(cell, keras.layers.Dense(1))


def data(draw, steps):
    """Sequences of noise, and at each step the mean of the last five values of one input."""
    x = draw.normal(size=(2, steps, INPUTS)).astype("float32")
    past = np.pad(x[:, :, 0], ((0, 0), (4, 0)))
    y = np.mean([past[:, each : each + steps] for each in range(5)], axis=0)
    return x, y[..., None].astype("float32")


def flat(arrays):
    """All numbers in a row."""
    return np.concatenate([np.asarray(each).ravel() for each in arrays])


def step_of(model, x, y):
    """The gradient of a model's loss: a step of plain descent at the rate of 1, taken back."""
    weights = model.get_weights()
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(x, y)
    found = flat(weights) - flat(model.get_weights())
    model.set_weights(weights)
    return found


def backwards(trainer, kind, x, y):
    """The gradient through time, in the order of the trainer's, of the losses of all steps."""
    sequence = keras.Input((None, INPUTS))
    layer, readout = kc.layers.recurrent_layer(kind, trainer.cell.units), keras.layers.Dense(1)
    model = keras.Model(sequence, readout(layer(sequence)))
    model.set_weights([*trainer.cell.get_weights(), *trainer.readout.get_weights()])
    # Keras takes the mean over the steps, the trainer the sum.
    return step_of(model, x, y) * x.shape[1]


def cut_off(kind, units, x, y):
    """How far the gradient of the last loss is from the whole, for each window."""
    sequence = keras.Input((STEPS, INPUTS))
    layer = kc.layers.recurrent_layer(kind, units, return_state=True)
    readout = keras.layers.Dense(1)
    _, *states = layer(sequence)
    whole = step_of(keras.Model(sequence, readout(states[0])), x, y[:, -1])
    for window in WINDOWS:
        _, *states = layer(sequence[:, :-window])
        states = [keras.ops.stop_gradient(each) for each in states]
        _, last, *_ = layer(sequence[:, -window:], initial_state=states)
        part = step_of(keras.Model(sequence, readout(last)), x, y[:, -1])
        yield window, float(np.linalg.norm(part - whole) / np.linalg.norm(whole))


def cost(units, draw):
    """Numbers that RTRL keeps after 10 and 100 steps, and the seconds of a step."""
    trainer, kept = trainer_of("elman", units), []
    for steps in (10, 100):
        trainer.gradients(*data(draw, steps))
        kept.append(sum(np.size(each) for each in [trainer.states, *trainer.influence]))
    x, y = data(draw, 50)
    seconds = []
    for each in range(50):
        begun = time.perf_counter()
        trainer.step(x[:, each], y[:, each])
        seconds.append(time.perf_counter() - begun)
    return {"what": "cost", "units": units, "kept 10": kept[0], "kept 100": kept[1],
        "seconds": float(np.median(seconds))}  # fmt: skip


def measure(seed, quick):
    """Rows of gradients, of costs and of windows."""
    draw, rows = np.random.default_rng(seed), []
    x, y = data(draw, STEPS)
    for kind in ("elman",) if quick else ("elman", "gru", "lstm"):
        trainer = trainer_of(kind, 8)
        forward = flat(trainer.gradients(x, y)[1])
        apart = np.linalg.norm(forward - backwards(trainer, kind, x, y)) / np.linalg.norm(forward)
        rows.append({"what": "gradient", "cell": kind, "apart": float(apart)})
        rows += [
            {"what": "window", "cell": kind, "window": window, "apart": apart}
            for window, apart in cut_off(kind, 8, x, y)
        ]
    return rows + [cost(units, draw) for units in ((8, 16) if quick else (8, 16, 32, 64))]


def judge(rows):
    """By seed: gradients, costs, windows."""
    held = []
    for _, part in rows.groupby("seed"):
        cost = part[part["what"] == "cost"].set_index("units")
        windows = part[part["what"] == "window"].pivot(index="cell", columns="window")["apart"]
        held.append(
            {
                "gradients": part["apart"][part["what"] == "gradient"].max() <= 1e-3,
                "numbers kept by steps": (cost["kept 10"] == cost["kept 100"]).all(),
                "numbers kept by units": (
                    cost["kept 10"].to_numpy()[1:] >= 6 * cost["kept 10"].to_numpy()[:-1]
                ).all(),
                "time by units": cost["seconds"].iloc[-1] >= 4 * cost["seconds"].loc[16],
                "windows": (np.diff(windows, axis=1) < 0).all(),
            }
        )
    cost = rows[rows["what"] == "cost"].groupby("units").mean(numeric_only=True)
    windows = rows[rows["what"] == "window"].groupby("window")["apart"].mean()
    told = ", ".join(f"{window:.0f} steps {apart:.1%}" for window, apart in windows.items())
    return by_seed(
        held,
        f"Gradients differ by {rows['apart'][rows['what'] == 'gradient'].max():.1g} at most. RTRL "
        f"keeps {cost['kept 10'].iloc[0]:,.0f} numbers with {cost.index[0]:.0f} units and "
        f"{cost['kept 10'].iloc[-1]:,.0f} with {cost.index[-1]:.0f}, in "
        f"{1e3 * cost['seconds'].iloc[0]:.1f} and {1e3 * cost['seconds'].iloc[-1]:.1f} ms a step. "
        f"Missing in windows of {told}.",
    )


def draw(rows, axes):
    """What windows miss, by cell."""
    for kind, part in rows[rows["what"] == "window"].groupby("cell"):
        mean = part.groupby("window")["apart"].mean()
        axes.loglog(mean.index, mean, "o-", label=kind)
    axes.set(xlabel="steps of the past in the window", ylabel="missing of the gradient")
    axes.legend()
