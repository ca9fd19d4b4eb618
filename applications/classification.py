"""Image classification with any model of the catalogue, from pictures to a SavedModel.

Without a verb the whole job: train (with progress, resumable), evaluate with the field's metrics,
draw the confusion matrix and the mistakes, export, and classify one picture file from the export.

    python applications/classification.py                                  # LeNet-5 on digits
    python applications/classification.py --data npz:train.npz,test.npz --model resnet_20_cifar
    python applications/classification.py --data folder:DIR --model alexnet --recipe paper
    python applications/classification.py predict photo.jpg                # the model at hand
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import keras_classics as kc  # noqa: E402

MODEL, EXPORT = "model.keras", "saved_model"
PREPARATION, CLASSES = "preparation.npz", "classes.json"

# One object each, so that its kind is the picture's class.
SCENES_DATA = {"train": 4000, "validation": 500, "test": 1000, "objects": (1, 1)}

# Settings that may differ between a run and the run it continues.
FREE = {
    "verb", "out", "epochs", "strategy", "pictures", "images", "to", "source", "trained_by",
    "explain_every",
}  # fmt: skip

# Pictures whose maps are drawn in training.
EXPLAINED = 12

console = kc.cli.plain_console()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> int | None:
    """Parse the arguments and do what the verb says."""
    options = parse(argv)
    kc.distribution.check_verb(options.strategy, options.verb)
    verbs = {"train": train, "evaluate": evaluate, "export": export, "predict": predict}
    if options.verb:
        return verbs[options.verb](options)
    train(options)
    evaluate(options)
    export(options)
    out = Path(options.out)
    options.source, options.images = out, [out / "example.png"]
    return predict(options)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    common = argparse.ArgumentParser(add_help=False)
    add = common.add_argument
    add("--data", default="digits", help="digits, scenes, npz:FILE[,FILE], folder:DIR, tfds:NAME")
    add("--data-options", type=kc.cli.key_values, nargs="+", default=[], metavar="KEY=VALUE",
        help="of the data's reader, for example validation=0.05")  # fmt: skip
    add("--strict", action="store_true", help="refuse faulty files instead of skipping them")
    add("--model", default="lenet_5", help="a name of keras-classics list")
    add("--model-options", type=kc.cli.key_values, nargs="+", default=[], metavar="KEY=VALUE",
        help="arguments of the model's builder, such as width=0.5")  # fmt: skip
    add("--recipe", default="quick", help="quick, paper, or another of the model's card")
    add("--image-size", type=int, help="side of the network's input; the recipe's by default")
    add("--epochs", type=int, help="the recipe's by default; its schedule is stretched")
    add("--batch-size", type=int, help="the recipe's by default")
    add("--learning-rate", type=float, help="the recipe's by default")
    add("--precision", choices=("float32", "mixed_float16", "mixed_bfloat16"), default="float32")
    add("--strategy", choices=kc.distribution.STRATEGIES, default="auto")
    add("--pictures", type=int, default=40, help="mistakes drawn by evaluate, at most")
    add("--explain-every", type=int, default=0, metavar="EPOCHS",
        help="draw class-activation maps of validation pictures every so many epochs")  # fmt: skip
    add("--seed", type=int, default=0)
    add("--out", default="runs/classification", help="folder of the run")

    parser = argparse.ArgumentParser(
        description=__doc__,
        parents=[common],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(verb=None)
    verbs = parser.add_subparsers(dest="verb", metavar="train | evaluate | predict | export")
    verbs.add_parser("train", parents=[common], help="train, or go on training")
    verbs.add_parser("evaluate", parents=[common], help="metrics and pictures of the test split")
    shipping = verbs.add_parser("export", parents=[common], help="write a SavedModel, ...")
    kc.cli.add_export_flags(shipping)
    asking = verbs.add_parser("predict", parents=[common], help="classify image files")
    asking.add_argument("images", nargs="+", type=Path)
    asking.add_argument("--from", dest="source", type=Path, metavar="FOLDER",
        help="a SavedModel or a run's folder; OUT by default")  # fmt: skip

    options = parser.parse_args(argv)
    options.data_options = dict(options.data_options)
    options.model_options = dict(options.model_options)
    if options.data == "scenes":
        options.data_options = {**SCENES_DATA, **options.data_options}
    return options


def train(options: argparse.Namespace) -> None:
    """Train a classifier into OUT, from where an earlier run stopped."""
    out = kc.distribution.own_folder(options.out, options.strategy)
    place = kc.distribution.strategy(options.strategy)
    kc.training.check_continues(out, vars(options), free=FREE)
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(options.precision)
    data = load(options)
    classes = data.info.classes
    with place:
        model, recipe, size = design(options, data.info)
        training = read(data, "train")
        batch_size = recipe.batch_size
        steps = kc.data.steps_per_epoch(len(training), batch_size)
        epochs = options.epochs or recipe.epochs_of(steps)
        kc.training.compile_model(model, recipe, steps_per_epoch=steps, epochs=epochs)
    preparation = kc.data.fit_preparation(recipe, training.images, **size)
    told = recipe.told(epochs)
    settings = kc.training.run_settings(vars(options), free=FREE)
    kc.training.record_run(
        out,
        {**settings, "epochs": epochs, "trained_by": told},
        free=FREE,
        data=data.info.facts(),
    )
    kc.training.write_json(out / CLASSES, classes)
    preparation.save(out / PREPARATION)
    console.print(
        f"{options.model}: {model.count_params():,} parameters, {len(training):,} training "
        f"pictures of {len(classes)} classes, {epochs} epochs of {steps} batches of {batch_size}",
        highlight=False,
    )
    console.print(told, style="dim", highlight=False)

    parts = {"classes": len(classes), "outputs": len(model.outputs)}
    validation = read(data, "validation")
    callbacks = []
    if options.explain_every:
        callbacks.append(explaining(options, validation, preparation, classes, out))
    with place:
        history = kc.training.fit(
            model,
            lambda first: kc.data.classified_batches(
                training,
                preparation,
                batch_size=batch_size,
                seed=options.seed,
                first=first,
                **parts,
            ),
            steps_per_epoch=steps,
            epochs=epochs,
            folder=out,
            callbacks=callbacks,
            verbose="auto" if console.is_terminal else 2,
            validation_data=kc.data.validation_batches(validation, preparation, **parts),
        )
    kc.save_model(answering(model), out / MODEL)
    kc.analysis.draw_history(out / "history.png", history)
    rate = steps * batch_size / max(history["seconds"].median(), 0.1)
    console.print(f"trained: {out / MODEL}, {rate:.0f} pictures/s", highlight=False)


def explaining(
    options: argparse.Namespace,
    validation: kc.data.LabelledImages,
    preparation: kc.data.Preparation,
    classes: Sequence[str],
    out: Path,
) -> kc.callbacks.GradCAM:
    """What draws into OUT, while the model learns, where it looks in a few validation pictures."""
    if preparation.flat:
        raise kc.InputError(
            f"--explain-every {options.explain_every} was given with {options.model}, which takes "
            "vectors. Allowed: networks of pictures. Leave it out, or choose another --model."
        )
    chosen = np.linspace(0, len(validation) - 1, min(EXPLAINED, len(validation))).astype(int)
    one_view = dataclasses.replace(preparation, test_crops=1)
    images = [one_view.views(validation.images[n][None])[0, 0].numpy() for n in chosen]
    return kc.callbacks.GradCAM(
        np.stack(images),
        out / "maps",
        validation.labels[chosen],
        classes,
        every_epochs=options.explain_every,
    )


def design(
    options: argparse.Namespace, info: kc.data.Info
) -> tuple[keras.Model, kc.training.Recipe, dict]:
    """The model and the recipe the options name, and what the network's input is like."""
    try:
        card = kc.card(options.model)
        if card.classes is None:
            raise kc.InputError(
                f"--model {card.name} was given, which has no classifier. Allowed: models with "
                "classes. Choose another of keras-classics list."
            )
        recipe = None if options.recipe == "quick" else card.recipes.get(options.recipe)
        if recipe is None and options.recipe != "quick":
            allowed = ", ".join(("quick", *card.recipes))
            raise kc.InputError(
                f"--recipe {options.recipe} was given for {card.name}. Allowed: {allowed}. "
                f"See keras-classics card {card.name}."
            )
        size = input_size(options, card, info, native=recipe is not None)
        shape = (size["size"], size["size"], size["channels"])
        model = kc.create_model(
            card.name,
            classes=len(info.classes),
            input_shape=(math.prod(shape),) if size["flat"] else shape,
            **{**(recipe.builder if recipe else {}), **options.model_options},
        )
    except (ValueError, TypeError) as error:
        # Builders raise these on their arguments, which here the user typed.
        raise kc.InputError(str(error)) from error
    if recipe is None:
        mirror = size["channels"] == 3 and options.data != "digits"
        recipe = kc.training.quick_recipe(model, mirror=mirror)
    given = {"batch_size": options.batch_size, "learning_rate": options.learning_rate}
    changes = {key: value for key, value in given.items() if value is not None}
    return model, dataclasses.replace(recipe, **changes), size


