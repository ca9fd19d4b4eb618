"""What of the site is made when it is built: a page for each family and each room.

A hook of MkDocs. Cards, rooms and docstrings are read from the package; the pictures of the
architectures are drawn from the models themselves, built without drawing their weights.
"""

from __future__ import annotations

import inspect
import re
import sys
import tempfile
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "package"), str(ROOT / "applications")]

import keras_classics as kc  # noqa: E402
from claims import claim as claims  # noqa: E402

# Rooms whose public callables a user starts from.
ROOMS = (
    "models", "layers", "initializers", "training", "callbacks", "data", "boxes", "decoding",
    "analysis", "transfer", "weights", "compression", "export", "distribution", "jobs",
)  # fmt: skip
# Pages beside the documentation, and what they are called in it.
BESIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "saved_models/README.md": "shipped.md",
}
# What is looked up, not read: in a search it stands behind the guides.
LOOKED_UP = ("api", "catalogue", "changelog", "commands", "formats", "measured", "speed")
LINK = re.compile(r"(?P<before>\]\(|src=\")(?P<target>[^)\s\"]+)")


def families() -> dict[str, list[kc.ModelCard]]:
    """The cards of each family, the oldest family first."""
    found: dict[str, list[kc.ModelCard]] = {}
    for name in kc.list_models():
        found.setdefault(kc.card(name).family, []).append(kc.card(name))
    return dict(sorted(found.items(), key=lambda each: min(card.year for card in each[1])))


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Enter families and rooms into the navigation."""
    for entry in config.nav or []:
        if "Catalogue" in entry:
            entry["Catalogue"] += [{name: f"catalogue/{name}.md"} for name in families()]
        if "API" in entry:
            entry["API"] += [{f"kc.{room}": f"api/{room}.md"} for room in ROOMS]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures that no file has."""

    def add(path: str, content: str | bytes) -> None:
        files.append(File.generated(config, path, content=content))

    for source, target in BESIDE.items():
        add(target, (ROOT / source).read_text("utf-8"))
    for pattern in ("saved_models/*/*.png", "applications/claims/results/*.png"):
        for picture in sorted(ROOT.glob(pattern)):
            add(str(picture.relative_to(ROOT)), picture.read_bytes())
    add("CITATION.cff", (ROOT / "CITATION.cff").read_bytes())
    for family, cards in families().items():
        smallest = min(cards, key=lambda card: (card.parameters, card.name))
        add(f"catalogue/{family}.svg", drawn(smallest.name))
        add(f"catalogue/{family}.md", family_page(family, cards, smallest.name))
    for room in ROOMS:
        add(f"api/{room}.md", room_page(room))
    add("api.md", api_page())
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links between files of the repository be links between pages of the site."""
    source = page.file.src_uri
    if source == "courses.md":
        markdown += verdicts()
    page.meta["search"] = {"boost": 0.5 if source.startswith(LOOKED_UP) else 4}
    beside = {target: name for name, target in BESIDE.items()}
    folder = Path(beside.get(source, f"package/docs/{source}")).parent

    def moved(found: re.Match[str]) -> str:
        target, mark, heading = found["target"].partition("#")
        if not target or "//" in target or source.startswith(("catalogue/", "api")):
            return found[0]
        path = (ROOT / folder / target).resolve().relative_to(ROOT).as_posix()
        there = BESIDE.get(path, path.removeprefix("package/docs/"))
        return f"{found['before']}{there}{mark}{heading}"

    return LINK.sub(moved, markdown)


def drawn(name: str) -> bytes:
    """The picture of an architecture."""
    import keras

    # Kernels that are looked at for their shapes alone needn't be drawn.
    keras.initializers.VarianceScaling.__call__ = lambda self, shape, dtype=None: keras.ops.zeros(
        shape, dtype
    )
    model = kc.create_model(name, weights=None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.svg")
        kc.analysis.draw_architecture(path, model)
        return path.read_bytes()


def family_page(family: str, cards: list[kc.ModelCard], pictured: str) -> str:
    """The page of a family: what its cards say."""
    first = cards[0]
    parts = [f"# {family}", f"**{first.idea[0].upper()}{first.idea[1:]}.**"]
    parts += [f"- {paper}" for paper in dict.fromkeys(card.paper for card in cards)]
    rows = [
        f"| `{card.name}` | `{card.builder or card.name}` | {card.year} | "
        f"{'x'.join(map(str, card.input_shape))} | {card.parameters:,} | "
        + (f"{card.multiply_adds:,} |" if card.multiply_adds else " |")
        for card in cards
    ]
    head = "| name | in `kc.models` | year | input | parameters | multiply-adds |"
    parts.append("\n".join([head, "|---|---|---|---|---:|---:|", *rows]))
    parts.append(
        f"![The stages of {pictured}, with their maps, layers and parameters]({family}.svg)\n\n"
        f"`{pictured}`, from its input to its answer; below each stage the shape that "
        "it gives, its layers with weights and their parameters."
    )
    parts.append(
        f'```python\nimport keras_classics as kc\n\nmodel = kc.create_model("{pictured}")\n'
        f'print(kc.card("{pictured}"))\n```'
    )
    help = inspect.getdoc(getattr(kc.models, first.builder or first.name)) or ""
    parts.append("## Arguments\n\n```text\n" + help.partition("Args:")[2].strip("\n") + "\n```")
    for title, told in (
        ("Variants", {card.name: card.summary or card.idea for card in cards}),
        ("Published, and not verified here", {card.name: card.published for card in cards}),
        ("Deviations from the paper", {card.name: card.deviations for card in cards}),
        ("How it is trained", {
            card.name: "; ".join(f"`--recipe {key}`: {each}" for key, each in card.recipes.items())
            or "no recipe is published"
            for card in cards
        }),
        ("Measured", {card.name: card.measured for card in cards}),
    ):  # fmt: skip
        parts.append(f"## {title}\n\n{listed(told)}")
    return "\n\n".join(parts) + "\n"


def listed(told: dict[str, str]) -> str:
    """One line for all variants of which the same is said."""
    said: dict[str, list[str]] = {}
    for name, text in told.items():
        said.setdefault(text, []).append(name)
    if len(said) == 1:
        return next(iter(said))
    return "\n".join(
        f"- {', '.join(f'`{name}`' for name in names)}: {text}" for text, names in said.items()
    )


def verdicts() -> str:
    """What came of each claim of the courses, part by part."""
    parts: dict[str, list[str]] = {}
    for name in claims.names():
        found = claims.record_of(name, claims.RESULTS)
        if found is None or not found["verdict"]:
            continue
        claim = claims.load(name)
        told = [
            f"### {claim.number}. {claim.title}",
            f"**{claims.told(found).capitalize()}.** {found['reason']}",
            f"*Criterion, written before the run: {found['criterion']}*",
            f"![{claim.title}](applications/claims/results/{name}.png)",
            *([claim.module.FURTHER] if hasattr(claim.module, "FURTHER") else []),
            f"`python applications/reproduce.py run {name}`",
        ]
        parts.setdefault(claim.module.PART, []).append("\n\n".join(told))
    return "".join(f"\n\n## {part}\n\n" + "\n\n".join(told) for part, told in parts.items())


def room_page(room: str) -> str:
    """The page of a room: all that is public in it."""
    cards = [kc.card(name) for name in kc.list_models()] if room == "models" else []
    built = {card.builder or card.name for card in cards}
    names = sorted(set(getattr(kc, room).__all__) - built)
    listing = "".join(f"\n        - {name}" for name in names)
    head = f"# kc.{room}\n\n"
    if built:
        head += (
            f"The {len(built)} builders of the [catalogue](../catalogue.md) are on the pages of "
            "their families; the others are here.\n\n"
        )
    return f"{head}::: keras_classics.{room}\n    options:\n      members:{listing}\n"


def api_page() -> str:
    """The rooms, with a sentence each, and what stands before them."""
    told = {room: (inspect.getdoc(getattr(kc, room)) or "").splitlines()[0] for room in ROOMS}
    rows = [f"| [`kc.{room}`](api/{room}.md) | {sentence} |" for room, sentence in told.items()]
    own = [name for name in kc.__all__ if inspect.isroutine(getattr(kc, name))]
    listing = "".join(f"\n        - {name}" for name in sorted(own))
    return (
        "# API\n\n| room | what it is for |\n|---|---|\n" + "\n".join(rows) + "\n\n"
        "## The package itself\n\n"
        f"::: keras_classics\n    options:\n      heading_level: 3\n      members:{listing}\n"
    )
