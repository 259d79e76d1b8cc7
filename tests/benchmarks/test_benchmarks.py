"""Benchmarks measure what they say: the cheapest row end to end, and the arithmetic of pairs."""

import json

from benchmarks.__main__ import main
from benchmarks.measure import Cost, compare
from benchmarks.report import finish, table


def test_cheapest_row_leaves_whole_results(tmp_path):
    out = tmp_path / "results.json"
    assert main(["--only", "help", "--runs", "1", "--tiny", "--out", str(out)]) == 0
    results = json.loads(out.read_text())
    assert {"cpu", "cores", "flags", "threads", "torch", "date", "load"} <= results["machine"].keys()
    (row,) = results["rows"]
    assert row["name"] == "help"
    assert 0 < row["ours"]["low"] <= row["ours"]["median"] <= row["ours"]["high"]
    assert "not given" in out.with_suffix(".md").read_text()


def test_steps_of_training_are_measured(tmp_path):
    out = tmp_path / "results.json"
    assert main(["--only", "wavernn-step", "--runs", "1", "--tiny", "--out", str(out)]) == 0
    (row,) = json.loads(out.read_text())["rows"]
    assert row["ratios"]["median"] > 0


def test_runs_alternate_and_ratios_are_of_pairs():
    order, times = [], {"ours": iter([9.0, 1.0, 2.0, 4.0]), "theirs": iter([9.0, 2.0, 8.0, 12.0])}

    def side(name):
        order.append(name)
        return Cost(next(times[name]), cpu=1.0)

    done = compare(lambda: side("ours"), lambda: side("theirs"), 3)
    assert order == ["ours", "theirs"] * 4
    assert done["ratios"] == [2.0, 4.0, 3.0]  # the first run of each is not measured
    facts = {"name": "x", "title": "X", "unit": "s", "target": 3.5, "against": "another"}
    row = finish(facts | done)
    assert row["ratios"]["median"] == 3.0
    assert not row["met"]
    machine = {"cpu": "c", "cores": 1, "flags": [], "torch": "2", "threads": 1, "load": 0, "date": "today"}
    assert "| 3.00 (2.00–4.00) | 3.5 | 1.00 | another |" in table(
        {"machine": machine, "recordings": "tones", "rows": [row]}
    )


def test_a_side_that_fails_says_why_and_stops_nothing(tmp_path):
    out = tmp_path / "results.json"
    words = ["--only", "help", "memory", "--runs", "1", "--tiny", "--models", str(tmp_path), "--out", str(out)]
    assert main(words) == 1
    told, failed = json.loads(out.read_text())["rows"]
    assert "ours" in told
    assert "no trained encoder" in failed["error"]
