"""What a job says of itself; all else is `run`'s."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from keras_classics.core.boundary.program_files import load_saved_model, signature_of
from keras_classics.core.boundary.text_files import write_table
from keras_classics.core.errors import InputError
from keras_classics.jobs.output import Output
from keras_classics.jobs.plan import Plan
from keras_classics.jobs.ranked_answers import Answer, ranked
from keras_classics.jobs.records import other_releases, read_run
from keras_classics.jobs.settings import Needs, Settings

if TYPE_CHECKING:
    import keras

    from keras_classics.data.load import Data

VERBS = {
    "train": "train, or go on training",
    "evaluate": "figures and pictures of the test split",
    "export": "write a SavedModel, or a file for LiteRT or ONNX",
}


class Fact(NamedTuple):
    """What must be known beside the weights to read inputs or outputs, such as a vocabulary.

    Attributes:
        file: Where a run's folder keeps it.
        load: From the path of the file to the fact.
    """

    file: str
    load: Callable[[Path], Any]


class Scores(NamedTuple):
    """What an evaluation found.

    Attributes:
        metrics: Figures by what was evaluated.
        title: Stands above their table.
        digits: Digits behind the point.
    """

    metrics: Mapping[str, Mapping[str, float]]
    title: str
    digits: int = 3


def _listed(inputs: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({dtype})" for name, dtype in inputs.items()) or "nothing named"


class Job(ABC):
    """From data to a trained model, its figures, its export and its answers.

    A subclass is an application: it says what is its own, and `kc.jobs.run` does the rest.

    Attributes:
        Settings: Its settings, a dataclass that inherits `kc.jobs.Settings`.
        name: In its records; its runs lie in `runs/NAME` by default.
        makes: What it trains, for messages, such as `"captioner"`.
        verbs: What it can be told to do, each with a line of help, in the order of the whole job.
            `train`, `evaluate` and `export` are known, `asks` asks the export; each other is a
            method of its name that takes the trained model.
        verb_needs: By verb, the settings with whose values alone it has a meaning, as the `when` of
            a flag has them; it is refused of other runs.
        whole_verbs: The verbs of the whole job, in order; by default all.
        formats: What its exports can be written as; by default every format.
        runless: Verbs that need no trained model, whose methods take nothing; of the settings
            those that are typed.
        asks: The verb that asks a model, or None.
        reads: What of the data `read` collects, as `kc.data.collect` calls it.
        queries: What the help calls that verb's arguments.
        reads_lines: Whether it asks about the lines of standard input where there are none.
        takes: What its exports take, by name: the dtype, or several as `"uint8 or float32"`.
        gives: Names of what it reads of their answers.
        source_names: Further names of the flag `--from`.
        extras: Optional libraries by verb: the module, and the extra of this package with it.
        figures: What of its history is drawn.
        model_file: Name of the trained model in a run's folder.
        shipped: Folder of an export that answers as long as no run of one's own does.
        settings: Of this run, completed.
        folder: Of this run.
        results: Where figures, tables and pictures go; mostly the run's folder.
        output: Where words and figures go.
        facts: By name; what must be known beside the weights.
        tensorboard: Folder of TensorBoard's logs, or None.
    """

    Settings: ClassVar[type[Settings]] = Settings
    name: ClassVar[str]
    makes: ClassVar[str] = "model"
    verbs: ClassVar[Mapping[str, str]]
    verb_needs: ClassVar[Mapping[str, Needs]] = {}
    whole_verbs: ClassVar[Sequence[str] | None] = None
    formats: ClassVar[Sequence[str] | None] = None
    runless: ClassVar[Sequence[str]] = ()
    reads: ClassVar[str]
    asks: ClassVar[str | None] = None
    queries: ClassVar[str] = "QUERY"
    reads_lines: ClassVar[bool] = False
    takes: ClassVar[Mapping[str, str]] = {}
    gives: ClassVar[Sequence[str]] = ()
    source_names: ClassVar[Sequence[str]] = ()
    extras: ClassVar[Mapping[str, Sequence[tuple[str, str]]]] = {}
    figures: ClassVar[Sequence[str]] = ("loss",)
    model_file: ClassVar[str] = "model.keras"
    shipped: ClassVar[Path | None] = None
    command: ClassVar[str]
    out: ClassVar[Path]

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if hasattr(cls, "name"):
            own = vars(cls)
            cls.command = own.get("command", f"python applications/{cls.name}.py")
            cls.out = Path(own.get("out", Path("runs", cls.name)))

    @classmethod
    def of(cls, settings: Any, folder: Path, output: Output) -> Job:
        """A job with some settings; where these choose a task, of the class that does that task."""
        return cls(settings, folder, output)

    def __init__(self, settings: Any, folder: Path, output: Output) -> None:
        self.settings = settings
        self.folder = self.results = folder
        self.output = output
        self.facts: dict[str, Any] = {}
        self.tensorboard: Path | None = None

    # What has a natural default.

    def complete(self) -> None:  # noqa: B027 - a hook
        """Fill in settings that follow from others, and refuse those that contradict each other."""

    def brings_model(self) -> bool:
        """Whether settings that were typed name a model that `trained` reads from elsewhere.

        Then no run is asked for, and there are no facts but those that `trained` makes.
        """
        return False

    def whole(self) -> list[str]:
        """The verbs of the whole job, in order, where they follow from its settings too."""
        return list(self.whole_verbs or self.verbs)

    @cached_property
    def data(self) -> Data:
        """The data that the settings name."""
        from keras_classics.data.load import load

        settings = self.settings
        own = {"seed": settings.seed, "strict": settings.strict, **self.reader_options()}
        if twice := own.keys() & settings.data_options:
            raise InputError(
                f"--data-options {' '.join(sorted(twice))} was given",
                "what no other flag says",
                "Leave it out.",
            )
        return load(settings.data, **settings.data_options, **own)

    def split(self, name: str) -> Any:
        """A split in memory, with remarks on what is wrong with the data the first time."""
        first = "data" not in vars(self)
        with self.output.reading():
            data = self.data
        if first:
            if self.facts:
                self.check_data(data)
            for sentence in data.info.skipped:
                self.output.remark_once(f"skipped: {sentence}")
            record = read_run(self.folder) or {}
            if told := other_releases(record, data.info.made_with):
                self.output.remark(f"warning: of the run in {self.folder} {told}")
        with self.output.reading():
            return self.read(name)

    def reader_options(self) -> dict[str, Any]:
        """Further arguments of the data's reader, which no flag can change."""
        return {}

    def fact_files(self) -> Mapping[str, Fact]:
        """The facts by name."""
        return {}

    def make_facts(self, training: Any) -> dict[str, Any]:
        """The facts by name, from the training split."""
        return {}

    def numbered(self, part: Any, split: str) -> Any:
        """What batches are made of: a split as the facts number it, or as it is; it has a length.

        Args:
            part: The split, as it was read.
            split: Its name.
        """
        return part

    def check_model(self, model: keras.Model) -> None:  # noqa: B027 - a hook
        """Refuse a model that is of other facts.

        Raises:
            InputError: It is.
        """

    def check_data(self, data: Data) -> None:  # noqa: B027 - a hook
        """Refuse data that are of other facts than those of the run.

        Raises:
            InputError: They are.
        """

    def trained(self) -> keras.Model:
        """The trained model of the run, after a look at whether it and the facts belong together.

        Raises:
            InputError: It is damaged, or of another run.
        """
        from keras_classics.core.boundary.model_files import load_model

        model = load_model(self.folder / self.model_file)
        self.check_model(model)
        return model

    def plan(self, model: keras.Model, training: Any) -> Plan:
        """How long to train."""
        return Plan.of(len(training), self.settings.batch_size, self.settings.epochs)

    def callbacks(self, model: keras.Model, plan: Plan, validation: Any) -> list[Any]:
        """Further Keras callbacks of the training."""
        return []

    def told(self, model: keras.Model, plan: Plan, training: Any) -> str:
        """A sentence about what is trained on what."""
        return (
            f"{model.count_params():,} parameters, {len(training):,} training examples, "
            f"{plan.epochs} epoch{'s' * (plan.epochs > 1)} of {plan.steps_per_epoch} "
            f"batch{'es' * (plan.steps_per_epoch > 1)} of {plan.batch_size}"
            + (f"\n{plan.trained_by}" if plan.trained_by else "")
        )

    def validation(self, part: Any, plan: Plan, model: keras.Model) -> dict[str, Any]:
        """Arguments of `fit` for the validation."""
        steps = max(1, len(part) // plan.batch_size)
        batches = self.batches(part, plan, model)(0)
        return {"validation_data": batches, "validation_steps": steps}

    def kept(self, model: keras.Model) -> keras.Model:
        """What of the model is kept after the training."""
        return model

    def guarded(self, optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
        """The optimizer that `--skip-non-finite` asks for.

        Raises:
            InputError: It was given in the scope of a strategy of `tf.distribute`.
        """
        if not self.settings.skip_non_finite:
            return optimizer
        from keras_classics.training.optimizers import SkipNonFinite, refuse_strategies

        refuse_strategies()
        return SkipNonFinite(optimizer)

    def export(self, model: keras.Model, path: Path, format: str) -> list[Path] | None:
        """Write the model with all it needs; the paths, if they are others than `path`."""
        raise NotImplementedError

    def table(
        self, name: str, content: Mapping[str, Iterable[Any]] | Sequence[Mapping[str, Any]]
    ) -> None:
        """Write a table into `results`.

        Args:
            name: Of the file, `.csv`.
            content: Columns by name, or rows, each by the names of the columns.

        Raises:
            InputError: The file cannot be written.
        """
        import pandas as pd

        write_table(self.results / name, pd.DataFrame(content), index=False)

    def example(self) -> list[str]:
        """What the whole job asks in the end; settings of the asking may be changed here.

        Here the file `example` with any ending that the evaluation left, if it did.
        """
        return [str(path) for path in sorted(self.folder.glob("example.*"))]

    def exports_in(self, folder: Path) -> bool:
        """Whether a folder holds an export that answers."""
        return (folder / "saved_model.pb").exists()

    def open_export(self, folder: Path) -> Any:
        """What `ask` is given of an exported model: here the loaded SavedModel.

        Raises:
            InputError: It is damaged, or the export of another job.
        """
        loaded = load_saved_model(folder)
        inputs, outputs = signature_of(loaded)
        fits = inputs.keys() == self.takes.keys() and all(
            inputs[name] in dtypes.split(" or ") for name, dtypes in self.takes.items()
        )
        if self.takes and not (fits and outputs.keys() >= set(self.gives)):
            raise InputError(
                f"{folder} holds an export that takes {_listed(inputs)} and answers with "
                f"{', '.join(outputs) or 'nothing named'}",
                f"one that takes {_listed(self.takes)} and answers with "
                f"{', '.join(self.gives)}, as {self.name} exports it",
                f"Name {f'{self.shipped}, or ' if self.shipped else ''}the --out of a finished "
                "run of this application.",
            )
        return loaded

    def ask(self, query: Any, exported: Any) -> Answer:
        """What an exported model says to a query.

        Raises:
            InputError: It is none that can be answered; the others are.
        """
        raise NotImplementedError

    def ask_model(self, query: Any, model: keras.Model) -> Answer:
        """What the run's own model says to a query, where there is no export.

        Raises:
            InputError: It is none that can be answered; the others are.
        """
        raise NotImplementedError

    def ranked(
        self, texts: Sequence[str], scores: Sequence[float], *, of: str, **form: Any
    ) -> Answer:
        """An answer that is several, the best first: as many as the setting `n_best` asks for.

        Where a job has that setting, and a model gives fewer, that is said once.

        Args:
            texts: What the model answers.
            scores: Of each.
            of: What they are, such as `"captions"`.
            **form: Further arguments of `kc.jobs.ranked`; here scores are log-probabilities.
        """
        asked = getattr(self.settings, "n_best", None)
        if asked is not None and len(texts) < asked:
            given = of.removesuffix("s") if len(texts) == 1 else of
            self.output.remark_once(
                f"the model gives {len(texts)} {given}, --n-best asked for {asked}; export it with "
                "a larger --beam for more"
            )
        form = {"scored": "log_probabilities", "between": " | ", **form}
        return ranked(texts, scores, of=of, count=asked, **form)

    def line(self, query: Any, answer: Answer) -> str:
        """How a query and its answer are shown."""
        return f"{query}: {answer.text}"

    def answered(self) -> None:  # noqa: B027 - a hook
        """Comes after the last answer; what cannot be written here is told, and no failure.

        Raises:
            InputError: A file cannot be written.
        """

    def read(self, split: str) -> Any:
        """A split of `data` in memory, which `split` hands out; it has a length."""
        from keras_classics.data.store import collect

        return collect(getattr(self.data, split), self.reads, description=split)

    # What every job says.

    @abstractmethod
    def build(self) -> keras.Model:
        """The model; refused arguments are the user's mistake."""

    @abstractmethod
    def compile(self, model: keras.Model, plan: Plan) -> keras.Model:
        """Compile; returns what is to be fitted, the model itself or a trainer around it."""

    @abstractmethod
    def batches(self, part: Any, plan: Plan, model: keras.Model) -> Callable[[int], Iterable]:
        """From the number of a batch, over all epochs, to the training batches from it on."""

    @abstractmethod
    def evaluate(self, model: keras.Model) -> Scores:
        """Figures of the test split; leaves tables and pictures in `results`."""
