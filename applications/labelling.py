"""Labels for sequences: one each, one for every step, or in order at unknown places (CTC).

Without a verb the whole job: train (with progress, resumable), evaluate with the field's metrics,
export, and answer one query from the exported model.

    python applications/labelling.py                           # digits in lines, by CTC
    python applications/labelling.py --data speech:FOLDER      # spoken digits, by CTC
    python applications/labelling.py --task tag                # token classes of source code
    python applications/labelling.py --task tag --data conllu:TRAIN.conllu,TEST.conllu
    python applications/labelling.py --task classify           # the language of a phrase
    python applications/labelling.py --task classify --data sentences:FOLDER
    python applications/labelling.py label line.png            # the model at hand
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402

import keras_classics as kc  # noqa: E402
from labellers.classify import Classify  # noqa: E402
from labellers.recognize import Recognize  # noqa: E402
from labellers.tag import Tag  # noqa: E402
from labellers.task import Task  # noqa: E402

TASKS: dict[str, type[Task]] = {"recognize": Recognize, "tag": Tag, "classify": Classify}
MODEL, EXPORT = "model.keras", "saved_model"

# Settings that may differ between a run and the run it continues.
FREE = {"verb", "out", "epochs", "strategy", "pictures", "queries", "to"}

console = kc.cli.plain_console()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> int | None:
    """Parse the arguments and do what the verb says."""
    options = parse(argv)
    kc.distribution.check_verb(options.strategy, options.verb)
    verbs = {"train": train, "evaluate": evaluate, "export": export, "label": label}
    if options.verb:
        return verbs[options.verb](options)
    train(options)
    options.queries = [evaluate(options)]
    export(options)
    return label(options)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line, with the defaults that depend on the task filled in."""
    common = argparse.ArgumentParser(add_help=False)
    add = common.add_argument
    add("--task", choices=tuple(TASKS), default="recognize")
    add("--data", help="digit_lines, speech:FOLDER, source_code, conllu:FILE[,FILE[,FILE]], "
        "phrases, parallel:FILE,FILE, sentences:FOLDER")  # fmt: skip
    add("--data-options", type=kc.cli.key_values, nargs="+", default=[], metavar="KEY=VALUE",
        help="of the data's reader, for example 'digits=(3,8)'")  # fmt: skip
    add("--strict", action="store_true", help="refuse faulty files instead of skipping them")
    add("--model", dest="cell", default="lstm", help="recurrent cell: lstm, gru, elman, ...")
    add("--units", type=int, help="width of a recurrent layer, in each direction")
    add("--layers", type=int, default=1)
    add("--dropout", type=float, default=0.2)
    add("--unit", choices=kc.data.Units.KINDS, help="of classified texts; by default characters "
        "for languages, else words")  # fmt: skip
    add("--summary", choices=("last", "mean", "sum"), default="last", help="what of all steps is "
        "classified: the last state, the mean, or the sum of the votes")  # fmt: skip
    add("--epochs", type=int)
    add("--batch-size", type=int)
    add("--learning-rate", type=float)
    kc.cli.add_skip_flag(common)
    add("--precision", choices=("float32", "mixed_float16", "mixed_bfloat16"), default="float32")
    add("--strategy", choices=kc.distribution.STRATEGIES, default="auto")
    add("--pictures", type=int, default=6, help="sequences that are drawn over time")
    add("--seed", type=int, default=0)
    add("--out", default="runs/labelling", help="folder of the run")

    parser = argparse.ArgumentParser(
        description=__doc__,
        parents=[common],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(verb=None)
    verbs = parser.add_subparsers(dest="verb", metavar="train | evaluate | export | label")
    verbs.add_parser("train", parents=[common], help="train, or go on training")
    verbs.add_parser("evaluate", parents=[common], help="metrics and pictures of the test split")
    shipping = verbs.add_parser("export", parents=[common], help="write a SavedModel, ...")
    kc.cli.add_export_flags(shipping)
    asking = verbs.add_parser("label", parents=[common], help="label picture or wave files, texts")
    asking.add_argument("queries", nargs="+", metavar="FILE or TEXT")

    options = parser.parse_args(argv)
    task = TASKS[options.task]
    own = task.DATA_OPTIONS if options.data in (None, task.DATA) else {}
    options.data_options = {**own, **dict(options.data_options)}
    for key, value in {"data": task.DATA, **task.DEFAULTS}.items():
        if getattr(options, key) is None:
            setattr(options, key, value)
    return options


def train(options: argparse.Namespace) -> None:
    """Train into OUT, from where an earlier run stopped."""
    out = kc.distribution.own_folder(options.out, options.strategy)
    place = kc.distribution.strategy(options.strategy)
    kc.training.check_continues(out, vars(options), free=FREE)
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(options.precision)
    data = load(options)
    task = TASKS[options.task].of(data, options)
    training, _ = task.read(data, "train")
    validation, _ = task.read(data, "validation")
    steps = kc.data.steps_per_epoch(len(training), options.batch_size)
    with place:
        try:
            model = task.build(options)
        except ValueError as error:
            # Builders raise it on their arguments, which here the user typed.
            raise kc.InputError(str(error)) from error
        optimizer = keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(options.learning_rate, steps * options.epochs),
            global_clipnorm=5.0,
        )
        model.compile(
            kc.cli.guarded_optimizer(optimizer, options),
            task.loss(),
            metrics=task.metrics(),
        )
    settings = kc.training.run_settings(vars(options), free=FREE)
    kc.training.record_run(out, settings, free=FREE, data=data.info.facts())
    task.save(out)
    console.print(
        f"{options.task}: {model.count_params():,} parameters, {len(training):,} training "
        f"sequences, {options.epochs} epochs of {steps} batches of {options.batch_size}",
        highlight=False,
    )
    with place:
        kc.training.fit(
            model,
            lambda first: kc.data.sequence_batches(
                training, batch_size=options.batch_size, seed=options.seed, first=first
            ),
            steps_per_epoch=steps,
            epochs=options.epochs,
            folder=out,
            verbose="auto" if console.is_terminal else 2,
            validation_data=kc.data.all_batches(validation),
        )
    kc.cli.tell_skipped(model)
    kc.save_model(model, out / MODEL)
    console.print(f"trained: {out / MODEL}")