def input_size(
    options: argparse.Namespace, card: kc.ModelCard, info: kc.data.Info, *, native: bool
) -> dict:
    """Size of the network's input: native for a paper's recipe, else no larger than the data."""
    flat = len(card.input_shape) == 1
    own = math.isqrt(card.input_shape[0]) if flat else card.input_shape[0]
    side = own
    if not native and info.image_shape:
        side = min(own, max(card.smallest_size, *info.image_shape[:2]))
    return {
        "size": options.image_size or side,
        "native_size": own if native else None,
        "channels": 1 if flat else card.input_shape[-1],
        "flat": flat,
    }


def evaluate(options: argparse.Namespace) -> None:
    """Classify the test split; write metrics, confusion matrix, mistakes."""
    out = Path(options.out)
    model, preparation, classes, options = trained(options)
    test = read(load(options), "test")
    probabilities = kc.data.predict_classes(model, preparation, test.images)
    answers = probabilities.argmax(axis=1)
    metrics = {"test": kc.training.classification_metrics(test.labels, probabilities)}
    kc.training.record_metrics(out, metrics)
    scores = kc.training.class_scores(test.labels, probabilities)
    pd.DataFrame(scores, pd.Index(classes, name="class")).to_csv(out / "classes.csv")
    pd.DataFrame(
        {
            "image": test.names,
            "true": [classes[label] for label in test.labels],
            "predicted": [classes[answer] for answer in answers],
            "probability": probabilities.max(axis=1),
        }
    ).to_csv(out / "predictions.csv", index=False)
    console.print(kc.cli.metrics_table(metrics, f"{len(test)} test pictures", digits=4))
    counts = kc.training.confusion_matrix(test.labels, probabilities)
    kc.analysis.draw_confusion(out / "confusion_matrix.png", counts, classes)
    # The surest mistakes first: they tell most.
    wrong = np.flatnonzero(answers != test.labels)
    wrong = wrong[np.argsort(-probabilities[wrong, answers[wrong]])]
    kc.analysis.draw_tiles(
        out / "mistakes.png",
        [test.images[n] for n in wrong[: options.pictures]],
        [
            f"{classes[test.labels[n]]}\nas {classes[answers[n]]} ({probabilities[n].max():.0%})"
            for n in wrong[: options.pictures]
        ],
        heading=f"{len(wrong)} of {len(test)} wrong",
    )
    keras.utils.save_img(str(out / "example.png"), test.images[0], scale=False)
    console.print(f"pictures: {out / 'confusion_matrix.png'}, {out / 'mistakes.png'}")


