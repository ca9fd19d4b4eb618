"""Claims of the lectures: each can be run, and what is stored of them is what their rows say."""

import datetime
import importlib.util
import json
import shutil

import pandas as pd
import pytest
from PIL import Image

from claims import claim as claims
from support import in_browser, load_application

NAMES = list(claims.names())
STORED = [path.stem for path in sorted(claims.RESULTS.glob("*.json"))]
WORDS = (claims.HOLDS, claims.FAILS, claims.UNDECIDED)
# A third of them each day; the whole costs too much for every run.
TODAY = NAMES[datetime.date.today().toordinal() % 3 :: 3]
TOY = '''"""Numbers are even.

In the first lecture. They are counted.
"""
from claims.claim import by_seed
PART, MINUTES, CRITERION = "Toys", 1, "Every number is even."
def measure(seed, quick):
    return [{"number": 2 * seed}, {"number": 4.0}]
def judge(rows):
    return by_seed([(part["number"] % 2 == 0).all() for _, part in rows.groupby("seed")], "Seen.")
def draw(rows, axes):
    axes.plot(rows["number"])
'''


@pytest.fixture(scope="module")
def application():
    return load_application("reproduce")


def toy(path, text=TOY):
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("toy", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return claims.Claim(1, "toy", module, claims.code_of(path))


@pytest.mark.parametrize("name", NAMES)
def test_a_claim_is_whole(name):
    claim = claims.load(name)
    module = claim.module
    assert len(claim.title) > 20 and claim.about and module.PART
    assert 0 < module.MINUTES <= 20 and len(module.CRITERION) > 30
    assert all(callable(getattr(module, part)) for part in ("measure", "judge", "draw"))
    assert module.draw.__doc__, "what stands below its picture"


def test_numbers_are_those_of_the_lectures_and_stand_once():
    numbers = [claims.load(name).number for name in NAMES]
    assert numbers == sorted(set(numbers)) and 1 <= numbers[0] and numbers[-1] <= 64


@pytest.mark.parametrize("name", STORED)
def test_a_stored_verdict_is_what_its_rows_say(name):
    claim, found = claims.load(name), claims.record_of(name, claims.RESULTS)
    assert found["verdict"] in WORDS and not found["quick"]
    rows = claims.rows_of(name, claims.RESULTS)
    assert set(rows["seed"]) == set(range(found["seeds"]))
    picture = claims.RESULTS / f"{name}.png"
    assert picture.stat().st_size <= 60_000 and Image.open(picture).width > 500
    assert found["code"] == claim.code, (
        "its file was changed: run it --again, or take the change back"
    )
    assert claim.module.judge(rows) == (found["verdict"], found["reason"])
    assert claim.module.CRITERION == found["criterion"]


@pytest.mark.slow
@pytest.mark.parametrize("name", TODAY)
def test_a_third_of_the_claims_run_quickly(name, tmp_path):
    record = claims.run(claims.load(name), tmp_path, quick=True, again=False, tell=print)
    assert record["verdict"] in WORDS and record["reason"]
    assert claims.told(record) == f"{record['verdict']}, in a quick run, which proves nothing"
    assert (tmp_path / f"{name}.png").stat().st_size <= 60_000
    assert len(claims.rows_of(name, tmp_path)) > 0


def test_a_killed_run_goes_on_with_the_next_seed_and_the_criterion_stands_first(tmp_path):
    claim, told = toy(tmp_path / "toy.py"), []
    real = claim.module.measure

    def stopped(seed, quick):
        assert (
            json.loads((tmp_path / "toy.json").read_text())["criterion"] == "Every number is even."
        )
        if seed == 2:
            raise KeyboardInterrupt
        told.append(seed)
        return real(seed, quick)

    claim.module.measure = stopped
    with pytest.raises(KeyboardInterrupt):
        claims.run(claim, tmp_path, quick=False, again=False, tell=print)
    assert claims.record_of("toy", tmp_path)["verdict"] == ""
    claim.module.measure = lambda seed, quick: told.append(seed) or real(seed, quick)
    record = claims.run(claim, tmp_path, quick=False, again=False, tell=print)
    assert told == [0, 1, 2] and record["verdict"] == claims.HOLDS
    assert claims.told(record) == claims.HOLDS
    assert claims.rows_of("toy", tmp_path)["number"].tolist() == [0, 4, 2, 4, 4, 4]
    # What is decided is not done again.
    assert claims.run(claim, tmp_path, quick=False, again=False, tell=print) == record
    assert told == [0, 1, 2]


def test_who_changes_a_claim_after_its_verdict_says_so(tmp_path, application, monkeypatch):
    first = toy(tmp_path / "toy.py")
    claims.run(first, tmp_path, quick=False, again=False, tell=print)
    changed = toy(tmp_path / "toy.py", TOY.replace("2 * seed", "2 * seed + 1"))
    assert "was changed since" in application.changes(changed, claims.record_of("toy", tmp_path))[0]
    record = claims.run(changed, tmp_path, quick=False, again=False, tell=print)
    assert record["verdict"] == claims.FAILS and record["reason"].endswith("0 of 3 seeds it held.")
    [earlier] = record["earlier"]
    assert (earlier["verdict"], earlier["code"]) == (claims.HOLDS, first.code)
    [told] = application.changes(changed, record)
    assert "before its file was changed, the verdict was: holds." in told
    claims.run(changed, tmp_path, quick=False, again=True, tell=print)
    first, second = application.changes(changed, claims.record_of("toy", tmp_path))
    assert first == told and "changed" not in second and "was: fails here." in second


def test_three_words_by_seeds():
    assert claims.by_seed([True, True], "x.").word == claims.HOLDS
    assert claims.by_seed([True, False], "x.").word == claims.UNDECIDED
    assert claims.by_seed([False, False], "x.").word == claims.FAILS


def test_a_page_shows_table_picture_and_verdict(tmp_path, application, monkeypatch):
    claim = toy(tmp_path / "toy.py")
    monkeypatch.setattr(claims, "names", lambda: {"toy": "claim_01_toy", "other": "claim_02_other"})
    monkeypatch.setattr(claims, "load", lambda name: claim)
    claims.run(claim, tmp_path, quick=False, again=False, tell=print)
    page = tmp_path / "page.html"
    assert application.main(["page", "--results", str(tmp_path), "--out", str(page)]) == 0
    text = page.read_text()
    assert "1 of 2 claims were run: 1 holds, 0 fails here, 0 undecided." in text
    assert "<h2>Toys</h2>" in text and text.count(">holds</span>") == 2
    assert "Criterion: Every number is even." in text and "In the first lecture." in text
    assert "Holds. Seen. With 3 of 3 seeds it held." in text
    assert "To run it again: python applications/reproduce.py run toy (a few seconds on" in text
    assert text.count("<tr>") == 7 and "data:image/png" in text


@pytest.mark.parametrize("width", [500, 1280])
def test_a_browser_shows_the_page_of_our_own_run(tmp_path, application, width):
    some = [STORED[0], STORED[-1]]
    for name in some:
        for path in claims.RESULTS.glob(f"{name}.*"):
            shutil.copy(path, tmp_path)
    page = tmp_path / "page.html"
    application.write_page(tmp_path, page)
    seen = in_browser(page, width, """{
        links: [...document.querySelectorAll("nav a")].map(
            x => document.querySelector(`h3[id="${x.hash.slice(1)}"]`).textContent),
        pictures: [...document.images].map(x => [x.complete ? x.naturalWidth : 0, x.clientWidth]),
        closed: [...document.querySelectorAll("details")].map(x => !x.open),
        width: document.documentElement.scrollWidth, room: document.documentElement.clientWidth,
    }""")  # fmt: skip
    told = {claims.load(name).title: claims.record_of(name, tmp_path)["verdict"] for name in some}
    assert len(seen["links"]) == len(seen["pictures"]) == 2 and seen["closed"] == [True, True]
    for link in seen["links"]:
        [word] = [word for title, word in told.items() if title in link]
        assert link.endswith(word)
    assert all(own > 500 and shown <= seen["room"] for own, shown in seen["pictures"])
    assert seen["width"] <= seen["room"]


def test_a_run_of_minutes_says_how_many_of_them_the_processor_was_busy(application):
    took = application.took
    assert took({"minutes": 2.04, "processor_minutes": 1.26}) == (
        "2.0 minutes, 1.3 of processor time,"
    )
    assert took({"minutes": 0.84, "processor_minutes": 0.0}) == "0.8 minutes"


def test_numbers_of_a_logarithmic_axis_are_plain_and_the_legend_hides_nothing(tmp_path):
    drawn = """
def draw(rows, axes):
    axes.loglog([3000, 40000], [1e-20, 1], label="a line")
    axes.legend()
    global figure
    figure = axes.figure
"""
    claim = toy(tmp_path / "toy.py", TOY.split("def draw")[0] + drawn)
    claims.draw(claim, pd.DataFrame({"number": [1]}), tmp_path / "toy.png")
    figure = claim.module.figure
    [axes], [legend] = figure.axes, figure.legends
    labels = [each.get_text() for each in axes.get_xticklabels()]
    assert labels == ["5,000", "10,000", "20,000"]
    assert not any(each.get_text() for each in axes.get_xticklabels(minor=True))
    powers = [each.get_text() for each in axes.get_yticklabels()]
    assert 4 <= len(powers) <= 10 and powers[-1] == "1" and powers[0].startswith("1e-2")
    assert axes.get_legend() is None and legend.get_texts()[0].get_text() == "a line"
    assert legend.get_window_extent().y0 >= axes.get_window_extent().y1


def test_all_leaves_out_what_does_not_fit_and_goes_on(tmp_path, application, monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(
        application.subprocess, "run",
        lambda command: ran.append(command[3]) or pd.Series({"returncode": 0}),
    )  # fmt: skip
    some = NAMES[:2]
    monkeypatch.setattr(claims.load(some[0]).module, "MINUTES", 5)
    flags = ["all", "--names", *some, "--out", str(tmp_path), "--budget"]
    assert application.main([*flags, "2"]) == 0 and ran == some[1:]
    assert f"no time was left for {some[0]}:" in capsys.readouterr().out.replace("\n", " ")
    ran.clear()
    assert application.main([*flags, "1000"]) == 0 and ran == some


def test_an_unknown_claim_is_refused(application, capsys):
    assert application.main(["run", "perceptrom"]) == 2
    assert "perceptron" in capsys.readouterr().err
