"""What a classifier looks at: class-activation maps of pictures, and how good the maps are.

Without arguments the whole job: train a classifier on scenes, draw the maps of every method for
pictures of one and of two objects, and score all methods against the true boxes.

    python applications/explain.py
    python applications/explain.py photo.jpg --model resnet_50 --method all
    python applications/explain.py photo.jpg --model runs/classification --target cat dog
    python applications/explain.py --evaluate --model runs/explain/classifier
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import keras_classics as kc
from classification import Classification
from explainers.classifiers import Classifier, class_number, load
from explainers.flags import parse
from explainers.maps import Maps
from explainers.scenes import Question, examples, kinds_in, scenes

TABLE, CLASSIFIER = "methods.csv", "classifier"

# The classifier of the whole job: maps of 8 x 8, some minutes of training.
TRAINING = [
    "--data", "scenes", "--model", "resnet_20_cifar", "--model-options", "width=0.5",
    "--epochs", "8",
]  # fmt: skip

# What is asked, beside how.
FREE = {"images", "classes"}

console = kc.cli.plain_console()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> int | None:
    """Parse the arguments and do what they ask for."""
    options = parse(argv, __doc__)
    kc.cli.import_keras()
    if (Path(options.out) / Classification.model_file).exists():
        raise kc.InputError(
            f"--out {options.out} was given, which holds a classifier",
            "a folder for explanations alone",
            "Choose another.",
        )
    if options.images or options.evaluate:
        classifier = load(options)
        failed = explain_files(options, classifier) if options.images else 0
        if options.evaluate:
            evaluate(options, classifier)
        return failed
    if options.model:
        raise kc.InputError(
            f"--model {options.model} was given alone",
            "pictures to explain, --evaluate, or no model, for the whole job",
            "Add the path of a picture.",
        )
    options.model = str(Path(options.out) / CLASSIFIER)
    record(options)
    seed = ["--seed", str(options.seed)]
    if code := kc.jobs.run(Classification, ["train", *TRAINING, *seed, "--out", options.model]):
        return code
    classifier = load(options)
    explain(options, classifier, examples(options, classifier))
    return evaluate(options, classifier)


def record(options: argparse.Namespace) -> None:
    """Leave what was asked in the folder of the answers, which what is refused does not make."""
    settings = {key: value for key, value in vars(options).items() if key not in FREE}
    kc.jobs.record_run(options.out, settings, job="explain")


def explain_files(options: argparse.Namespace, classifier: Classifier) -> int:
    """Explain picture files; a faulty file does not stop the others."""
    targets = [class_number(classifier.classes, each) for each in options.target or []]
    questions, faulty = [], []
    for path, picture in kc.cli.sound(options.images, kc.data.read_image, faulty):
        questions += [Question(path.name, picture, target) for target in targets or [None]]
    if questions:
        explain(options, classifier, questions)
    return 1 if faulty else 0


def explain(
    options: argparse.Namespace, classifier: Classifier, questions: Sequence[Question]
) -> None:
    """Draw a row for each question: the picture, then the map of each method over it."""
    from rich.progress import track

    # In the whole job, which asks about no files, the picture shows all there is.
    asking = methods(options, classifier.model, "grad_cam" if options.images else "all")
    maps = Maps(classifier, options.layer)
    found = maps.found(questions, options.top)
    for line in found.told:
        console.print(line, highlight=False)
    laid = maps.laid(found, track(asking, "Drawing maps", console=console, transient=True))
    record(options)
    path = Path(options.out) / options.picture
    kc.analysis.draw_methods(path, found.shown, found.titles, laid)
    console.print(f"picture: {path}")


def methods(options: argparse.Namespace, model: Any, default: str) -> Sequence[str]:
    """The methods asked for; of all, those the model admits."""
    chosen = options.method or [default]
    if "all" not in chosen:
        return chosen
    admitted = kc.analysis.admitted_methods(model, layer=options.layer)
    left_out = [name for name in kc.analysis.MAP_METHODS if name not in admitted]
    if left_out:
        console.print(f"not for this model: {', '.join(left_out)}", style="dim")
    return admitted


def evaluate(options: argparse.Namespace, classifier: Classifier) -> None:
    """Score the methods on the test scenes; write and print the table."""
    pictures, boxes, targets = [], [], []
    rendered = scenes(options, classifier)
    for scene in rendered:
        for kind in kinds_in(scene):
            pictures.append(scene.image)
            boxes.append(scene.boxes[scene.box_labels == kind])
            targets.append(kind)
    _, prepared = classifier.view(pictures)
    # From pixels of the scene to those of the part that the model sees.
    side, crop = pictures[0].shape[0], (classifier.resize - prepared.shape[1]) / 2
    boxes = [each * (classifier.resize / side) - crop for each in boxes]
    table = kc.analysis.evaluate_maps(
        classifier.model,
        prepared,
        boxes,
        target=np.array(targets),
        methods=methods(options, classifier.model, "all"),
        others={"centre": kc.analysis.centre_maps(*prepared.shape[:3])},
        layer=options.layer,
        steps=options.steps,
        seed=options.seed,
    )
    record(options)
    path = Path(options.out) / TABLE
    kc.jobs.write_table(path, table)
    found = kc.analysis.class_probabilities(classifier.model, prepared).argmax(axis=1)
    title = (
        f"{len(targets)} objects in {len(rendered)} test scenes, "
        f"{np.mean(found == targets):.1%} of them the model's first answer"
    )
    console.print(kc.jobs.metrics_table(table.to_dict("index"), title))
    console.print(f"table: {path}")


if __name__ == "__main__":
    sys.exit(main())
