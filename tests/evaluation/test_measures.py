"""Each measure where its answer is known."""

import math
import random

import numpy as np
import pytest
import torch

from evaluation import likeness, verification, warping
from evaluation.corpus import choose, read_corpora, read_lines
from evaluation.hard_texts import attention_faults, hard_texts, summed
from evaluation.language_model import DISTRACTORS, arpa, with_distractors
from evaluation.prosody import f0, f0_errors
from evaluation.words import mistakes, rates, words_of
from speech.waveform import Waveform
from synthesizer.synthesis import Synthesis
from synthesizer.text import word_places
from tests.voices import voice


@pytest.mark.parametrize(
    ("said", "heard", "count"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "a c", 1),
        ("a b c", "a x c", 1),
        ("a b", "", 2),
        ("", "a b", 2),
        ("a b c", "b c d", 2),
    ],
)
def test_mistakes_are_the_fewest_edits(said, heard, count):
    assert mistakes(said.split(), heard.split()) == count


def test_error_rates_are_those_of_jiwer():
    jiwer = pytest.importorskip("jiwer")
    rng = random.Random(0)
    words = ["the", "cat", "sat", "on", "a", "mat"]
    pairs = [(rng.choices(words, k=8), rng.choices(words, k=rng.randint(1, 9))) for _ in range(20)]
    said, heard = ([" ".join(each) for each in side] for side in zip(*pairs))
    found = rates(pairs)
    assert found["wer"] == pytest.approx(jiwer.wer(said, heard))
    assert found["cer"] == pytest.approx(jiwer.cer(said, heard))


def test_words_are_compared_as_they_are_said():
    assert words_of("It's 3:30, Mr. O'Neil!") == ["it's", "three", "thirty", "mister", "o'neil"]


def test_every_chance_of_the_language_model_sums_to_one_and_any_order_may_be_heard():
    sentences = [["the", "cat", "sat"], ["the", "dog", "sat", "down"]]
    text = arpa(sentences)
    entries = [line.split() for line in text.splitlines() if line[:1] == "-" or line[:1] == "0"]
    ones = {
        entry[1]: (10 ** float(entry[0]), 10 ** float(entry[2]) if len(entry) > 2 else 1)
        for entry in entries
        if len(entry) < 4 and (len(entry) == 2 or entry[2][:1] in "-0123456789")
    }
    twos = {(e[1], e[2]): 10 ** float(e[0]) for e in entries if len(e) == 3 and e[2][:1] not in "-0123456789"}
    words = [word for word in ones if word != "<s>"]
    assert sum(ones[word][0] for word in words) == pytest.approx(1, abs=1e-3)
    for before in ("<s>", "the", "cat"):
        total = sum(twos.get((before, word), ones[before][1] * ones[word][0]) for word in words)
        assert total == pytest.approx(1, abs=1e-3)
    assert ("the", "down") not in twos  # heard all the same, by backing off


def test_distractors_are_the_same_words_in_sentences_of_the_same_lengths():
    sentences = [["a", "b", "c"], ["d", "e"]]
    found = with_distractors(sentences)
    assert [len(each) for each in found] == [3, 2] * (DISTRACTORS + 1)
    assert all(
        sorted(word for each in found[i : i + 2] for word in each) == list("abcde") for i in range(0, len(found), 2)
    )
    assert any(found[i : i + 2] != sentences for i in range(2, len(found), 2))


def test_pocketsphinx_hears_what_is_said_and_no_words_in_a_buzz():
    pytest.importorskip("pocketsphinx")
    from evaluation.recognizers import load_recognizer

    recognizer = load_recognizer("pocketsphinx")
    texts = ["the boat left the harbor", "nothing else matters now"]
    assert recognizer.knows("harbor")
    assert not recognizer.knows("xyzzyx")
    noise = Waveform(np.random.default_rng(0).normal(0, 0.05, 4000).astype(np.float32), 16000)
    heard = words_of(recognizer.transcribe(noise, texts) or "nothing")
    assert mistakes(texts[0].split(), heard) >= 3
    assert recognizer.transcribe(noise, texts) == recognizer.transcribe(noise, texts)


