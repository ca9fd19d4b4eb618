"""The demo: every tab answers in a browser, nothing leaves the machine, absurd input is refused."""

import json
import socket
import threading
import time
from types import SimpleNamespace
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image, ImageFile

import keras_classics as kc
from browser import Browser
from support import ROOT, load_application

SHIPPED = ROOT / "saved_models"


@pytest.fixture(scope="module")
def application():
    return load_application("demo")


@pytest.fixture(scope="module")
def page(application, tmp_path_factory):
    """The demo, and a browser that shows it."""
    pytest.importorskip("gradio", reason="the demo needs gradio")
    limit = Image.MAX_IMAGE_PIXELS
    folder = tmp_path_factory.mktemp("demo")
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    server = application.server_of("127.0.0.1", port, folder)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with Browser(folder / "profile", 1280, 800) as browser:
            while not server.started:
                time.sleep(0.05)
            browser.open(url)
            browser.wait("document.querySelector('#captions-ask')")
            yield SimpleNamespace(browser=browser, url=url)
    finally:
        server.should_exit = True
        thread.join(30)
        Image.MAX_IMAGE_PIXELS = limit


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def bomb(tmp_path_factory):
    """A small file of a picture of 81 million pixels."""
    path = tmp_path_factory.mktemp("brought") / "bomb.png"
    Image.new("1", (9000, 9000)).save(path)
    return path


def opened(browser, tab):
    """Open a tab."""
    tabs = "[...document.querySelectorAll('[role=tab]')]"
    browser.value(f"{tabs}.find(each => each.textContent.trim() === {tab.title!r}).click()")


def chosen(browser, tab):
    """Open a tab and take the first of its examples, if it has any."""
    opened(browser, tab)
    browser.wait(f"document.querySelector('#{tab.name}-ask')?.offsetParent")
    first = f"document.querySelector('#{tab.name} .gallery-item')"
    if browser.value(f"{first} !== null"):
        browser.value(f"{first}.click()")
        brought = {"picture": "[data-testid=image] img", "text": "textarea:enabled"}[tab.asks[0][0]]
        found = f"document.querySelector('#{tab.name} {brought}')"
        browser.wait(f"{found} && ({found}.naturalWidth || {found}.value)")


def answered(browser, tab):
    """Press the button of a tab, and wait for the answer."""
    area = f"document.querySelector('#{tab.name}-said textarea')"
    browser.wait(area)
    before = browser.value(f"{area}.value")
    browser.value(f"document.querySelector('#{tab.name}-ask').click()")
    return browser.wait(f"{area}.value !== {json.dumps(before)} && {area}.value")


def test_every_tab_answers_in_a_browser_and_nothing_is_fetched_from_elsewhere(application, page):
    browser = page.browser
    for tab in application.TABS:
        if not [*SHIPPED.glob(tab.model)]:
            missing = f"saved_models holds no {tab.model}"
            opened(browser, tab)
            browser.wait(f"document.body.textContent.includes({missing!r})")
            continue
        chosen(browser, tab)
        said = answered(browser, tab)
        assert "Allowed:" not in said, said
        if tab.draws:
            drawn = f"document.querySelector('#{tab.name}-drawn img')"
            browser.wait(f"{drawn} && {drawn}.naturalWidth > 0")
    hosts = {urlsplit(each).hostname for each in browser.requested if each.startswith("http")}
    assert hosts == {"127.0.0.1"}
    with urlopen(page.url) as answer:
        assert answer.headers["content-security-policy"].startswith("default-src 'self' ")


def test_a_picture_that_unpacks_to_too_much_is_refused_on_the_page(application, page, bomb):
    captions = application.TABS[0]
    page.browser.open(page.url)
    page.browser.wait("document.querySelector('#captions input[type=file]')")
    page.browser.fill("#captions input[type=file]", bomb)
    page.browser.wait("document.querySelector('#captions [data-testid=image] img')")
    said = answered(page.browser, captions)
    assert "bomb.png unpacks to a suspicious number of pixels" in said and "/" not in said


def test_what_is_absurd_is_refused_before_it_is_unpacked(bomb, tmp_path, monkeypatch):
    from demonstrations import answers

    def unpacked(*_):
        pytest.fail("it was unpacked")

    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", answers.MOST_PIXELS * 3 // 2)
    monkeypatch.setattr(ImageFile.ImageFile, "load", unpacked)
    with pytest.raises(kc.InputError, match="image bomb.png unpacks .* 40,000,000 pixels"):
        answers.smaller(str(bomb), tmp_path)
    with pytest.raises(kc.InputError, match="No picture was given"):
        answers.smaller(None, tmp_path)
    with pytest.raises(kc.InputError, match="301 letters was given. Allowed: up to 300"):
        answers.checked_text(301 * "a")
    with pytest.raises(kc.InputError, match="100000 letters were asked for"):
        answers.written(tmp_path, "a", 1.0, 100_000, 0)


def test_the_page_hands_a_picture_on_unopened(bomb, monkeypatch):
    gradio = pytest.importorskip("gradio", reason="the demo needs gradio")
    from demonstrations.tabs import field

    with gradio.Blocks(analytics_enabled=False):
        found = field("picture", "Picture")
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was opened"))
    brought = SimpleNamespace(path=str(bomb), url=None, orig_name="bomb.png")
    assert found.preprocess(brought) == str(bomb) and found.preprocess(None) is None


def test_pictures_become_what_models_are_asked_about(tmp_path):
    from demonstrations import answers

    large = tmp_path / "large.jpg"
    Image.new("RGB", (1200, 800), "red").save(large)
    assert Image.open(answers.smaller(str(large), tmp_path)).size == (384, 256)
    dark_on_light = tmp_path / "line.png"
    Image.fromarray(np.full((24, 96, 3), 255, "uint8")).save(dark_on_light)
    line = Image.open(answers.line_of(str(dark_on_light), tmp_path))
    assert line.size == (48, 12) and not np.asarray(line).any()
    Image.new("RGB", (9, 90)).save(tmp_path / "tall.png")
    with pytest.raises(kc.InputError, match="a line, wider than high"):
        answers.line_of(str(tmp_path / "tall.png"), tmp_path)


def test_it_answers_this_machine_alone_unless_asked(application, monkeypatch, capsys):
    asked = []

    def server_of(*given):
        asked.append(given)
        raise KeyboardInterrupt

    monkeypatch.setattr(application, "server_of", server_of)
    for arguments in ([], ["--host", "0.0.0.0", "--port", "8000"]):
        assert application.main(arguments) == 130
    assert [given[:2] for given in asked] == [("127.0.0.1", 7860), ("0.0.0.0", 8000)]
    assert capsys.readouterr().err == "interrupted\n" * 2


def test_an_address_that_is_taken_or_elsewhere_is_one_sentence(application, capsys):
    pytest.importorskip("gradio", reason="the demo needs gradio")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert application.main(["--port", str(port)]) == 1
    assert f"127.0.0.1:{port} cannot be answered on" in capsys.readouterr().err
    assert application.main(["--host", "203.0.113.7"]) == 1
    assert "an address of this machine" in capsys.readouterr().err
