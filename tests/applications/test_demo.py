"""The demo: every tab answers in a browser, nothing leaves the machine, absurd input is refused."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

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
    with Browser(folder / "profile", 1000, 760) as browser:
        served = application.serve("127.0.0.1", free_port(), folder)
        try:
            browser.open(served.local_url)
            browser.wait("document.querySelectorAll('[role=tab]').length > 8")
            yield SimpleNamespace(browser=browser, url=served.local_url, folder=folder)
        finally:
            served.close(verbose=False)
            Image.MAX_IMAGE_PIXELS = limit


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
