"""The embedded world `phrases`: short parallel texts in English, French, Dutch and German.

Numbers and ordinals are spelled out by `num2words`; dates, times, spans, measures, sums of money,
countries and languages are written by Babel from the Unicode CLDR. What is said is drawn once and
each language says it by its own rules, so all four are true, parallel and as many as wanted. What a
phrase says is a pure function of a seed and an index, and hardly one of Babel's release: a name
that a new CLDR brings is said by a few phrases, and no other phrase says something else for it.

French ordinals on a plural (`deux centsième`) are left out: num2words keeps their s, French drops
it. Every kind of white space is one space.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count, islice
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_classics.core.arguments import checked
from keras_classics.core.errors import check_choice, import_extra
from keras_classics.core.versions import installed
from keras_classics.data.load import Asked, Data, world_sizes
from keras_classics.data.texts.parallel import Parallel, ParallelTexts, check_languages

if TYPE_CHECKING:
    import babel

LANGUAGES = ("en", "fr", "nl", "de")
MOST = 1_000_000
LIBRARIES = ("babel", "num2words", "numpy")

# A twentieth of all phrases is for testing, another for validation.
_PARTS = 20
_WITH_YEAR = ("medium", "long", "full")
_SKELETONS = ("MMMMd", "yMMMM")
_FIRST_DAY, _DAYS = datetime.date(1900, 1, 1), 73049
_SECONDS = {
    "year": 31_536_000, "month": 2_592_000, "week": 604_800, "day": 86_400, "hour": 3_600,
    "minute": 60, "second": 1,
}  # fmt: skip
_UNITS = tuple(
    "length-kilometer length-meter length-centimeter length-mile length-light-year mass-kilogram "
    "mass-gram mass-tonne mass-pound volume-liter volume-cubic-meter volume-teaspoon volume-barrel "
    "area-square-kilometer area-hectare area-square-meter temperature-celsius "
    "temperature-fahrenheit speed-kilometer-per-hour speed-meter-per-second speed-knot "
    "digital-megabyte digital-gigabyte energy-calorie energy-kilowatt-hour power-watt "
    "power-horsepower electric-volt electric-ampere frequency-megahertz angle-degree "
    "concentr-percent".split()
)
_CURRENCIES = tuple(
    "EUR USD GBP JPY CHF CAD AUD INR RUB BRL SEK NOK DKK PLN CZK HUF TRY ZAR MXN KRW EGP THB ILS "
    "NZD".split()
)
# Unions and placeholders among the codes of territories.
_NO_COUNTRIES = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}

Writer = Callable[[str], str]


class Said(NamedTuple):
    """What a phrase says, in signs of no language, and what writes it in any."""

    meaning: str
    write: Writer


class Phrase(NamedTuple):
    """One thing said in several languages.

    Attributes:
        kind: One of `KINDS`.
        meaning: What is said, in signs of no language: `"21"`, `"BE FR"`.
        texts: How each language says it.
    """

    kind: str
    meaning: str
    texts: dict[str, str]


@checked
def make_phrase(seed: int, index: int, languages: Sequence[str] = LANGUAGES) -> Phrase:
    """Write the phrase that has this seed and index.

    Args:
        seed: Chooses the world, 0 or above.
        index: Chooses the phrase within it, 0 or above.
        languages: Some of `LANGUAGES`; the others are not written.

    Returns:
        Its kind, its meaning, and its text in each language.
    """
    rng = np.random.default_rng([seed, index])
    kind = str(rng.choice(list(KINDS), p=_SHARES))
    meaning, write = KINDS[kind][0](rng)
    return Phrase(kind, meaning, {each: " ".join(write(each).split()) for each in languages})


@checked
def load_phrases(
    asked: Asked,
    *,
    languages: Sequence[str] | str = LANGUAGES,
    train: int = 20000,
    validation: int = 500,
    test: int = 1000,
) -> Data:
    """Write the embedded parallel world: no files, no download.

    A hash of the seed and the meaning holds a phrase back, whatever the number of training phrases
    and however a library's release writes it, and no held-back text is ever trained on, in any of
    the languages chosen. What English says in one word is always for training, as nothing else
    would teach that word. No phrase occurs twice.

    Args:
        asked: The seed of the world.
        languages: Two or more of `"en"`, `"fr"`, `"nl"`, `"de"`.
        train: Number of training phrases.
        validation: Number of validation phrases.
        test: Number of test phrases.

    Raises:
        InputError: A language is unknown, or a count out of range.
        ImportError: num2words or Babel is not installed.
    """
    languages = check_languages(languages, LANGUAGES)
    sizes = world_sizes(MOST, "phrases", train=train, validation=validation, test=test)
    return asked.data(
        {
            split: ParallelTexts.gathered(part, languages)
            for split, part in _divide(asked.seed, languages, sizes).items()
        },
        f"a {_PARTS}th each for validation and test, by a hash of seed {asked.seed} and the "
        "meaning; one English word is always for training",
        languages=languages,
        origin="num2words, and Babel with the Unicode CLDR.",
        made_with=installed(LIBRARIES),
    )


@checked
def phrase_groups(
    language: str = "en", *, groups: int = 8, seed: int = 0
) -> list[tuple[str, list[str]]]:
    """Write groups of paraphrases: a date in its medium, long and full form.

    Args:
        language: One of `LANGUAGES`.
        groups: Number of different dates.
        seed: Chooses them.

    Returns:
        The date in ISO form and its texts, for each group.

    Raises:
        InputError: The language is unknown.
    """
    check_choice("language", language, LANGUAGES)
    rng = np.random.default_rng([seed, 83])
    days = [_day(rng) for _ in range(groups)]
    return [(day.isoformat(), [_dated(day, form)(language) for form in _WITH_YEAR]) for day in days]


def _divide(
    seed: int, languages: tuple[str, ...], sizes: dict[str, int]
) -> dict[str, list[Parallel]]:
    """Fill every split; first what is held back, which training must avoid."""
    stream = _distinct(seed, languages if "en" in languages else ("en", *languages))
    held_back: dict[str, list[Parallel]] = {"validation": [], "test": []}
    for_training: list[Parallel] = []
    said: set[tuple[str, str]] = set()

    def texts(phrase: Parallel) -> set[tuple[str, str]]:
        return {(language, phrase.texts[language]) for language in languages}

    while any(len(part) < sizes[split] for split, part in held_back.items()):
        split, phrase = next(stream)
        if split == "train":
            for_training.append(phrase)
        elif len(held_back[split]) < sizes[split] and said.isdisjoint(texts(phrase)):
            held_back[split].append(phrase)
            said |= texts(phrase)
    more = (phrase for split, phrase in stream if split == "train")
    allowed = (each for each in chain(for_training, more) if said.isdisjoint(texts(each)))
    return {"train": list(islice(allowed, sizes["train"])), **held_back}


def _distinct(seed: int, languages: tuple[str, ...]) -> Iterator[tuple[str, Parallel]]:
    """Draw phrases without end, none twice, each with its split."""
    seen = set()
    for index in count():
        phrase = make_phrase(seed, index, languages)
        if phrase.texts["en"] not in seen:
            seen.add(phrase.texts["en"])
            yield _split(seed, phrase), Parallel(phrase.texts, f"{phrase.kind}-{index:06d}")


def _split(seed: int, phrase: Phrase) -> str:
    if " " not in phrase.texts["en"]:
        return "train"
    part = _hashed(seed, phrase.kind, phrase.meaning) % _PARTS
    return {0: "test", 1: "validation"}.get(part, "train")


def _hashed(*parts: object) -> int:
    text = ":".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


def _cardinal(rng: np.random.Generator) -> Said:
    # As many of each length.
    number = int(10 ** rng.uniform(0, 6)) - 1
    return Said(str(number), _spelled(number, "cardinal"))


def _ordinal(rng: np.random.Generator) -> Said:
    number = int(rng.integers(1, 1000))
    # Not "deux centsième".
    while number % 100 == 80 or (number % 100 == 0 and number > 100):
        number -= 1
    return Said(str(number), _spelled(number, "ordinal"))


def _date(rng: np.random.Generator) -> Said:
    day, form = _day(rng), str(rng.choice(_WITH_YEAR + _SKELETONS))
    return Said(f"{day} {form}", _dated(day, form))


def _interval(rng: np.random.Generator) -> Said:
    first = _day(rng)
    last = first + datetime.timedelta(days=int(rng.integers(1, 60)))
    return Said(f"{first} {last}", _by_babel("dates", "format_interval", first, last, "yMMMd"))


def _time(rng: np.random.Generator) -> Said:
    moment = datetime.time(int(rng.integers(24)), int(rng.integers(60)))
    return Said(f"{moment:%H:%M}", _by_babel("dates", "format_time", moment, "short"))


def _span(rng: np.random.Generator) -> Said:
    unit = str(rng.choice(list(_SECONDS)))
    sign, direction = ((1, False), (1, True), (-1, True))[rng.integers(3)]
    count = sign * int(rng.integers(1, 100))
    span = datetime.timedelta(seconds=_SECONDS[unit] * count)
    form = {"granularity": unit, "threshold": np.inf, "add_direction": direction}
    meaning = f"{count} {unit} {'from now' if direction else 'long'}"
    return Said(meaning, _by_babel("dates", "format_timedelta", span, **form))


def _measure(rng: np.random.Generator) -> Said:
    amount, unit = int(rng.integers(1, 100)), str(rng.choice(_UNITS))
    return Said(f"{amount} {unit}", _by_babel("units", "format_unit", amount, unit))


def _money(rng: np.random.Generator) -> Said:
    amount, currency = int(rng.integers(100, 10_000)) / 100, str(rng.choice(_CURRENCIES))
    write = _by_babel("numbers", "format_currency", amount, currency, format_type="name")
    return Said(f"{amount} {currency}", write)


def _named(rng: np.random.Generator, table: str) -> Said:
    """Two or three names of a table: those that draw the highest lots (rendezvous hashing).

    A name that a CLDR adds or drops is added to or missed by the phrases that say it; drawn by
    their places in the table, all names behind it would be others.
    """
    number, count = int(rng.integers(2**63)), int(rng.integers(2, 4))
    codes = heapq.nlargest(count, _codes(table), key=lambda code: _hashed(number, code))

    def write(language: str) -> str:
        names = getattr(_locale(language), table)
        return _by_babel("lists", "format_list", [names[code] for code in codes])(language)

    return Said(" ".join(codes), write)


# How each kind is drawn, and its share of the phrases in percent.
KINDS: dict[str, tuple[Callable[[np.random.Generator], Said], int]] = {
    "cardinal": (_cardinal, 20),
    "ordinal": (_ordinal, 5),
    "date": (_date, 19),
    "interval": (_interval, 7),
    "time": (_time, 5),
    "span": (_span, 7),
    "measure": (_measure, 10),
    "money": (_money, 9),
    "countries": (functools.partial(_named, table="territories"), 11),
    "languages": (functools.partial(_named, table="languages"), 7),
}
_SHARES = np.array([share for _, share in KINDS.values()]) / 100


def _spelled(number: int, form: str) -> Writer:
    spell = import_extra("num2words", "translation").num2words
    return lambda language: spell(number, lang=language, to=form)


def _day(rng: np.random.Generator) -> datetime.date:
    return _FIRST_DAY + datetime.timedelta(days=int(rng.integers(_DAYS)))


def _dated(day: datetime.date, form: str) -> Writer:
    if form in _SKELETONS:
        return _by_babel("dates", "format_skeleton", form, day)
    return _by_babel("dates", "format_date", day, form)


def _by_babel(module: str, function: str, *given: Any, **options: Any) -> Writer:
    write = getattr(_babel(module), function)
    return lambda language: write(*given, **options, locale=language)


@functools.cache
def _babel(module: str) -> ModuleType:
    return import_extra(f"babel.{module}", "translation")


@functools.cache
def _locale(language: str) -> babel.Locale:
    return import_extra("babel", "translation").Locale(language)


@functools.cache
def _codes(table: str) -> list[str]:
    """Codes of two letters that all four languages have a name for."""
    tables = [getattr(_locale(language), table) for language in LANGUAGES]
    return sorted(
        code
        for code in tables[0]
        if len(code) == 2
        and code.isalpha()
        and code not in _NO_COUNTRIES
        and all(code in each for each in tables)
    )
