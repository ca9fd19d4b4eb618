"""Guides as notebooks: text, and a cell for every block of Python or of a shell.

    python package/site/notebooks.py explain.md    # one of package/docs
    python package/site/notebooks.py               # all that have Python to run

They are written into the current folder, or where `--out` says: commands in them begin at the
root of a clone. Needs the extra `docs`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
# Said before each page: jupytext would take the language of most blocks, which may be a shell's.
KERNEL = """---
jupyter:
  kernelspec: {display_name: Python 3, language: python, name: python3}
---

"""


def notebook(page: Path) -> Any:
    """A guide as a notebook of `nbformat`.

    Args:
        page: The Markdown file.
    """
    try:
        import jupytext
    except ImportError:
        raise SystemExit(
            "Notebooks need jupytext. Install it with: pip install '.[docs]'"
        ) from None

    return jupytext.reads(KERNEL + page.read_text("utf-8"), fmt="md")


def main() -> int:
    """Write a notebook for each guide that has Python to run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", type=Path, help="by default all that have Python")
    parser.add_argument("--out", type=Path, default=Path(), help="folder; the current by default")
    options = parser.parse_args()
    all_pages = [page for page in sorted(DOCS.glob("*.md")) if "```python\n" in page.read_text()]
    for page in options.pages or all_pages:
        page = page if page.exists() else DOCS / page.name
        if not page.exists():
            names = ", ".join(each.name for each in all_pages)
            parser.error(f"{page} was given, which is no page. Allowed: {names}. Pass one of them.")
        made = notebook(page)
        import nbformat

        path = options.out / f"{page.stem}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(made, path)
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