def export(options: argparse.Namespace) -> None:
    """Write the trained classifier with all it needs, as a SavedModel or in another format."""
    path, form = kc.cli.export_place(options)
    model, preparation, classes, _ = trained(options)
    kc.export.export_classifier(model, preparation, classes, path, format=form)
    console.print(f"exported: {path}")


def predict(options: argparse.Namespace) -> int:
    """Classify image files; a faulty file does not stop the others."""
    answer = answerer(options)
    pictures, titles = [], []
    faulty = []
    for path, picture in kc.cli.sound(options.images, kc.data.read_image, faulty):
        named = answer(picture)
        pictures.append(picture)
        titles.append(f"{named[0][0]}\n{named[0][1]:.0%}")
        listed = ", ".join(f"{name} {probability:.1%}" for name, probability in named)
        console.print(f"{path}: {listed}", highlight=False)
    if pictures:
        drawn = Path(options.out) / "answers.png"
        drawn.parent.mkdir(parents=True, exist_ok=True)
        kc.analysis.draw_tiles(drawn, pictures, titles)
        console.print(f"picture: {drawn}")
    return 1 if faulty else 0


def answerer(options: argparse.Namespace) -> Callable[[np.ndarray], list[tuple[str, float]]]:
    """From a picture to its five most probable classes, by a SavedModel or a run's model."""
    folder = options.source or Path(options.out)
    exported = next(
        (path for path in (folder, folder / EXPORT) if (path / "saved_model.pb").exists()), None
    )
    if exported:
        import tensorflow as tf

        served = tf.saved_model.load(str(exported))

        def answer(picture: np.ndarray) -> list[tuple[str, float]]:
            found = served.serve(picture[None])
            names = [name.decode() for name in found["classes"][0].numpy()]
            return list(zip(names, found["probabilities"][0].numpy().tolist(), strict=True))

        return answer
    model, preparation, classes, _ = trained(argparse.Namespace(**{**vars(options), "out": folder}))

    def answer(picture: np.ndarray) -> list[tuple[str, float]]:
        probabilities = kc.data.predict_classes(model, preparation, [picture])[0]
        best = np.argsort(-probabilities)[:5]
        return [(classes[n], float(probabilities[n])) for n in best]

    return answer


def load(options: argparse.Namespace) -> kc.data.Data:
    """The data the options name, if they are pictures with classes."""
    data = kc.cli.load_data(options)
    kc.data.check_labelled(data)
    return data


def read(data: kc.data.Data, split: str) -> kc.data.LabelledImages:
    """One split in memory."""
    return kc.data.collect_labelled(
        getattr(data, split), count=data.info.sizes[split], description=split
    )


def answering(model: keras.Model) -> keras.Model:
    """The model without auxiliary classifiers."""
    return model if len(model.outputs) == 1 else keras.Model(model.inputs, model.outputs[0])


def trained(options: argparse.Namespace):
    """The trained model of OUT, what prepares its pictures, its classes, and its settings."""
    out = Path(options.out)
    recorded = kc.training.finished_settings(
        out, MODEL, kind="classifier", application="classification.py"
    )
    merged = argparse.Namespace(**{**vars(options), **recorded})
    classes = kc.training.read_json(out / CLASSES)
    model = kc.load_model(out / MODEL)
    return model, kc.data.Preparation.load(out / PREPARATION), classes, merged


if __name__ == "__main__":
    sys.exit(main())
