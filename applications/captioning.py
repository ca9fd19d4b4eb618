"""Image captioning, from pictures to a SavedModel that answers in sentences.

Without a verb the whole job: train (with progress, resumable), evaluate with the field's metrics
beside an image-blind baseline, draw test pictures with their captions, export, and caption one
picture file from the exported model.

    python applications/captioning.py                                   # the embedded scenes
    python applications/captioning.py --data captions:FOLDER            # Flickr8k's layout
    python applications/captioning.py caption photo.jpg                 # the model at hand
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import keras_classics as kc  # noqa: E402

SHIPPED = Path(__file__).resolve().parent.parent / "saved_models" / "captioning-scenes"
MODEL, VOCABULARY, EXPORT = "captioner.keras", "vocabulary.json", "saved_model"

# Defaults that depend on the data.
SCENES = {"image_size": 64, "min_count": 1}
PICTURES = {"image_size": 128, "min_count": 5}
SCENES_DATA = {"train": 16000, "validation": 500, "test": 1000}

# The encoder of the scenes: ResNet-18 up to its second stage, half as wide, and attention over its
# 8 x 8 map. Small enough for a laptop, and where things stand matters there.
SCENES_ENCODER = "resnet_18"
SCENES_ENCODER_OPTIONS = {"width": 0.5}
SCENES_MODEL = {"encoder_layer": "stage2_out", "attention": "additive"}
COURSE_MODEL = {"encoder_layer": None, "attention": "none"}

# Pictures in which it is drawn, in training, where the decoder looks.
EXPLAINED = 6

# Settings that may differ between a run and the run it continues.
FREE = {
    "verb", "out", "epochs", "beam", "strategy", "pictures", "n_best", "model", "images", "to",
    "explain_every",
}  # fmt: skip

console = kc.cli.plain_console()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns the exit code."""
    return kc.cli.guarded(run, argv)


