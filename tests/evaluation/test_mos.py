"""The listening test: its page, and its sums."""

import json
import re

import pytest

from evaluation import mos
from speech.errors import InputError
from tests.voices import voice

HEAD = ",".join(mos.COLUMNS)


@pytest.fixture
def report(tmp_path):
    """A report's folder with two speakers, each with a reference, a recording, a copy and clones."""
    folder, clips = tmp_path / "report", []
    for number, speaker in enumerate("ab"):
        for row, kind in (
            ("reference", "reference"),
            ("real recordings", "real"),
            ("copies", "copy"),
            ("clones", "clone"),
        ):
            for which in [0] if kind == "reference" else [0, 1]:
                file = f"sounds/{kind}/{speaker}-{'reference' if kind == 'reference' else which}.flac"
                voice(number, 0.5 + 0.1 * which).write(folder / file)
                text = (
                    None if kind == "reference" else ["well now then, my dear friend.", "four words at least."][which]
                )
                clips.append({"row": row, "kind": kind, "speaker": speaker, "text": text, "file": file})
    (folder / "report.json").write_text(json.dumps({"clips": clips}))
    return folder


def test_each_speaker_says_one_sentence_in_every_row(report):
    found = mos.trials(json.loads((report / "report.json").read_text())["clips"])
    assert len(found["mos"]) == 2 * 3
    assert {trial["file"].split("-")[-1] for trial in found["mos"]} == {"1.flac"}  # the shorter text
    assert [trial["x"] for trial in found["abx"]] == [
        "sounds/reference/a-reference.flac",
        "sounds/reference/b-reference.flac",
    ]
    assert all(trial["rows"] == ["real recordings", "clones"] for trial in found["abx"])


def test_the_page_holds_its_sounds_and_tells_no_file_names(report, tmp_path, capsys):
    mos.main(["page", str(report), "--out", str(tmp_path / "out")])
    page = (tmp_path / "out/listening.html").read_text()
    assert str(tmp_path / "out/listening.html") in capsys.readouterr().out
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert len(data["sounds"]) == 2 * 3 + 2
    assert all(sound.startswith("data:audio/ogg;base64,") for sound in data["sounds"])
    assert {trial["sound"] for trial in data["mos"]} <= set(range(8))
    assert "flac" not in page
    assert "http" not in re.sub(r"base64,[\w+/=]+", "", page)


def test_answers_are_summed_up_with_intervals(tmp_path):
    lines = [HEAD]
    for listener in "xyz":
        lines += [f'"{listener}","mos","0-0","real recordings","","{grade}"' for grade in (5, 4, 5)]
        lines += [f"{listener},mos,0-1,clones,,{grade}" for grade in (2, 3, 1)]
        lines += [f"{listener},abx,0-x,clones,real recordings,{'clones' if listener == 'x' else 'real recordings'}"]
    (tmp_path / "one.csv").write_text("\r\n".join(lines) + "\r\n")
    found = mos.summed(mos.read_answers([tmp_path / "one.csv"]))
    assert "3 listeners, 21 answers" in found
    assert "| real recordings | 4.67 ± 0.38 | 9 |" in found
    assert "| clones | 2.00 ± 0.67 | 9 |" in found
    assert found.index("4.67") < found.index("2.00")
    assert "| clones, rather than real recordings | 33% (6% to 79%) | 3 |" in found


def test_intervals_are_those_of_the_books():
    assert mos.half_width([1, 2, 3, 4, 5]) == pytest.approx(2.776 * 1.5811 / 5**0.5, rel=1e-3)
    assert mos.wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-3)
    assert mos.wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-3)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "holds no answers"),
        ("a,b\n1,2\n", "holds no answers"),
        (HEAD + "\n", "not one answer"),
        (HEAD + "\nme,mos,0,clones,,6\n", "line 2: '6' is no answer"),
        (HEAD + "\nme,abx,0,clones,real,copies\n", "line 2: 'copies' is no answer"),
        (HEAD + "\nme,mos\n", "line 2"),
    ],
)
def test_a_file_without_answers_is_named(tmp_path, content, says):
    (tmp_path / "bad.csv").write_text(content)
    with pytest.raises(InputError, match=says):
        mos.read_answers([tmp_path / "bad.csv"])


@pytest.mark.parametrize("content", [None, "{", "[]", '{"clips": []}'])
def test_a_folder_that_is_no_report_is_named(tmp_path, content):
    (tmp_path / "report").mkdir()
    if content is not None:
        (tmp_path / "report/report.json").write_text(content)
    with pytest.raises(InputError, match=r"report"):
        mos.make_page(tmp_path / "report", tmp_path / "out")
    assert not (tmp_path / "out").exists()
