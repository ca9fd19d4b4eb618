"""Pages of HTML: they show what they were given, and need no other file."""

import re

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc
from support import in_browser


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "red.png"
    Image.fromarray(np.full((3, 5, 3), (255, 0, 0), "uint8")).save(path)
    return path


def test_a_page_holds_its_pictures_and_shows_texts_as_they_are(tmp_path, picture):
    path = tmp_path / "page.html"
    sections = [
        kc.analysis.PageSection("One & more", ["1 < 2 & 3"], {'so "red" it is': picture}),
        kc.analysis.PageSection("Two", ["a", "b"], {}),
    ]
    kc.analysis.write_page(path, "A <b> page", sections, about="about > it")
    picture.unlink()
    content = path.read_text("utf-8")
    assert re.findall("<h2 id=.(.).>(.*?)</h2>", content) == [("0", "One &amp; more"), ("1", "Two")]
    assert re.findall('<a href="#(.)">', content) == ["0", "1"]
    assert re.findall("<p>(.*?)</p>", content) == ["about &gt; it", "1 &lt; 2 &amp; 3", "a", "b"]
    assert "<title>A &lt;b&gt; page</title>" in content and "<b>" not in content
    assert 'alt="so &quot;red&quot; it is"' in content
    assert not re.search(r"(src|href)=.(?!data:image/png;base64,|#)", content)


def test_groups_stand_above_their_sections_and_above_their_links(tmp_path, picture):
    section = kc.analysis.PageSection
    rows = [{"share": 0.5, "of": "<all>"}] * 3
    sections = [
        section("One", ["a"], {}, rows, group="First & last", mark="so > so", colour="#fed"),
        section("Two", ["b"], {"red": picture}, rows, group="First & last", folded=True),
        section("Three", ["c"], {}, group="Then"),
    ]
    kc.analysis.write_page(tmp_path / "page.html", "A page", sections)
    content = (tmp_path / "page.html").read_text("utf-8")
    links, body = content.split("</nav>")
    mark = '<span class="mark" style="background: #fed">so &gt; so</span>'
    for text in (links, body):
        assert re.findall("<h2>(.*?)</h2>", text) == ["First &amp; last", "Then"]
        assert text.count(mark) == 1
    assert re.findall('<li[^>]*><a href="#(.)">(.*?)</a>', links) == [
        ("0", "One"), ("1", "Two"), ("2", "Three"),
    ]  # fmt: skip
    headings = re.findall('<h2>|<h3 id="(.)">(.*?)</h3>', body)
    assert headings == [("", ""), ("0", f"One {mark}"), ("1", "Two"), ("", ""), ("2", "Three")]
    # A folded table is the last of its section; others are open.
    first, second = body.split('<h3 id="1">')
    assert "<details>" not in first and first.count("<tr>") == 4
    assert re.search(
        r"<figure>.*<details><summary>The table, 3 rows</summary><table>", second, re.S
    )
    assert body.count('<a href="#">To the top</a>') == 3
    # One mark is nothing to choose from.
    assert 'type="radio"' not in content


def test_sentences_show_code_powers_and_what_stands_first(tmp_path):
    path = tmp_path / "page.html"
    sentences = [
        "run `a^2 <b>` for 2^(n + 1) - 1 <= 10^-9 of 2^H H! ^2 of a ^n",
        ("So", "a `lone backtick, a ^ alone"),
    ]
    kc.analysis.write_page(path, "A page", [kc.analysis.PageSection("M / d^2", sentences, {})])
    content = path.read_text("utf-8")
    assert (
        "<p>run <code>a^2 &lt;b&gt;</code> for 2<sup>n + 1</sup> - 1 &lt;= 10<sup>-9</sup> of "
        "2<sup>H</sup> H! ^2 of a ^n</p>" in content
    )
    assert "<p><strong>So.</strong> a `lone backtick, a ^ alone</p>" in content
    assert content.count("M / d<sup>2</sup></") == 2


def test_a_browser_shows_the_sections_of_one_mark_alone(tmp_path):
    section, path = kc.analysis.PageSection, tmp_path / "page.html"
    sections = [section(f"Number {n}", [], {}, group="All", mark=mark)
                for n, mark in enumerate(["good", "bad", "good"])]  # fmt: skip
    kc.analysis.write_page(path, "A page", sections)
    seen = in_browser(
        path,
        800,
        """(() => {
        const shown = () => [...document.querySelectorAll("h3, li a")]
            .filter(x => x.getClientRects().length).map(x => x.firstChild.textContent.trim());
        const every = shown();
        document.querySelectorAll("label")[2].click();
        return {every, bad: shown(), names: [...document.querySelectorAll("label")].map(
            x => x.textContent.trim())};
    })()""",
    )
    names = ["Number 0", "Number 1", "Number 2"]
    assert seen["names"] == ["all", "good", "bad"]
    assert seen["every"] == names + names and seen["bad"] == ["Number 1", "Number 1"]


@pytest.mark.parametrize(
    ("name", "message"), [("a.txt", r"end in \.png"), ("a.png", "cannot be read")]
)
def test_a_picture_that_cannot_be_shown_is_refused(tmp_path, name, message):
    sections = [kc.analysis.PageSection("One", [], {"a": tmp_path / name})]
    with pytest.raises(kc.InputError, match=message):
        kc.analysis.write_page(tmp_path / "page.html", "A page", sections)
    assert not (tmp_path / "page.html").exists()


def test_rows_of_other_columns_stand_in_a_table_of_their_own(tmp_path):
    """Those whose columns are among another's stand with it, in the order in which they come."""
    path = tmp_path / "page.html"
    rows = [{"a": 1}, {"c": 2, "d": 3}, {"a": 4, "b": 5.0}, {"d": 6}]
    kc.analysis.write_page(path, "A page", [kc.analysis.PageSection("One", [], {}, rows)])
    tables = [re.findall(r"<t[hd]>(.*?)</t[hd]>", each)
              for each in re.findall("<table>.*?</table>", path.read_text())]  # fmt: skip
    assert tables == [["a", "b", "1", "", "4", "5"], ["c", "d", "2", "3", "", "6"]]