def run(argv: Sequence[str] | None) -> int | None:
    """Parse the arguments and do what the verb says."""
    options = parse(argv)
    kc.distribution.check_verb(options.strategy, options.verb)
    verbs = {"train": train, "evaluate": evaluate, "export": export, "caption": caption}
    if options.verb:
        return verbs[options.verb](options)
    train(options)
    evaluate(options)
    export(options)
    example = Path(options.out) / "example.png"
    options.model, options.images, options.n_best = Path(options.out) / EXPORT, [example], 3
    return caption(options)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line, with the defaults that depend on the data filled in."""
    common = argparse.ArgumentParser(add_help=False)
    add = common.add_argument
    add("--data", default="scenes", help="scenes, captions:FOLDER or tfds:NAME")
    add("--data-options", type=kc.cli.key_values, nargs="+", default=[], metavar="KEY=VALUE",
        help="for scenes: train=16000 clutter=0.5 'objects=(1,5)' ...")  # fmt: skip
    add("--image-size", type=int, help="side the pictures are resized to")
    add("--strict", action="store_true", help="refuse faulty files instead of skipping them")
    add("--encoder", help="catalogue name (default: resnet_18), or a .keras file")
    add("--encoder-options", type=kc.cli.key_values, nargs="+", default=[], metavar="KEY=VALUE",
        help="arguments of the encoder's builder, such as width=0.5")  # fmt: skip
    add("--encoder-layer", help="layer whose output is described; by default the last feature map "
        "with attention, and without what the classifier reads")  # fmt: skip
    add("--freeze-encoder", action="store_true", help="train the decoder on stored encodings")
    add("--decoder", default="gru", help="gru (the course's), gru_reset_after, lstm or elman")
    add("--start-from", choices=("initial_state", "first_input"), default="initial_state")
    add("--attention", choices=("none", "additive"))
    add("--units", type=int, default=128)
    add("--dropout", type=float, default=0.1)
    add("--scheduled-sampling", choices=("none", "model", "uniform", "always"), default="none")
    add("--max-words", type=int, default=24)
    add("--min-count", type=int, help="rarer words become the unknown word")
    add("--epochs", type=int, default=6)
    add("--batch-size", type=int, default=64)
    add("--learning-rate", type=float, default=2e-3)
    add("--precision", choices=("float32", "mixed_float16", "mixed_bfloat16"), default="float32")
    add("--strategy", choices=kc.distribution.STRATEGIES, default="auto")
    add("--beam", type=int, default=5)
    add("--pictures", type=int, default=12, help="pictures drawn by evaluate")
    add("--explain-every", type=int, default=0, metavar="EPOCHS",
        help="draw where the decoder looks in validation pictures every so many epochs; needs "
        "attention")  # fmt: skip
    add("--seed", type=int, default=0)
    add("--out", default="runs/captioning", help="folder of the run")

    parser = argparse.ArgumentParser(
        description=__doc__,
        parents=[common],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(verb=None)
    verbs = parser.add_subparsers(dest="verb", metavar="train | evaluate | export | caption")
    verbs.add_parser("train", parents=[common], help="train, or go on training")
    verbs.add_parser("evaluate", parents=[common], help="metrics and pictures of the test split")
    shipping = verbs.add_parser("export", parents=[common], help="write a SavedModel, ...")
    kc.cli.add_export_flags(shipping)
    asking = verbs.add_parser("caption", parents=[common], help="caption image files")
    asking.add_argument("images", nargs="+", type=Path)
    asking.add_argument("--model", type=Path, help="a SavedModel; the run's own, or the shipped")
    asking.add_argument("--n-best", type=int, default=1)

    options = parser.parse_args(argv)
    options.encoder_options = dict(options.encoder_options)
    options.data_options = dict(options.data_options)
    scenes = options.data == "scenes"
    defaults = SCENES if scenes else PICTURES
    if scenes:
        options.data_options = {**SCENES_DATA, **options.data_options}
    if scenes and options.encoder in (None, SCENES_ENCODER):
        options.encoder_options = {**SCENES_ENCODER_OPTIONS, **options.encoder_options}
        # Without attention nothing can read a map: the course's vector.
        defaults = defaults if options.attention == "none" else {**defaults, **SCENES_MODEL}
    for key, value in {**COURSE_MODEL, "encoder": SCENES_ENCODER, **defaults}.items():
        if getattr(options, key) is None:
            setattr(options, key, value)
    return options


def train(options: argparse.Namespace) -> None:
    """Train a captioner into OUT, from where an earlier run stopped."""
    out = kc.distribution.own_folder(options.out, options.strategy)
    place = kc.distribution.strategy(options.strategy)
    kc.training.check_continues(out, vars(options), free=FREE)
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(options.precision)
    data = kc.cli.load_data(options, image_size=options.image_size)
    training = read(data, "train", options)
    validation = read(data, "validation", options)
    vocabulary = kc.data.Vocabulary.from_captions(
        [text for texts in training.captions for text in texts], min_count=options.min_count
    )
    if (out / VOCABULARY).exists():
        kc.data.Vocabulary.load(out / VOCABULARY).check_matches(vocabulary)
    settings = kc.training.run_settings(vars(options), free=FREE)
    kc.training.record_run(out, settings, free=FREE, data=data.info.facts())
    vocabulary.save(out / VOCABULARY)
    console.print(f"{len(training)} training images, {len(vocabulary)} words")

    steps = kc.data.steps_per_epoch(len(training), options.batch_size)
    with place:
        model = build(options, len(vocabulary))
        fitted = kc.models.split_captioner(model)[1] if options.freeze_encoder else model
        fitted.compile(
            keras.optimizers.Adam(
                keras.optimizers.schedules.CosineDecay(
                    options.learning_rate, steps * options.epochs
                ),
                global_clipnorm=5.0,
            ),
            keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=vocabulary.PAD, name="cross_entropy"
            ),
        )

    def stream(part: kc.data.CaptionedImages, name: str):
        tokens = kc.data.encode_captions(part.captions, vocabulary, options.max_words)
        if options.freeze_encoder:
            inputs, key, prepare = encode(model, part.images, options, name), "encoded", None
        else:
            inputs, key, prepare = part.images, "image", lambda x: prepared(x, options)
        return lambda first: kc.data.caption_batches(
            inputs,
            tokens,
            batch_size=min(options.batch_size, len(part)),
            seed=options.seed,
            first=first,
            key=key,
            prepare=prepare,
        )

    callbacks = []
    if options.scheduled_sampling != "none":
        # Half way to sampling after half the training.
        k = kc.callbacks.half_way_constant(steps * options.epochs / 2)
        callbacks.append(kc.callbacks.ScheduledSampling(mode=options.scheduled_sampling, k=k))
    if options.explain_every:
        shown = validation.images[:EXPLAINED]
        callbacks.append(
            kc.callbacks.Attention(
                prepared(shown, options).numpy(),
                out / "attention",
                vocabulary,
                references=[texts[0] for texts in validation.captions[:EXPLAINED]],
                max_words=options.max_words,
                pictures=shown,
                every_epochs=options.explain_every,
                # With a frozen encoder the decoder alone is trained.
                model=model,
            )
        )
    with place:
        kc.training.fit(
            fitted,
            stream(training, "train"),
            steps_per_epoch=steps,
            epochs=options.epochs,
            folder=out,
            callbacks=callbacks,
            validation_data=stream(validation, "validation")(0),
            validation_steps=max(1, len(validation) // options.batch_size),
        )
    kc.save_model(model, out / MODEL)
    console.print(f"trained: {out / MODEL}")


def evaluate(options: argparse.Namespace) -> None:
    """Caption the test split, score it beside an image-blind baseline, draw pictures."""
    out = Path(options.out)
    model, vocabulary, options = trained(options)
    test = read(kc.cli.load_data(options, image_size=options.image_size), "test", options)
    encoded = encode(model, test.images, options, "test")
    # Without XLA, as in the exported model: the two must say the same to the last word.
    search = kc.decoding.CompiledSearch(
        model.get_layer("decoder"),
        jit_compile=False,
        width=options.beam,
        **vocabulary.search_limits(options.max_words),
    )
    ids, scores = [], []
    for start in range(0, len(test), 100):
        found = search(encoded[start : start + 100])
        ids += keras.ops.convert_to_numpy(found.ids[:, 0]).tolist()
        scores += keras.ops.convert_to_numpy(found.log_probabilities[:, 0]).tolist()
    captions = [vocabulary.decode(row) for row in ids]

    # Every picture gets another picture's caption: what a model scores that does not look.
    order = np.random.default_rng(options.seed).permutation(len(captions))
    source = np.empty_like(order)
    source[order] = np.roll(order, 1)
    shuffled = [captions[i] for i in source]
    metrics = {
        "model": kc.training.caption_metrics(captions, test.captions),
        "image-blind": kc.training.caption_metrics(shuffled, test.captions),
    }
    kc.training.record_metrics(out, metrics)
    kc.export.write_examples(
        out,
        test.images,
        test.captions,
        captions,
        lambda said, true: kc.training.caption_metrics(said, true, meteor=False),
    )
    pd.DataFrame(
        {
            "image": test.names,
            "caption": captions,
            "log_probability": scores,
            "references": [" | ".join(texts) for texts in test.captions],
        }
    ).to_csv(out / "captions.csv", index=False)
    console.print(kc.cli.metrics_table(metrics, f"{len(test)} test images, beam {options.beam}"))
    shown = slice(min(options.pictures, len(test)))
    kc.analysis.draw_captions(
        out / "captions.png", test.images[shown], captions[shown], test.captions[shown]
    )
    keras.utils.save_img(str(out / "example.png"), test.images[0], scale=False)
    console.print(f"pictures: {out / 'captions.png'}")


def export(options: argparse.Namespace) -> None:
    """Write the trained captioner with all it needs, as a SavedModel or in another format."""
    path, form = kc.cli.export_place(options)
    model, vocabulary, options = trained(options)
    kc.export.export_captioner(
        model,
        vocabulary,
        path,
        image_size=(options.image_size, options.image_size),
        max_words=options.max_words,
        format=form,
        width=options.beam,
        n_best=options.beam,
    )
    console.print(f"exported: {path}")


def caption(options: argparse.Namespace) -> int:
    """Caption image files with an exported model; a faulty file does not stop the others."""
    import tensorflow as tf

    own = Path(options.out) / EXPORT
    path = options.model or (own if own.exists() else SHIPPED)
    if not (path / "saved_model.pb").exists():
        raise kc.InputError(
            f"No exported captioner was found in {path}. Allowed: a folder with saved_model.pb. "
            "Run captioning.py without a verb, or name one with --model."
        )
    model = tf.saved_model.load(str(path))
    faulty = []
    for image, picture in kc.cli.sound(options.images, kc.data.read_image, faulty):
        answer = model.serve(picture[None])
        sentences, scores = answer["captions"][0].numpy(), answer["log_probabilities"][0].numpy()
        for sentence, score in list(zip(sentences, scores, strict=True))[: options.n_best]:
            answer_line = f"{image}: {sentence.decode()}  (log p {score:.2f})"
            console.print(answer_line)
    return 1 if faulty else 0


def build(options: argparse.Namespace, vocabulary_size: int) -> keras.Model:
    """The captioner the options describe."""
    attention = None if options.attention == "none" else options.attention
    if options.encoder.endswith(".keras"):
        encoder = kc.load_model(options.encoder)
    else:
        encoder = kc.create_model(
            options.encoder,
            include_top=not attention,
            input_shape=(options.image_size, options.image_size, 3),
            **options.encoder_options,
        )
    layer = options.encoder_layer
    if layer:
        encoder = keras.Model(encoder.inputs, encoder.get_layer(layer).output)
    elif not attention and not options.encoder.endswith(".keras"):
        # The course's vector: what the classifier would read.
        encoder = keras.Model(encoder.inputs, encoder.get_layer("predictions").input)
    return kc.models.captioner(
        encoder,
        vocabulary_size,
        options.units,
        options.decoder,
        attention,
        start_from=options.start_from,
        dropout=options.dropout,
        seed=options.seed,
        train_encoder=not options.freeze_encoder,
    )


def read(data: kc.data.Data, split: str, options: argparse.Namespace) -> kc.data.CaptionedImages:
    """One split in memory."""
    cache = Path(options.out) / f"{split}-images.npy"
    return kc.data.collect(
        getattr(data, split), count=data.info.sizes[split], cache=cache, description=split
    )


def prepared(images, options: argparse.Namespace):
    """What the encoder takes of uint8 pictures."""
    return kc.data.network_input(images, (options.image_size, options.image_size))


def encode(model, images: np.ndarray, options: argparse.Namespace, name: str) -> np.ndarray:
    """Encodings of all pictures."""
    encoder, _ = kc.models.split_captioner(model)
    console.print(f"encoding {len(images)} {name} images")
    parts = [
        encoder.predict_on_batch(prepared(images[start : start + 128], options).numpy())
        for start in range(0, len(images), 128)
    ]
    return np.concatenate(parts).astype("float32")


def trained(options: argparse.Namespace):
    """The trained model of OUT, its vocabulary, and its settings under the present options."""
    out = Path(options.out)
    recorded = kc.training.finished_settings(
        out, MODEL, kind="captioner", application="captioning.py"
    )
    merged = argparse.Namespace(**{**vars(options), **recorded})
    vocabulary = kc.data.Vocabulary.load(out / VOCABULARY)
    model = kc.load_model(out / MODEL)
    vocabulary.check_matches(model.get_layer("decoder").vocabulary_size)
    return model, vocabulary, merged


if __name__ == "__main__":
    sys.exit(main())