def evaluate(options: argparse.Namespace) -> str:
    """Label the test split; write metrics, predictions, pictures. Returns a query for `label`."""
    out = Path(options.out)
    model, task, options = trained(options)
    data = load(options)
    part, names = task.read(data, "test")
    metrics = task.evaluate(model, part, names, out, options)
    kc.training.record_metrics(out, metrics)
    console.print(kc.cli.metrics_table(metrics, f"{len(part)} test sequences", digits=4))
    return task.example(data, out)


def export(options: argparse.Namespace) -> None:
    """Write the trained model with all it needs, as a SavedModel or in another format."""
    path, form = kc.cli.export_place(options)
    model, task, _ = trained(options)
    task.export(model, path, form)
    console.print(f"exported: {path}")


def label(options: argparse.Namespace) -> int:
    """Answer queries with the exported model; a faulty file does not stop the others."""
    import tensorflow as tf

    out = Path(options.out)
    if not (out / EXPORT / "saved_model.pb").exists():
        raise kc.InputError(
            f"{out} holds no exported model. Allowed: the --out of a finished run. "
            "Run labelling.py without a verb, or labelling.py export."
        )
    task = task_of(out)
    served = tf.saved_model.load(str(out / EXPORT))
    faulty = []
    for query, answer in kc.cli.sound(options.queries, partial(task.answer, served), faulty):
        console.print(f"{query}: {answer}", highlight=False)
    return 1 if faulty else 0


def load(options: argparse.Namespace) -> kc.data.Data:
    """The data the options name, as the task wants them."""
    return TASKS[options.task].adapt(kc.cli.load_data(options))


def task_of(out: Path) -> Task:
    """The task of a run's folder."""
    record = kc.training.read_run(out)
    task = TASKS.get(str(record["settings"].get("task"))) if record else None
    if task is None:
        raise kc.InputError(
            f"{out} holds no run of labelling.py. Allowed: the --out of a finished training. "
            f"Run: python applications/labelling.py train --out {out}"
        )
    return task.load(out)


def trained(options: argparse.Namespace) -> tuple[keras.Model, Task, argparse.Namespace]:
    """The trained model of OUT, its task, and its settings under the present options."""
    out = Path(options.out)
    task = task_of(out)
    if not (out / MODEL).exists():
        raise kc.InputError(
            f"{out} holds a training that is not finished. Allowed: one that is. "
            f"Run: python applications/labelling.py train --out {out}"
        )
    recorded = kc.training.read_run(out)["settings"]
    merged = argparse.Namespace(**{**vars(options), **recorded})
    model = kc.load_model(out / MODEL)
    task.check_model(model)
    return model, task, merged


if __name__ == "__main__":
    sys.exit(main())
