"""Pages of HTML: they show what they were given, and need no other file."""

import re

import numpy as np
import pytest
from PIL import Image

import keras_classics as kc


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


@pytest.mark.parametrize(
    ("name", "message"), [("a.txt", r"end in \.png"), ("a.png", "cannot be read")]
)
def test_a_picture_that_cannot_be_shown_is_refused(tmp_path, name, message):
    sections = [kc.analysis.PageSection("One", [], {"a": tmp_path / name})]
    with pytest.raises(kc.InputError, match=message):
        kc.analysis.write_page(tmp_path / "page.html", "A page", sections)
    assert not (tmp_path / "page.html").exists()
