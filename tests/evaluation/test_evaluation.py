"""A whole evaluation of tiny models: what it measures, what it cannot, and that it goes on where it stopped."""

import builtins
import importlib
import json
import re
import shutil
import sys

import pytest

from evaluation import __main__, copies, run
from evaluation.about import ROOT
from evaluation.loading import load_judge
from evaluation.report import write
from speech import command
from speech.errors import InputError
from speech.waveform import Waveform
from tests.voices import voice

OPTIONAL = ("pocketsphinx", "pesq", "pystoi", "speechmos", "onnxruntime")


@pytest.fixture
def absent(monkeypatch):
    """Call it with names of packages that are not to be found."""

    def hide(*names: str) -> None:
        def without(really):
            def load(name, *arguments, **options):
                if name.partition(".")[0] in names:
                    raise ImportError(f"No module named {name!r}")
                return really(name, *arguments, **options)

            return load

        monkeypatch.setattr(builtins, "__import__", without(builtins.__import__))
        monkeypatch.setattr(importlib, "import_module", without(importlib.import_module))
        for name in [name for name in sys.modules if name.partition(".")[0] in names]:
            monkeypatch.delitem(sys.modules, name)

    return hide


def test_every_row_has_its_figures(evaluated):
    facts, _ = evaluated
    rows = facts["rows"]
    assert list(rows) == ["real recordings", "copies: hifigan", "copies: griffin_lim", "clones"]
    assert all(row["sounds"] == 2 for row in rows.values())
    for row in rows.values():
        heard = row["likeness"]
        assert len(heard["targets"]) + heard["unheard"] == 2
        assert len(heard["others"]) == len(heard["targets"])
    assert rows["real recordings"]["likeness"]["unheard"] == 0
    assert rows["real recordings"].get("mcd") is None
    assert rows["copies: griffin_lim"]["mcd"] < rows["clones"]["mcd"]
    assert all(0 <= rows[title]["voicing_error"] <= 1 for title in list(rows)[1:])
    assert rows["real recordings"]["wer"] == rows["clones"]["wer"]  # the parrot hears no difference
    assert facts["hard_texts"]["counts"]["babbled"] == 0
    assert facts["encoder"]["2"]["speakers"] >= 2
    assert "two excerpts of 10 s" in facts["encoder"]["10"]["skipped"]
    assert set(facts["synthesizer"]) >= {"mel_mse", "mel_mae", "diagonality", "coverage", "stop_error"}
    assert facts["synthesizer"]["recordings"] == 2
    assert facts["speed"]["chain"] > 0
    assert facts["speed"]["megabytes"] > 50
    assert [each["kind"] for each in facts["hard_texts"]["sentences"]] == ["one word", "three words"]


def test_the_installed_packages_measure(evaluated):
    for name in OPTIONAL:
        pytest.importorskip(name)
    facts, _ = evaluated
    good = facts["rows"]["copies: griffin_lim"]
    assert 1 < good["pesq"] <= 4.65
    assert 0.5 < good["stoi"] <= 1
    assert all(1 <= row["dnsmos"] <= 5 for row in facts["rows"].values())
    assert facts["notes"] == []


def test_the_report_says_how_it_was_made(evaluated, settings):
    about = evaluated[0]["about"]
    assert about["settings"]["seed"] == 0
    assert all(
        re.fullmatch("[0-9a-f]{12}", about["checkpoints"][stage]["fingerprint"]) for stage in ("encoder", "judge")
    )
    assert about["commit"] is None or re.fullmatch(r"[0-9a-f]{12}\+?", about["commit"])
    assert len(about["speakers"]) == 2


def test_three_files_and_the_page_needs_nothing_else(evaluated):
    facts, out = evaluated
    table = write(facts, out)
    assert len(table.splitlines()) == 9
    assert table in (out / "report.md").read_text()
    read = json.loads((out / "report.json").read_text())
    assert read["rows"] == facts["rows"]
    assert len(read["targets"]) == 7
    page = (out / "report.html").read_text()
    assert page.count("data:audio/ogg;base64,") >= 2 * 5
    assert "data:image/png;base64," in page
    assert re.findall(r"""(?:src|href)=["']?(?!data:|#)([^"' >]+)""", page) == []
    assert "http" not in re.sub(r"base64,[\w+/=]+", "", page)


def test_what_is_finished_is_not_made_again(evaluated, settings, patched, monkeypatch):
    facts, out = evaluated
    for name in ("write_clones", "write_real", "write_copies"):
        monkeypatch.setattr(run.sounds, name, lambda *_, name=name: pytest.fail(f"{name} ran again"))
    monkeypatch.setattr(run.prosody, "compare", lambda row: pytest.fail("prosody ran again"))
    again = run.evaluate(settings, out)
    assert again["rows"] == facts["rows"]


def test_an_interrupted_evaluation_goes_on(evaluated, settings, patched, monkeypatch, tmp_path):
    facts, out = evaluated
    shutil.copytree(out, tmp_path / "report")
    (tmp_path / "report/parts/STOI-of-copies-hifigan.json").unlink(missing_ok=True)
    (tmp_path / "report/parts/prosody-of-clones.json").write_text('{"key": ')
    made = []
    real = run.prosody.compare

    def compare(row):
        made.append(row.title)
        return real(row)

    monkeypatch.setattr(run.prosody, "compare", compare)
    assert run.evaluate(settings, tmp_path / "report")["rows"] == facts["rows"]
    assert made == ["clones"]


