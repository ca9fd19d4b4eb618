"""The settings of a job: a dataclass each of whose fields is a flag of the command line."""

from __future__ import annotations

import copy
import dataclasses
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_classics.core.arguments import checked
from keras_classics.core.boundary.text_files import as_json
from keras_classics.core.errors import InputError, check_positive, check_probability, check_whole
from keras_classics.distribution import STRATEGIES

TRAIN = "train"
# From the name of a flag and what was typed to the value, or an error that says what is admitted.
Check = Callable[[str, Any], Any]
# Settings by name, and the values that are needed of them; none stand for all but the default.
Needs = Mapping[str, Sequence[Any]]
# Of the settings of these names, in whatever job; no 0 stands for a default.
CHECKS: dict[str, Check] = {
    "epochs": check_whole,
    "batch_size": check_whole,
    "image_size": check_whole,
    "learning_rate": check_positive,
    "n_best": check_whole,
    "count": check_whole,
    "steps": check_whole,
    "points": check_whole,
    "stored": check_whole,
    "stride": check_whole,
    "crop": check_whole,
    "pictures": check_whole,
    "seeds": check_whole,
    "further_epochs": check_whole,
    "epsilon": check_positive,
    "least_score": check_probability,
    "overlap": check_probability,
    "shown_from": check_probability,
    "tile": check_whole,
}
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")


@checked
def flag(
    default: Any,
    help: str = "",
    *,
    verbs: Sequence[str] = (TRAIN,),
    when: Needs | None = None,
    may_change: bool = False,
    choices: Sequence[str] | None = None,
    name: str | None = None,
    metavar: str | None = None,
    parse: Callable[[str], Any] | None = None,
) -> Any:
    """A field of settings, and its flag.

    Args:
        default: Its value without the flag; None often means that it follows from other settings,
            which `Job.complete` sees to.
        help: Stands beside the flag.
        verbs: Those that have the flag. What `train` has makes the run: it is recorded, and later
            verbs take it from there.
        when: Other settings, with whose values alone it has a meaning, such as
            `{"task": ["vae"]}`; no values stand for all but the default. Elsewhere it is refused.
        may_change: Whether a run may be continued with another value, such as more epochs.
        choices: All values there are.
        name: The flag's name; by default the field's.
        metavar: What the help calls the value.
        parse: From what was typed to the value; by default as the field's type says.
    """
    return dataclasses.field(
        default_factory=default if callable(default) else lambda: copy.copy(default),
        metadata={
            "help": help,
            "verbs": tuple(verbs),
            "when": dict(when or {}),
            "may_change": may_change,
            "choices": tuple(choices) if choices else None,
            "name": name,
            "metavar": metavar,
            "parse": parse,
        },
    )


@dataclass(kw_only=True)
class Settings:
    """What every training has. A job's own settings are fields of a dataclass that inherits it.

    Arguments of the class give inherited settings other defaults: `class Mine(Settings, epochs=8)`.
    """

    data: str = flag("")
    data_options: dict[str, Any] = flag(
        dict, "arguments of the data's reader, see help(kc.data.load)"
    )
    strict: bool = flag(
        False,
        "refuse faulty files instead of skipping them",
        verbs=(TRAIN, "evaluate"),
        may_change=True,
    )
    epochs: int | None = flag(None, "epochs in all", may_change=True)
    batch_size: int | None = flag(None)
    learning_rate: float | None = flag(None)
    skip_non_finite: bool = flag(
        False,
        "leave out, and count, steps whose gradient is infinite or not a number, in place of "
        "ending at such a loss",
    )
    precision: str = flag("float32", choices=PRECISIONS)
    strategy: str = flag("auto", "where to train", may_change=True, choices=STRATEGIES)
    seed: int = flag(0, "of weights, orders, dropout and made data")

    def __init_subclass__(cls, **defaults: Any) -> None:
        super().__init_subclass__()
        parents: dict[str, dataclasses.Field[Any]] = {}
        for each in reversed(cls.__mro__[1:]):
            parents |= vars(each).get("__dataclass_fields__", {})
        for name, default in defaults.items():
            again = flag(default)
            again.metadata = parents[name].metadata
            setattr(cls, name, again)
            cls.__annotations__[name] = parents[name].type

    def fill(self, **values: Any) -> None:
        """Give values to settings that nothing was said of, which are None.

        Of a table, such as `data_options`, they are given to the keys that are not there.
        """
        for name, value in values.items():
            said = getattr(self, name)
            if said is None:
                setattr(self, name, value)
            elif isinstance(value, dict):
                setattr(self, name, {**value, **said})

    def some(self, *names: str) -> dict[str, Any]:
        """Some of them by name, as arguments of what has arguments of these names.

        Where `"none"` can be typed, the argument is None.
        """
        values = {name: getattr(self, name) for name in names}
        return {name: None if value == "none" else value for name, value in values.items()}


