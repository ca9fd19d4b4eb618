"""Claims of the lectures: each can be run, and what is stored of them is what their rows say."""

import datetime
import importlib.util
import json

import pandas as pd
import pytest
from PIL import Image

import keras_classics as kc
from claims import claim as claims
from claims import page as pages
from claims import pictures
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
    assert claims.doubts(claim, found, claims.RESULTS) == []
    assert claim.title == found["title"]
    # What `all --budget` reckons with is no less than two busy cores took.
    assert found["processor_minutes"] <= claim.module.MINUTES
    assert not any(folder in found["command"] for folder in ("/tmp", "/work"))


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


def test_who_changes_a_claim_after_its_verdict_says_so(tmp_path):
    first = toy(tmp_path / "toy.py")
    record = claims.run(first, tmp_path, quick=False, again=False, tell=print)
    # Runs of one second could not be told apart.
    path = tmp_path / "toy.json"
    path.write_text(path.read_text().replace(record["started"], "2019-01-01T10:00:00"))
    changed = toy(tmp_path / "toy.py", TOY.replace("2 * seed", "2 * seed + 1"))
    [doubt] = claims.doubts(changed, claims.record_of("toy", tmp_path), tmp_path)
    assert "was changed since" in doubt
    record = claims.run(changed, tmp_path, quick=False, again=False, tell=print)
    assert record["verdict"] == claims.FAILS and record["reason"].endswith("0 of 3 seeds it held.")
    [earlier] = record["earlier"]
    assert (earlier["verdict"], earlier["code"]) == (claims.HOLDS, first.code)
    [told] = pages.changes(record)
    assert "before its file was changed, the verdict was: holds." in told
    path.write_text(path.read_text().replace(record["started"], "2020-01-01T10:00:00"))
    claims.run(changed, tmp_path, quick=False, again=True, tell=print)
    first, second = pages.changes(claims.record_of("toy", tmp_path))
    assert first == told and "changed" not in second and "was: fails here." in second


def test_what_is_said_of_rows_can_be_mended_without_measuring_and_is_recorded(tmp_path):
    first = toy(tmp_path / "toy.py")
    claims.run(first, tmp_path, quick=False, again=False, tell=print)
    worded = TOY.replace('"Seen."', '"Looked at."').replace("They are counted", "One by one")
    worded += "FURTHER = 'So.'\n"
    second = toy(tmp_path / "toy.py", worded)
    assert second.code == first.code
    second.module.measure = None
    told = []
    record = claims.run(second, tmp_path, quick=False, again=False, tell=told.append)
    assert "Looked at." in record["reason"] and "measured" in told[-1]
    [earlier] = record["earlier"]
    assert "Seen." in earlier["reason"] and earlier["started"] == record["started"]
    assert "the rows and the verdict are the same" in pages.changes(record)[0]
    # Another judgement of the same rows is said as well.
    judged = toy(tmp_path / "toy.py", TOY.replace("% 2 == 0", "% 2 == 1"))
    judged.module.measure = None
    record = claims.run(judged, tmp_path, quick=False, again=False, tell=print)
    assert record["verdict"] == claims.FAILS and len(record["earlier"]) == 2
    assert pages.changes(record) == ["The same rows were judged otherwise before: holds."]
    # How it is measured, and the criterion, are no matter of words.
    for old, new in (("4.0", "6.0"), ("Every number is even", "All numbers are even")):
        assert toy(tmp_path / "toy.py", TOY.replace(old, new)).code != first.code


@pytest.mark.parametrize("harm", ["edited", "gone"])
def test_rows_that_were_not_measured_are_measured_anew(tmp_path, harm):
    claim, table = toy(tmp_path / "toy.py"), tmp_path / "toy.csv"
    claims.run(claim, tmp_path, quick=False, again=False, tell=print)
    whole = table.read_text()
    if harm == "gone":
        table.unlink()
    else:
        table.write_text(whole.replace("2,4", "2,5"))
    record = claims.run(claim, tmp_path, quick=False, again=False, tell=print)
    assert table.read_text() == whole and record["verdict"] == claims.HOLDS
    assert [each["verdict"] for each in record["earlier"]] == [claims.HOLDS]


def test_a_quick_run_never_takes_the_place_of_a_whole_one(tmp_path, application, capsys):
    claim = toy(tmp_path / "toy.py")
    claims.run(claim, tmp_path, quick=False, again=False, tell=print)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for again in (False, True):
        with pytest.raises(kc.InputError, match="whole run of toy"):
            claims.run(claim, tmp_path, quick=True, again=again, tell=print)
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}
    # Elsewhere it may stand, and a whole run takes its place there.
    other = tmp_path / "quick"
    assert claims.run(claim, other, quick=True, again=False, tell=print)["quick"]
    assert not claims.run(claim, other, quick=False, again=False, tell=print)["quick"]