def test_a_sound_that_is_gone_is_made_again(evaluated, settings, patched, tmp_path):
    _, out = evaluated
    shutil.copytree(out, tmp_path / "report")
    gone = next((tmp_path / "report/sounds/clones").glob("*.flac"))
    gone.unlink()
    run.evaluate(settings, tmp_path / "report")
    assert gone.exists()


def test_without_the_optional_packages_the_rest_is_done(quick, absent, tmp_path):
    absent(*OPTIONAL)
    facts = quick(tmp_path, recognizer="pocketsphinx")
    notes = " ".join(facts["notes"])
    for name in ("pocketsphinx", "pesq", "pystoi", "onnxruntime"):
        assert name in notes
    assert notes.count("pip install -r requirements-evaluation.txt") == 3
    assert "pip install pocketsphinx" in notes
    assert "wer" not in facts["rows"]["clones"]
    assert facts["rows"]["clones"]["mcd"] > 0
    assert facts["hard_texts"]["listened"] is False
    assert "not measured" in write(facts, tmp_path)


def test_without_transcripts_clones_say_our_sentences(quick, voices_corpus, absent, tmp_path):
    absent(*OPTIONAL)
    facts = quick(tmp_path, corpora=(str(voices_corpus),))
    assert "no transcripts" in " ".join(facts["notes"])
    said = [clip["text"] for clip in facts["clips"] if clip["kind"] == "clone"]
    assert len(set(said)) == 2
    assert all(len(text.split()) > 5 for text in said)
    assert facts["synthesizer"] is None
    assert facts["rows"]["real recordings"]["likeness"]["margin"] is not None


def test_one_utterance_a_speaker_is_said_and_the_rest_is_done(quick, absent, tmp_path):
    absent(*OPTIONAL)
    for speaker in range(2):
        voice(speaker, 3.0).write(tmp_path / "corpus" / f"s{speaker}" / "only.wav")
        (tmp_path / "corpus" / f"s{speaker}" / "only.txt").write_text("Good day.")
    facts = quick(tmp_path / "out", corpora=(str(tmp_path / "corpus"),), speakers=3)
    notes = " ".join(facts["notes"])
    assert "2 speakers that can be used; 3 were asked for" in notes
    assert "the very recording they are cloned from" in notes
    assert "clones alone" in notes
    assert facts["rows"]["real recordings"]["sounds"] == 0
    assert facts["rows"]["clones"]["sounds"] == 2
    assert all("skipped" in found for found in facts["encoder"].values())
    assert "s0" in write(facts, tmp_path / "out") + (tmp_path / "out/report.md").read_text()


def test_the_judge_may_not_be_the_encoder_that_conditions(settings, quick, tmp_path):
    with pytest.raises(InputError, match="the very encoder that conditions"):
        quick(tmp_path, judge=settings.encoder)


def test_the_judge_that_ships_is_whole():
    folder = ROOT / "saved_models/judge/encoder"
    judge, fingerprint = load_judge(str(folder), "")
    assert judge.embed([voice(1)]).shape == (1, 256)
    assert len(fingerprint) == 12


def call(monkeypatch, capsys, *words) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["evaluation", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        command.main(__main__.main)
    return stopped.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"corpus": "nowhere"}, "there is no folder"),
        ({"--judge": "nowhere"}, "holds no encoder checkpoint"),
        ({"--vocoder": "nowhere"}, "holds no vocoder checkpoint"),
        ({"--recognizer": "ears"}, "there is no recognizer 'ears'; known are: pocketsphinx, whisper"),
        ({"--recognizer": "whisper"}, "whisper needs a model's folder"),
        ({"--speakers": "0"}, "must be at least 1"),
        ({"corpus": "silence"}, "no speaker has a recording"),
    ],
)
def test_bad_input_is_one_sentence(monkeypatch, capsys, stages, transcribed, tmp_path, change, says):
    Waveform.silence(3, 16000).write(tmp_path / "silence/s0/a.wav")
    words = {"--out": tmp_path / "out", "--models": stages, "--judge": stages / "judge"} | change
    corpus = {"nowhere": "nowhere", "silence": tmp_path / "silence"}.get(words.pop("corpus", None), transcribed)
    code, errors = call(monkeypatch, capsys, corpus, *(word for pair in words.items() for word in pair))
    assert code == 2
    assert says in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out/report.json").exists()


def test_a_copy_in_which_pesq_finds_no_speech_is_counted(tmp_path):
    pytest.importorskip("pesq")
    from evaluation.sounds import Row, Sound

    Waveform.silence(2, 16000).write(tmp_path / "silent.flac")
    voice(1).write(tmp_path / "voice.flac")
    sounds = [Sound("s", tmp_path / f"{name}.flac", None, tmp_path / f"{name}.flac") for name in ("silent", "voice")]
    found = copies.pesq(Row("copies", "copy", sounds, ""))
    assert found["failed"] == 1
    assert found["pesq"] == pytest.approx(4.64, abs=0.01)


def test_whisper_without_its_package_says_what_to_install(absent, tmp_path):
    from evaluation.optional import Missing
    from evaluation.recognizers import load_recognizer

    absent("transformers")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(Missing, match="pip install transformers"):
        load_recognizer(f"whisper:{tmp_path}")
