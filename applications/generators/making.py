"""Pictures out of numbers: a DCGAN, or a variational autoencoder."""

from __future__ import annotations

import keras
import numpy as np

import keras_classics as kc
from generators.classifiers import trained_classifier
from generators.task import Task

# That are judged.
SAMPLES = 1000


class Making(Task):
    """What both have in common."""

    def grey(self, part):
        """Digits are grey; other pictures keep their colours."""
        images = part.images
        return images[..., :1] if self.settings.data == "digits" else images

    @property
    def shape(self):
        side = self.settings.image_size
        return (side, side, 1 if self.settings.data == "digits" else 3)

    def check_model(self, model):
        """Refuse what makes no such pictures: who reads a run need not have trained it."""
        sound = isinstance(model, self.trainer)
        if not sound or self.maker(model).output_shape[1:] != self.shape:
            raise kc.InputError(
                f"{self.folder / self.model_file} makes no pictures of {self.shape}, as run.json "
                f"has them for --task {self.task}",
                "a run as its training left it",
                "Put the files back, or train into another --out.",
            )

    def values(self, part):
        """What the trainer takes."""
        raise NotImplementedError

    def pairs(self, part):
        return (self.values(part),)

    def export(self, model, path, format):
        kc.export.export_model(self.maker(model), path, format)

    def maker(self, model):
        """The half that makes pictures."""
        raise NotImplementedError

    def sample(self, model):
        made = model.generate(self.settings.count, seed=self.settings.seed)
        self.page(self.file("samples"), list(self.shown(made)), f"{self.task}: samples")

    def file(self, name):
        """Of a page; what is drawn by another seed than the run's has it in its name."""
        seed = self.settings.seed
        first = seed == kc.jobs.read_run(self.folder)["settings"].get("seed", seed)
        return f"{name}.png" if first else f"{name}-seed-{seed}.png"

    def interpolate(self, model):
        """Walks from one code to another, a row each."""
        count = self.settings.count
        rows = -(-count // 8)
        ends = model.latents(2 * rows, seed=self.settings.seed)
        shares = np.linspace(0, 1, 8, dtype="float32")[None, :, None]
        way = ends[:rows, None] * (1 - shares) + ends[rows:, None] * shares
        made = model.generate(way.reshape(-1, ends.shape[1])[:count])
        self.page(
            self.file("walks"), list(self.shown(made)), f"{self.settings.task}: walks", columns=8
        )

    def evaluate(self, model):
        """Distances of samples in the features of a classifier of the training pictures."""
        training, test = self.split("train"), self.split("test")
        if training.labels is None:
            raise kc.InputError(
                f"{self.settings.data} has pictures without classes, and made ones are judged by a "
                "classifier of them",
                "data with a class for each picture",
                "Look at what the verb sample draws, or train on such data.",
            )
        seen = self.seen(self.values(training))
        judge = trained_classifier(seen, training.labels)
        features = keras.Model(judge.input, judge.get_layer("features").output)
        real = self.seen(self.values(test))
        made = {self.settings.task: self.samples(model)}
        for folder, job in self.others().items():
            name = job.settings.task
            made[name if name not in made else folder] = self.comparable(folder, job)
        made["untrained"] = self.samples(self.untrained())
        metrics = {}
        for name, pictures in made.items():
            distance = kc.training.KernelDistance(features, subsets=None)
            gaussian = kc.training.FrechetDistance(features)
            for metric in (distance, gaussian):
                metric.update_state(real, pictures)
            said = judge.predict(pictures, verbose=0).argmax(axis=1)
            counts = np.bincount(said, minlength=int(training.labels.max()) + 1)
            metrics[name] = {
                "KID-own": float(distance.result()),
                "FID-own": float(gaussian.result()),
                # A hundredth of the samples is no accident.
                "classes": float((counts >= SAMPLES // 100).sum()),
            }
        accuracy = judge.evaluate(real, test.labels, verbose=0)[1]
        title = (
            f"{SAMPLES:,} samples, by a classifier that is right of {accuracy:.1%} of the test "
            "split"
        )
        return kc.jobs.Scores(metrics, title, digits=4)

    def seen(self, pictures):
        """As the classifier takes them."""
        return self.shown(pictures) * 2 - 1

    def samples(self, model):
        """Others than `sample` draws."""
        return self.seen(model.generate(SAMPLES, seed=self.settings.seed + 1))

    def comparable(self, folder, job):
        """Samples of another run.

        Raises:
            InputError: It makes none, or ones of another size.
        """
        if not isinstance(job, Making) or job.shape != self.shape:
            raise kc.InputError(
                f"--beside {folder} was given, which makes no pictures of {self.shape}",
                "runs of --task gan or vae on the same pictures",
                f"Train one: --task vae --image-size {self.settings.image_size}.",
            )
        return job.samples(job.trained())

    def untrained(self):
        keras.utils.set_random_seed(self.settings.seed + 1)
        return self.build()

    def callbacks(self, model, plan, validation):
        every = max(1, plan.epochs // 6)
        return [
            kc.callbacks.Generated(self.folder / "pictures", every_epochs=every),
            kc.callbacks.WarnOfCollapse(),
        ]


class Adversarial(Making):
    """A DCGAN."""

    trainer = kc.training.GANTrainer

    def complete(self):
        super().complete()
        if self.settings.skip_non_finite:
            raise kc.InputError(
                "--skip-non-finite was given with two networks that learn from each other",
                "trainings of one network",
                "Leave it out.",
            )

    def build(self):
        own = self.settings
        return kc.training.GANTrainer(
            kc.models.dcgan_generator(self.shape, latent=own.latent, filters=own.filters),
            kc.models.dcgan_discriminator(self.shape, filters=own.filters),
            smoothing=own.smoothing,
            seed=own.seed,
        )

    def compile(self, model, plan):
        rate = self.settings.learning_rate
        model.compile(*(keras.optimizers.Adam(rate, beta_1=0.5) for _ in range(2)))
        return model

    def values(self, part):
        return self.grey(part).astype("float32") / 127.5 - 1

    def shown(self, pictures):
        return (pictures.clip(-1, 1) + 1) / 2

    def maker(self, model):
        return model.generator


class Variational(Making):
    """A convolutional VAE."""

    trainer = kc.training.VAETrainer

    def complete(self):
        super().complete()
        side = self.settings.image_size
        if side % 4:
            raise kc.InputError(
                f"--image-size {side} was given to a VAE",
                "multiples of 4",
                f"Give for example --image-size {4 * (side // 4 + 1)}.",
            )

    def build(self):
        own = self.settings
        form = {
            "latent": own.latent, "activation": "relu",
            "units": (8 * own.filters,),
        }  # fmt: skip
        return kc.training.VAETrainer(
            kc.models.vae_encoder(self.shape, filters=(own.filters, 2 * own.filters), **form),
            kc.models.vae_decoder(self.shape, filters=(2 * own.filters, own.filters), **form),
            bound=own.bound,
            samples=own.samples,
            seed=own.seed,
        )

    def compile(self, model, plan):
        model.compile(self.guarded(keras.optimizers.Adam(self.settings.learning_rate)))
        return model

    def values(self, part):
        return self.grey(part).astype("float32") / 255

    def shown(self, pictures):
        return pictures.clip(0, 1)

    def maker(self, model):
        return model.decoder

    def interpolate(self, model):
        super().interpolate(model)
        if self.settings.latent == 2:
            made = self.shown(model.manifold(16))
            self.page("manifold.png", list(made), "The plane of codes", columns=16)

    def evaluate(self, model):
        found = super().evaluate(model)
        pictures = self.values(self.split("test"))[:100]
        bounds = {
            f"bound, K={k}": float(model.importance_bound(pictures, samples=k).mean())
            for k in (1, 50, 500)
        }
        return found._replace(metrics={**found.metrics, "test pictures, nats": bounds})
