"""What the synthesizer learns from, and what is left out, by name."""

from dataclasses import replace

import numpy as np
import pytest

from speech.preparation import LeftOut, prepare
from speech.shards import PreparedCorpus
from speech.utterance import Utterance
from speech.waveform import Waveform
from synthesizer.preprocess import LOUDNESS, features
from tests.voices import voice

FITTING = "This is about as much as one says in three seconds."


def prepared(utterance: Utterance):
    return features(utterance, 22050, 0.8, 15.0)


@pytest.fixture
def utterance(tmp_path):
    """Three seconds of a made voice between silences."""
    rest = Waveform.silence(0.7, 16000)
    path = Waveform.join([rest, voice(1, 3.0), rest]).write(tmp_path / "clip.wav")
    return Utterance("clip", path, "s1", FITTING)


def test_a_good_clip(utterance):
    samples, seconds, text = prepared(replace(utterance, text="Dr. Lee owns 2 old boats, I think, and a house."))
    assert samples.dtype == np.int16
    assert text == "doctor lee owns two old boats, i think, and a house."
    assert seconds == pytest.approx(len(samples) / 22050)
    assert 2.8 < seconds < 3.4  # the silences around it are gone
    assert Waveform(samples / np.float32(32767), 22050).loudness == pytest.approx(LOUDNESS, abs=1)


def test_no_text(utterance):
    for text in (None, "", "..."):
        with pytest.raises(LeftOut) as left:
            prepared(replace(utterance, text=text))
        assert left.value.reason == "no text"


def test_unknown_characters_are_named(utterance):
    with pytest.raises(LeftOut) as left:
        prepared(replace(utterance, text=FITTING + " 😀"))
    assert left.value.reason == "unknown characters"
    assert "'😀' (GRINNING FACE)" in left.value.detail


def test_a_long_silence_inside(utterance, tmp_path):
    for pause, kept in ((1.3, False), (0.4, True)):
        pieces = [voice(1, 1.5), Waveform.silence(pause, 16000), voice(1, 1.5, take=1)]
        clip = replace(utterance, audio=Waveform.join(pieces).write(tmp_path / f"{pause}.wav"))
        if kept:
            assert prepared(clip)[1] > 3
            continue
        with pytest.raises(LeftOut) as left:
            prepared(clip)
        assert left.value.reason == "long silence inside"
        assert left.value.detail.startswith("1.")


@pytest.mark.parametrize("text", ["No.", FITTING * 3])
def test_a_text_that_does_not_fit(utterance, text):
    with pytest.raises(LeftOut) as left:
        prepared(replace(utterance, text=text))
    assert left.value.reason == "text does not fit"
    assert "characters a second" in left.value.detail


def test_too_short_and_too_long(utterance, tmp_path):
    for seconds, reason in ((0.2, "too short"), (18.0, "too long")):
        clip = replace(utterance, audio=voice(1, seconds).write(tmp_path / f"{seconds}.wav"))
        with pytest.raises(LeftOut) as left:
            prepared(clip)
        assert left.value.reason == reason


def test_all_of_it_is_reported(utterance, tmp_path):
    clips = [
        utterance,
        replace(utterance, id="mute", text=None),
        replace(utterance, id="smile", text="😀"),
        replace(utterance, id="gone", audio=tmp_path / "gone.wav"),
    ]
    out = tmp_path / "prepared" / "synthesizer"
    report = prepare(clips, out, prepared, {"sample_rate": 22050}, jobs=1)
    assert report["clips"] == 1
    assert report["left_out"] == {"no text": 1, "unknown characters": 1, "unreadable": 1}
    listed = (out / "left_out.csv").read_text(encoding="utf-8")
    assert all(name in listed for name in ("mute", "smile", "gone"))
    corpus = PreparedCorpus([tmp_path / "prepared"], "synthesizer", "")
    assert [(record.id, record.text) for record in corpus.records] == [("clip", FITTING.lower())]
