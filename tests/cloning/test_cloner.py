"""The three stages chained."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from cloning import Cloner, Voice
from cloning.joining import join_pieces
from speech.errors import InputError
from speech.waveform import Waveform
from synthesizer.text import split_sentences
from tests.cloning.conftest import speechlike


@pytest.fixture(scope="module")
def cloner(models) -> Cloner:
    return Cloner.load(models, device="cpu")


@pytest.fixture(scope="module")
def voice(cloner, reference) -> Voice:
    return cloner.voice(reference)


def test_four_lines_clone_a_voice(models, reference, tmp_path):
    cloner = Cloner.load(models, device="cpu")
    voice = cloner.voice(reference)
    path = cloner.clone("Hello.", voice, seed=1).write(tmp_path / "hello.wav")
    written = Waveform.read(path)
    assert written.sample_rate == 22050
    assert written.seconds > 0.3
    assert written.loudness > -40


def test_the_same_seed_gives_the_same_sound_and_another_seed_another(cloner, voice):
    one, same, other = (cloner.make(["Hi there."], [voice], seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(one.wave.samples, same.wave.samples)
    assert not torch.equal(one.pieces[0].mel, other.pieces[0].mel)


def test_a_text_among_others_sounds_as_it_does_alone(cloner, voice):
    texts = ["Yes.", "A rather longer sentence, with a pause.", "Two. Sentences."]
    together = cloner.clone(texts, voice, seed=3)
    for text, wave in zip(texts, together):
        alone = cloner.clone(text, voice, seed=3)
        assert len(wave.samples) == len(alone.samples)
        assert np.abs(wave.samples - alone.samples).max() < 0.02


def test_a_stream_gives_a_sentence_at_a_time_and_joined_what_clone_gives(cloner, voice):
    text = "Yes. A rather longer sentence, with a pause. The end!"
    pieces = list(cloner.stream(text, voice, seed=3))
    whole = cloner.clone(text, voice, seed=3)
    assert len(pieces) == 3
    joined = Waveform.join(pieces)
    assert len(joined.samples) == len(whole.samples)
    assert np.abs(joined.samples - whole.samples).max() < 0.02


LONG = "When the sun rose over the hills, the town was still asleep, and nobody had seen the stranger who walked along."


def test_a_long_first_sentence_parts_at_a_mark_so_that_it_is_heard_early(cloner, voice):
    first, rest = cloner.pieces(LONG)
    assert first.text == "when the sun rose over the hills, the town was still asleep,"
    assert rest.text == "and nobody had seen the stranger who walked along."
    assert (first.pause, rest.pause) == (0.15, 0.0)
    pieces = list(cloner.stream(LONG, voice, seed=3))
    whole = cloner.clone(LONG, voice, seed=3)
    assert len(pieces) == 2
    joined = Waveform.join(pieces)
    assert len(joined.samples) == len(whole.samples)
    assert np.abs(joined.samples - whole.samples).max() < 0.02


@pytest.mark.parametrize("text", [LONG.replace(",", ""), "A short one, with a mark.", "Short. " + LONG, "a" * 300])
def test_where_nobody_would_pause_a_first_sentence_stays_whole(cloner, text):
    assert cloner.pieces(text) == split_sentences(text)


def test_a_stream_of_nothing_is_refused_before_it_begins(cloner, voice):
    with pytest.raises(InputError, match="empty"):
        cloner.stream(" ", voice)


def test_each_text_may_have_its_own_voice(cloner, voice):
    other = cloner.voice(speechlike(f0=220, seed=1))
    first, second = cloner.make(["Hello there."] * 2, [voice, other], seed=1)
    assert not torch.equal(first.pieces[0].mel, second.pieces[0].mel)


def test_long_text_is_split_at_sentences_and_all_of_it_is_spoken(cloner, voice):
    text = " ".join(f"This is sentence number {i}, which goes on for a little while." for i in range(6))
    (made,) = cloner.make([text], [voice], seed=1)
    assert len(made.pieces) == 6
    assert "number five" in made.pieces[-1].text
    assert made.wave.seconds > 5 * 0.35


def test_what_cannot_be_spoken_is_named(cloner, voice):
    (made,) = cloner.make(["Hello 😀."], [voice], seed=1)
    assert made.left_out == [("😀", "GRINNING FACE")]


@pytest.mark.parametrize("text", ["", "   \n", "😀😀", "..."])
def test_a_text_without_words_is_refused(cloner, voice, text):
    with pytest.raises(InputError, match=r"empty|nothing in the text"):
        cloner.clone(text, voice)


def test_the_seed_is_the_vocoders_too(models, reference):
    cloner = Cloner.load(models, vocoder="griffin_lim", device="cpu")
    (mels,) = cloner.synthesize(["Hi."], [cloner.voice(reference)], seed=1)
    again, other = (cloner.vocode(replace(mels, seed=seed)).wave.samples for seed in (1, 2))
    assert np.array_equal(again, cloner.vocode(mels).wave.samples)
    assert len(other) != len(again) or not np.array_equal(other, again)


def test_griffin_lim_needs_no_checkpoint(models, reference):
    cloner = Cloner.load(models, vocoder="griffin_lim", device="cpu")
    assert cloner.clone("Hi.", cloner.voice(reference), seed=1).seconds > 0.1


def test_several_recordings_make_one_voice_between_them(cloner):
    low, high = speechlike(f0=100), speechlike(f0=240, seed=1)
    both = cloner.voice([low, high]).embedding
    assert np.isclose(np.linalg.norm(both), 1, atol=1e-5)
    for one in (low, high):
        assert cloner.voice(one).embedding @ both > cloner.voice(low).embedding @ cloner.voice(high).embedding


def test_a_voice_is_kept_in_one_file(cloner, voice, tmp_path):
    again = cloner.voice(voice.write(tmp_path / "me.voice"))
    assert again.name == "me"
    assert np.array_equal(again.embedding, voice.embedding)
    assert np.array_equal(again.reference.samples, voice.reference.samples)
    assert np.array_equal(cloner.clone("Hi.", again, seed=1).samples, cloner.clone("Hi.", voice, seed=1).samples)


def test_a_voice_of_another_encoder_is_refused(cloner, voice):
    foreign = Voice(voice.name, voice.embedding, voice.reference, None, "0123456789ab")
    with pytest.raises(InputError, match="another encoder"):
        cloner.clone("Hi.", foreign)


def test_differing_mels_are_named_field_by_field(models):
    with pytest.raises(InputError, match=r"sample_rate: 22050 against 16000; fmax: 8000 against 7600"):
        Cloner.load(models, vocoder=models / "other_vocoder", device="cpu")


def test_a_checkpoint_of_another_stage_is_named(models):
    with pytest.raises(InputError, match="is a checkpoint of the vocoder; one of the synthesizer is needed"):
        Cloner.load(models, synthesizer=models / "vocoder", device="cpu")


def test_a_synthesizer_of_another_encoder_is_refused(models, tmp_path):
    shutil.copytree(models / "synthesizer", tmp_path / "synthesizer")
    config = tmp_path / "synthesizer/config.json"
    config.write_text(re.sub(r'"encoder": "\w+"', '"encoder": "ffffffffffff"', config.read_text()))
    with pytest.raises(InputError, match="another encoder's embeddings"):
        Cloner.load(models, synthesizer=tmp_path / "synthesizer", device="cpu")


def test_pieces_are_joined_with_pauses_and_without_clicks():
    rate = 22050
    wave = speechlike(1.0, rate=rate)
    joined = join_pieces([wave, wave], [0.5, 0.0])
    assert joined.seconds == pytest.approx(2.5, abs=0.2)
    assert joined.samples[0] == 0
    assert joined.samples[-1] == 0
    quiet = np.abs(joined.samples[int(1.05 * rate) : int(1.4 * rate)])
    assert quiet.max() == 0


def test_the_two_halves_are_what_make_makes(cloner, voice):
    (mels,) = cloner.synthesize(["One. Two."], [voice], seed=1)
    (made,) = cloner.make(["One. Two."], [voice], seed=1)
    assert np.array_equal(cloner.vocode(mels).wave.samples, made.wave.samples)


def test_mels_of_other_settings_are_refused_field_by_field(cloner, voice):
    (mels,) = cloner.synthesize(["One."], [voice], seed=1)
    foreign = replace(mels, mel=replace(mels.mel, sample_rate=16000, fmax=7600))
    with pytest.raises(InputError, match=r"sample_rate: 16000 against 22050; fmax: 7600 against 8000"):
        cloner.vocode(foreign)


def test_progress_is_told_and_can_end_the_work(cloner, voice):
    told = []
    cloner.make(["One. Two.", "Three."], [voice] * 2, 1, lambda *figures: told.append(figures))
    assert told == [("synthesizer", 3, 3), ("vocoder", 1, 3), ("vocoder", 2, 3), ("vocoder", 3, 3)]

    def stop(stage, done, total):
        if (stage, done) == ("vocoder", 1):
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        cloner.make(["One. Two. Three."], [voice], 1, stop)