def test_three_words_by_seeds():
    assert claims.by_seed([True, True], "x.").word == claims.HOLDS
    assert claims.by_seed([True, False], "x.").word == claims.UNDECIDED
    assert claims.by_seed([False, False], "x.").word == claims.FAILS


def test_a_reason_names_what_failed_and_with_which_seeds():
    held = [{"speed": True, "size": True}, {"speed": False, "size": False},
            {"speed": True, "size": False}]  # fmt: skip
    assert claims.by_seed(held, "x.") == (
        claims.UNDECIDED,
        "x. With 1 of 3 seeds it held. What failed: speed (seed 1); size (seeds 1 and 2).",
    )
    assert claims.by_seed([{"speed": True}], "x.").reason == "x. With 1 of 1 seeds it held."
    assert claims.by_seed([{"speed": False}] * 2, "").reason.endswith("failed: speed (every seed).")


@pytest.fixture
def told_toy(tmp_path, monkeypatch):
    """A claim with a verdict, beside one that was not run."""
    claim = toy(tmp_path / "toy.py")
    monkeypatch.setattr(claims, "names", lambda: {"toy": "claim_01_toy", "other": "claim_02_other"})
    monkeypatch.setattr(claims, "load", lambda name: claim)
    claims.run(claim, tmp_path, quick=False, again=False, tell=print)
    return claim


def test_a_page_shows_table_picture_and_verdict(tmp_path, application, told_toy):
    page = tmp_path / "page.html"
    assert application.main(["page", "--results", str(tmp_path), "--out", str(page)]) == 0
    text = page.read_text()
    assert "1 of 2 claims were run: 1 holds, 0 fails here, 0 undecided." in text
    assert "<h2>Toys</h2>" in text and text.count(">holds</span>") == 2
    assert "<strong>Criterion.</strong> Every number is even." in text
    assert "In the first lecture." in text
    assert "<strong>Holds.</strong> Seen. With 3 of 3 seeds it held." in text
    assert "<code>python applications/reproduce.py run toy</code> (a few seconds, 3 seeds," in text
    assert text.count("<tr>") == 7 and "data:image/png" in text and "doubt" not in text


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (("json", '"holds"', '"fails here"'), "Judged again, its rows say: holds."),
        (("json", "Every number", "Most numbers"), "Its file has another criterion: Every number"),
        (
            ("json", "Seen.", "Not seen."),
            "Judged again, its rows give another reason: Seen. With 3",
        ),
        (("csv", "2,4", "2,5"), "Its rows are not those that were measured."),
        (("csv", "seed,number", "seed,figure"), "Its rows are not those that were measured."),
        (("csv", "seed,number", "sowing,number"), "Its rows are not those that were measured."),
        (("csv", "2,4\n", ""), "Its rows are not those that were measured."),
        (("csv", None, None), "Its rows are not those that were measured."),
        (("json", "CODE", "0123456789ab"), "How it is measured was changed since"),
    ],
)
def test_page_and_list_tell_what_was_changed_by_hand(tmp_path, application, told_toy, capsys,
        harm, said):  # fmt: skip
    kind, old, new = harm
    path, page = tmp_path / f"toy.{kind}", tmp_path / "page.html"
    if old is None:
        path.unlink()
    else:
        old = told_toy.code if old == "CODE" else old
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    assert application.main(["page", "--results", str(tmp_path), "--out", str(page)]) == 0
    text = page.read_text()
    assert "0 holds, 0 fails here, 0 undecided, 1 in doubt." in text
    assert f"<strong>In doubt.</strong> {said}" in text and ", in doubt</span>" in text
    assert application.main(["list", "--results", str(tmp_path)]) == 0
    assert ", in doubt (see page)" in capsys.readouterr().out


def test_a_picture_that_is_gone_is_told_and_an_unknown_verdict_refused(
    tmp_path, application, told_toy, capsys
):
    page = tmp_path / "page.html"
    told = ["page", "--results", str(tmp_path), "--out", str(page)]
    (tmp_path / "toy.png").unlink()
    assert application.main(told) == 0
    assert "Its picture is not there." in page.read_text() and "doubt" not in page.read_text()
    path = tmp_path / "toy.json"
    path.write_text(path.read_text().replace('"holds"', '"maybe"'))
    page.unlink()
    assert application.main(told) == 1
    assert "has the verdict 'maybe'. Allowed: one of holds," in capsys.readouterr().err
    assert not page.exists()