@dataclass(frozen=True)
class Flag:
    """A field of settings as the command line has it.

    Attributes:
        field: Name of the field.
        option: Name of the flag, such as `--batch-size`.
        kind: Type of the value, or of each of them: int, float, str, bool or Path.
        many: Whether several values follow: None, `"list"` or `"dict"`.
        on: Whether it is a bool that is True where nothing is said; `--no-NAME` turns it off.
        verbs: Verbs that have it.
        when: Other settings, by name, with whose values alone it has a meaning.
        may_change: Whether a run may be continued with another value.
        help: Stands beside it, the default included.
        choices: All values there are, or None for any.
        metavar: What the help calls the value, or None.
        parse: From what was typed to the value, or None.
        check: Refuses values, or None.
    """

    field: str
    option: str
    kind: type
    many: str | None
    on: bool
    verbs: tuple[str, ...]
    when: Needs
    may_change: bool
    help: str
    choices: tuple[str, ...] | None
    metavar: str | None
    parse: Callable[[str], Any] | None
    check: Check | None

    @property
    def made(self) -> bool:
        """Whether it makes the run: a training has it, and no other value may follow."""
        return TRAIN in self.verbs and not self.may_change


def flags_of(settings: type[Settings]) -> list[Flag]:
    """The flags of settings, in the order of their fields."""
    hints = typing.get_type_hints(settings)
    return [_flag(settings, each, hints[each.name]) for each in dataclasses.fields(settings)]


def _flag(settings: type[Settings], field: dataclasses.Field[Any], hint: Any) -> Flag:
    data = field.metadata
    # What is parsed as a whole is typed as one text.
    kind, many = (str, None) if field.metadata["parse"] else _kind(hint)
    factory = field.default_factory
    default = None if factory is dataclasses.MISSING else factory()
    notes = [needed(settings, name, values) for name, values in data["when"].items()]
    # 0 is a default that is worth saying, False none.
    if default is not None and default is not False and default not in ("", [], {}):
        shown = " ".join(map(str, default)) if isinstance(default, list) else default
        notes.append(f"default: {shown}")
    help = f"{data['help']} ({'; '.join(notes)})".strip() if notes else data["help"]
    return Flag(
        field=field.name,
        option=option_of(settings, field.name),
        kind=kind,
        many=many,
        on=default is True,
        verbs=data["verbs"],
        when=data["when"],
        may_change=data["may_change"],
        help=help,
        choices=data["choices"],
        metavar=data["metavar"],
        parse=data["parse"],
        check=CHECKS.get(field.name),
    )


def option_of(settings: type[Settings], name: str) -> str:
    """The flag of a field."""
    data = settings.__dataclass_fields__[name].metadata
    return "--" + (data["name"] or name).replace("_", "-")


def needed(settings: type[Settings], name: str, values: Sequence[Any]) -> str:
    """What is needed of a setting, as it is typed, such as `"with --task gan or vae"`."""
    # What is only set or not, or may have any value, is its flag.
    typed = " or ".join(str(each) for each in values if each is not True)
    return f"with {option_of(settings, name)} {typed}".strip()


def unmet(settings: Settings, needs: Needs) -> str | None:
    """The first setting that has another value than is needed, as it is typed; None if none has.

    Args:
        settings: Completed, so that what follows from others is there.
        needs: By name, as `flag(when=)` has them.
    """
    kind = type(settings)
    default = vars(kind())
    for name, values in needs.items():
        value = getattr(settings, name)
        if value not in values if values else value == default[name]:
            absent = value in (None, False)
            option = option_of(kind, name)
            return f"without {option}" if absent else f"with {option} {value}"
    return None


def _kind(hint: Any) -> tuple[type, str | None]:
    """The type of a value, and whether there are several."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        [hint] = [each for each in typing.get_args(hint) if each is not type(None)]
    origin = typing.get_origin(hint)
    if dict in (hint, origin):
        return str, "dict"
    if origin is list:
        return typing.get_args(hint)[0], "list"
    return hint, None


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a record keeps them: tuples are lists, paths texts, wherever they stand."""
    return as_json(_without_paths(dict(values)))


def _without_paths(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _without_paths(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(each) for each in value]
    return value


def from_record(each: Flag, value: Any) -> Any:
    """A value that a record keeps, as its flag gives it: what was typed as a path is one again."""
    if each.kind is Path and each.parse is None:
        if isinstance(value, list):
            return [from_record(each, one) for one in value]
        if isinstance(value, str):
            return Path(value)
    return value


def check_kinds(settings: type[Settings], values: Mapping[str, Any], where: object) -> None:
    """Refuse values of a record that are of another kind than their settings.

    Args:
        settings: The class of the settings.
        values: By the names of fields, as the record keeps them.
        where: The record, for the message.

    Raises:
        InputError: One is.
    """
    defaults = told(vars(settings()))
    for each in flags_of(settings):
        # What is parsed as a whole may be of any kind, and a default is sound whatever it is.
        if each.field not in values or each.parse or values[each.field] == defaults[each.field]:
            continue
        value, kind = values[each.field], str if each.kind is Path else each.kind
        if each.many == "dict":
            sound = isinstance(value, dict)
        elif each.many == "list":
            sound = isinstance(value, list) and all(_is_kind(one, kind) for one in value)
        else:
            sound = _is_kind(value, kind)
        chosen = value if each.many == "list" else [value]
        if not sound or (each.choices and not set(chosen) <= set(each.choices)):
            raise InputError(
                f"{where} has {each.field}={value!r}",
                "the settings that a training wrote",
                "Put the file back, or train into another --out.",
            )


def _is_kind(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def made_of(settings: Settings) -> dict[str, Any]:
    """What makes the run, and the number of epochs, as a record keeps them.

    What has no meaning beside the other settings makes nothing.
    """
    flags = [each for each in flags_of(type(settings)) if each.made]
    fields = [each.field for each in flags if unmet(settings, each.when) is None]
    return told({name: getattr(settings, name) for name in [*fields, "epochs"]})