def test_identical_sounds_have_no_distortion_and_others_do():
    one, other = warping.cepstra(voice(1)), warping.cepstra(voice(2))
    assert warping.distortion(one, one, warping.warp(one, one)) == 0
    assert warping.distortion(one, other, warping.warp(one, other)) > 2


def test_distortion_is_the_decibels_of_one_cosine():
    one, other = np.zeros((24, 3)), np.zeros((24, 3))
    other[4] = 0.5  # log magnitudes differ by 0.5 cos: its root mean square is 0.5 / sqrt 2 nepers
    path = np.array([[0, 0], [1, 1], [2, 2]])
    assert warping.distortion(one, other, path) == pytest.approx(20 / math.log(10) * 0.5 / math.sqrt(2))


def test_cepstra_are_cosine_series_of_the_log_mel(monkeypatch):
    bands = (np.arange(80) + 0.5) / 80 * np.pi
    mel = torch.from_numpy(0.7 * np.cos(3 * bands) - 5.0)[:, None]
    monkeypatch.setattr(warping, "log_mel", lambda samples, config: mel)
    found = warping.cepstra(Waveform.silence(1, 16000))[:, 0]
    assert found[2] == pytest.approx(0.7)
    assert np.abs(np.delete(found, 2)).max() < 1e-9


def test_warping_finds_a_sound_that_was_slowed():
    one = np.array([[0.0, 1, 2, 3, 4]])
    slow = np.repeat(one, 2, axis=1)
    path = warping.warp(one, slow)
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [4, 9]
    assert (one[0, path[:, 0]] == slow[0, path[:, 1]]).all()


def test_the_pitch_of_a_tone_is_found_and_an_octave_is_1200_cents():
    def tone(hz: float) -> Waveform:
        time = np.arange(16000) / 16000
        return Waveform(sum(np.sin(2 * np.pi * hz * k * time) / k for k in range(1, 6)).astype(np.float32) / 4, 16000)

    low, high = f0(tone(110), 60), f0(tone(220), 60)
    assert np.nanmedian(low) == pytest.approx(110, rel=0.01)
    path = np.repeat(np.arange(5, 55)[:, None], 2, axis=1)
    error, voicing = f0_errors(low, high, path)
    assert error == pytest.approx(1200, abs=15)
    assert voicing == 0
    assert f0_errors(low, np.full(60, np.nan), path) == (None, 1.0)