def test_a_page_of_no_verdicts_is_refused(tmp_path, application, capsys):
    for folder, said in ((tmp_path, "no verdict"), (tmp_path / "none", "given for --results")):
        page = tmp_path / "page.html"
        told = ["page", "--results", str(folder), "--out", str(page)]
        assert application.main(told) == 1 and not page.exists()
        assert said in capsys.readouterr().err


def test_pixels_are_no_part_of_a_table():
    rows = pd.DataFrame({"seed": [0, 0, 0], "right": [0.5, None, 0.7],
        "pixels": [None, "a" * 256, "b" * 256]})  # fmt: skip
    assert pages.shown(rows) == [{"seed": 0, "right": 0.5}, {"seed": 0, "right": 0.7}]


@pytest.fixture(scope="module")
def own_page(tmp_path_factory):
    page = tmp_path_factory.mktemp("own") / "page.html"
    pages.write_page(claims.RESULTS, page)
    return page


@pytest.mark.parametrize("width", [500, 1280])
def test_a_browser_shows_the_page_of_our_own_run(own_page, width):
    seen = in_browser(own_page, width, """{
        links: [...document.querySelectorAll("nav a")].map(
            x => document.querySelector(`h3[id="${x.hash.slice(1)}"]`).textContent),
        pictures: [...document.images].map(x => [x.complete ? x.naturalWidth : 0, x.clientWidth]),
        closed: [...document.querySelectorAll("details")].map(x => !x.open),
        width: document.documentElement.scrollWidth, room: document.documentElement.clientWidth,
        text: document.body.innerText,
    }""")  # fmt: skip
    assert len(seen["links"]) == len(seen["pictures"]) == len(seen["closed"]) == len(STORED)
    for name, link in zip([name for name in NAMES if name in STORED], seen["links"], strict=True):
        found = claims.record_of(name, claims.RESULTS)
        assert link.startswith(f"{claims.load(name).number}. ") and link.endswith(found["verdict"])
    assert all(seen["closed"])
    assert all(own > 500 and shown <= seen["room"] for own, shown in seen["pictures"])
    assert seen["width"] <= seen["room"]
    assert "`" not in seen["text"] and "^" not in seen["text"]


def test_a_run_of_minutes_says_how_many_of_them_the_processor_was_busy():
    took = pages.took
    assert took({"minutes": 2.04, "processor_minutes": 1.26}) == (
        "2.0 minutes, 1.3 of them of processor time"
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
    pictures.write_picture(claim.module.draw, pd.DataFrame({"number": [1]}), tmp_path / "toy.png")
    figure = claim.module.figure
    [axes], [legend] = figure.axes, figure.legends
    labels = [each.get_text() for each in axes.get_xticklabels()]
    assert labels == ["5,000", "10,000", "20,000"]
    assert not any(each.get_text() for each in axes.get_xticklabels(minor=True))
    powers = [each.get_text() for each in axes.get_yticklabels()]
    assert 4 <= len(powers) <= 10 and powers[-1] == "10⁰" and powers[0].startswith("10⁻²")
    assert axes.get_legend() is None and legend.get_texts()[0].get_text() == "a line"
    assert legend.get_window_extent().y0 >= axes.get_window_extent().y1


@pytest.mark.parametrize("ends", [(0.6, 0.9), (0.64, 0.791), (6, 9), (1.01, 1.02)])
def test_a_logarithmic_axis_between_two_marks_is_numbered(tmp_path, ends):
    drawn = f"""
def draw(rows, axes):
    axes.loglog([1, 10], {list(ends)})
    global figure
    figure = axes.figure
"""
    claim = toy(tmp_path / "toy.py", TOY.split("def draw")[0] + drawn)
    pictures.write_picture(claim.module.draw, pd.DataFrame(), tmp_path / "toy.png")
    [axes] = claim.module.figure.axes
    labels = [each.get_text() for each in axes.get_yticklabels()]
    low, high = axes.get_ylim()
    assert len(set(labels)) >= 2 and all(low * 0.99 <= float(x) <= high * 1.01 for x in labels)


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
    said = capsys.readouterr().err
    assert "did you mean 'perceptron'?" in said and "boolean_network" not in said
    assert application.main(["run", "65"]) == 2 and "list shows them" in capsys.readouterr().err
    numbers = [application.named(str(claims.load(name).number)) for name in NAMES]
    assert numbers == NAMES