def test_the_det_curve_and_the_trials_are_of_all_pairs():
    rng = np.random.default_rng(0)
    people = [unit(center + 0.05 * rng.normal(size=(3, 8))) for center in np.eye(8)[:4]]
    same, different = verification.trials(people)
    assert (len(same), len(different)) == (4 * 3, 12 * 11 // 2 - 12)
    assert same.min() > different.max()
    accepted, refused = np.array(verification.det_curve(same, different)).T
    assert accepted[0] == pytest.approx(1, abs=0.02)
    assert (np.diff(accepted) <= 0).all()
    assert (np.diff(refused) >= 0).all()
    assert ((accepted == 0) & (refused == 0)).any()


def test_excerpts_are_as_long_as_asked_and_share_no_recording():
    speech = [
        Waveform(np.full(16000 * seconds, number, np.float32), 16000) for number, seconds in enumerate((2, 1, 1, 5))
    ]
    found = verification.excerpts(speech, 2)
    assert [each.seconds for each in found] == [2, 2, 2]
    assert [set(each.samples.tolist()) for each in found] == [{0}, {1, 2}, {3}]
    assert verification.excerpts(speech, 10) == []


def test_similarity_to_the_speaker_and_to_others():
    enrolled = {"a": [[1.0, 0.0]], "b": [[0.0, 1.0]]}
    found = likeness.similarities([[0.8, 0.6], [0.0, 1.0], None], ["a", "b", "a"], enrolled)
    assert found["target"] == pytest.approx(0.9)
    assert found["other"] == pytest.approx(0.3)
    assert found["sv_eer"] == 0
    assert found["unheard"] == 1
    alone = likeness.similarities([[1.0, 0.0]], ["a"], {"a": [[1.0, 0.0]]})
    assert (alone["target"], alone["other"], alone["sv_eer"]) == (1.0, None, None)


def attention(places: list[int], text: str, finished: bool = True) -> Synthesis:
    """A synthesis of a tenth of a second a step that attended to these letters, one after another."""
    alignment = np.eye(len(text) + 1, dtype=np.float32)[places]
    return Synthesis(text, torch.zeros(80, len(places) * 10), alignment, word_places(text), finished)


@pytest.mark.parametrize(
    ("places", "finished", "faults"),
    [
        ([*range(12)], True, []),
        ([*range(3), *range(8, 12)], True, ["skipped"]),
        ([*range(7), *range(1, 12)], True, ["repeated"]),
        ([*range(8)], True, ["skipped", "cut"]),
        ([*range(12), 11, 11, 11], False, ["cut"]),
    ],
)
def test_attention_shows_what_was_skipped_repeated_and_cut(places, finished, faults):
    assert sorted(attention_faults(attention(places, "one two ten", finished), 100)) == sorted(faults)


def test_a_sentence_that_is_not_understood_is_babble():
    class Everything:
        def knows(self, word):
            return True

    made = [{"text": "we like green apples", "faults": []}, {"text": "we like green apples", "faults": ["silent"]}]
    found = summed(made, ["", "we like green maples"], Everything())
    assert [each["faults"] for each in found["sentences"]] == [["babbled"], ["silent"]]
    assert found["faultless"] == 0
    assert summed(made, None, None)["faultless"] == 0.5
    assert "babbled" not in summed(made, None, None)["counts"]


def test_the_texts_of_ours_are_there():
    kinds = [kind for kind, _ in hard_texts()]
    assert len(set(kinds)) >= 9
    lengths = {kind: len(text.split()) for kind, text in hard_texts()}
    assert (lengths["one word"], lengths["three words"], lengths["ten words"], lengths["thirty words"]) == (
        1,
        3,
        10,
        30,
    )
    (paragraph,) = [text for kind, text in hard_texts() if kind == "paragraph"]
    assert abs(len(paragraph) - 2000) < 50
    assert len(set(read_lines("sentences.txt"))) == 20


def test_no_recording_is_both_reference_and_test(voices_corpus):
    from speech.corpora import read_corpus

    chosen = choose(read_corpus(voices_corpus), 5, 1, 0, lambda text: True)
    assert len(chosen.people) == 5
    for person in chosen.people:
        used = [each.id for part in (person.reference, person.enrolled, person.tests) for each in part]
        assert len(set(used)) == len(used) == 3
    assert chosen.people == choose(read_corpus(voices_corpus), 5, 1, 0, lambda text: True).people
    assert chosen.people != choose(read_corpus(voices_corpus), 5, 1, 1, lambda text: True).people


def test_of_several_corpora_those_with_transcripts_are_cloned(voices_corpus, tmp_path):
    voice(1).write(tmp_path / "few/s00/a.wav")
    (tmp_path / "few/s00/a.txt").write_text("Good day.")
    utterances = read_corpora((str(voices_corpus), str(tmp_path / "few")))
    assert len({utterance.id for utterance in utterances}) == 12 * 3 + 1
    assert len({utterance.speaker for utterance in utterances}) == 12 + 1
    (person,) = choose(utterances, 1, 1, 0, lambda text: True).people
    assert person.name == "few/s00"


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
