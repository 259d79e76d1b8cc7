"""The window as people use it: voices, speaking, results."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt5.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt5.QtGui import QDropEvent
from PyQt5.QtWidgets import QFileDialog

from speech.voice import Voice
from speech.waveform import Waveform
from tests.cloning.conftest import speechlike
from tests.toolbox.conftest import WAIT, FakePortAudio
from toolbox.quality import judge


@pytest.fixture
def until(qtbot):
    return lambda condition: qtbot.waitUntil(lambda: bool(condition()), timeout=WAIT)


@pytest.fixture
def load(until):
    """Open files in a window and wait until the encoder has heard them."""

    def call(window, *paths):
        before = len(window.session.voices)
        window.session.open(list(paths))
        until(lambda: len(window.session.voices) == before + len(paths))
        until(lambda: all(item.voice for item in window.session.voices))
        return window.session.voices[before:]

    return call


@pytest.fixture
def say(until):
    def call(window, text="Hi.", action="say"):
        before = len(window.session.results)
        window.speak.text.setPlainText(text)
        window.actions_[action].trigger()
        until(lambda: len(window.session.results) == before + 1)
        return window.session.results[-1]

    return call


@pytest.fixture
def answer(monkeypatch):
    """What file dialogs answer."""

    def call(path, kind=""):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), kind))
        monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(path)], kind))
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(path))

    return call


# ---- from a recording to an exported clone


def test_a_recording_is_opened_and_speaks_and_is_exported(window, reference, answer, say, until, tmp_path):
    answer(reference)
    window.actions_["open"].trigger()
    until(lambda: window.session.voices and window.session.voices[0].voice)
    assert window.voices.list.current.name == "me"
    assert window.voices.wave.wave.seconds == pytest.approx(3.0)
    result = say(window, "Hello there. How are you?")
    assert len(result.said.sentences) == 2
    assert result.said.mel.shape[0] == 80
    assert "real-time factor" in window.message.text()
    assert window.results.wave.wave is result.wave
    for suffix in ("wav", "flac", "ogg"):
        answer(tmp_path / f"out.{suffix}")
        window.actions_["export"].trigger()
        until((tmp_path / f"out.{suffix}").exists)
        assert soundfile.info(tmp_path / f"out.{suffix}").duration == pytest.approx(result.wave.seconds, abs=0.01)
    until(lambda: "Written" in window.message.text())


def test_an_export_without_a_suffix_gets_the_chosen_one(window, reference, answer, load, say, until, tmp_path):
    load(window, reference)
    say(window)
    answer(tmp_path / "out", "flac (*.flac)")
    window.actions_["export"].trigger()
    until((tmp_path / "out.flac").exists)


def test_the_same_seed_says_the_same_and_is_shown(window, reference, load, say):
    load(window, reference)
    text = "Two old boats went out in the rain, and nobody saw them."  # in a short one, dropout may not show
    free = say(window, text)
    window.speak.fixed.setChecked(True)
    window.speak.seed.setValue(free.seed)
    again = say(window, text)
    assert np.array_equal(free.wave.samples, again.wave.samples)
    window.speak.seed.setValue(free.seed + 1)
    assert not np.array_equal(say(window, text).said.mel, again.said.mel)
    assert f"seed {free.seed}" in window.results.describe(free)[1]


def test_a_mel_is_made_first_and_sound_of_it_later(window, reference, load, say):
    load(window, reference)
    mel = say(window, "Hi.", "synthesize")
    assert mel.wave is None
    assert not window.actions_["export"].isEnabled()
    sound = say(window, "Another text.", "vocode")
    assert sound.text == "Hi."
    assert sound.wave.seconds > 0.1
    assert np.array_equal(sound.said.mel, mel.said.mel)
    window.speak.models["vocoder"].setCurrentText("Griffin-Lim")
    window.speak.models["vocoder"].activated.emit(0)
    other = say(window, "", "vocode")
    assert not np.array_equal(other.wave.samples, sound.wave.samples)


def test_results_are_dragged_out_as_files(window, reference, load, say):
    load(window, reference)
    say(window, "Hi there.")
    data = window.results.list.mimeData([window.results.list.item(0)])
    path = Path(data.urls()[0].toLocalFile())
    assert path.name == "Hi_there.wav"
    assert soundfile.info(path).frames == len(window.session.results[0].wave.samples)


def test_files_and_folders_are_dropped_in(window, corpora, until):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(corpora / "mine/anna"))])
    drop = QDropEvent(QPointF(5, 5), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier)
    window.dropEvent(drop)
    until(lambda: [item.name for item in window.session.voices] == ["0", "1"])


# ---- voices


def test_a_microphone_is_recorded_heard_trimmed_and_discarded(window, portaudio, until, qtbot):
    levels = []
    window.sound.level.connect(levels.append)
    window.actions_["record"].trigger()
    until(lambda: window.sound.recorded_seconds > 2.5)
    assert window.actions_["record"].text() == "Stop"
    window.actions_["record"].trigger()
    until(lambda: window.session.voices and window.session.voices[0].voice)
    (item,) = window.session.voices
    assert item.name == "Recording 1"
    assert item.wave.sample_rate == 16000
    assert max(levels) == pytest.approx(np.abs(portaudio.heard).max(), abs=0.05)
    assert window.actions_["record"].text() == "Record"

    window.actions_["play"].trigger()
    until(lambda: not window.sound.playing)
    played = np.concatenate(portaudio.played)[: len(item.wave.samples)]
    assert np.array_equal(played, item.wave.samples[: len(played)])

    view, full, before = window.voices.wave, item.wave.seconds, item.voice.embedding
    qtbot.mousePress(view, Qt.LeftButton, pos=QPoint(view.width() // 4, 10))
    qtbot.mouseMove(view, QPoint(view.width() * 3 // 4, 10))
    qtbot.mouseRelease(view, Qt.LeftButton, pos=QPoint(view.width() * 3 // 4, 10))
    window.actions_["trim"].trigger()
    until(lambda: item.voice is not None)
    assert item.wave.seconds == pytest.approx(full / 2, rel=0.05)
    assert not np.array_equal(item.voice.embedding, before)
    assert item.voice.reference.seconds == pytest.approx(full / 2, rel=0.05)
    window.actions_["untrim"].trigger()
    until(lambda: item.voice is not None)
    assert np.array_equal(item.voice.embedding, before)

    window.actions_["remove"].trigger()
    assert window.session.voices == []
    assert window.voices.wave.wave is None


def test_playing_moves_a_cursor_and_can_begin_anywhere_and_be_stopped(window, portaudio, reference, load, until, qtbot):
    load(window, reference)
    places = []
    window.sound.position.connect(lambda _: places.append(window.voices.wave.cursor))
    view = window.voices.wave
    qtbot.mouseClick(view, Qt.LeftButton, pos=QPoint(view.width() // 2, 10))
    until(lambda: bool(places))
    assert places[0] >= 1.4
    window.actions_["stop"].trigger()
    until(lambda: view.cursor is None)


def test_several_recordings_become_one_voice(window, corpora, load, until):
    first, second = load(window, corpora / "mine/anna/0.wav", corpora / "mine/ben/0.wav")
    window.voices.list.selectAll()
    window.actions_["combine"].trigger()
    until(lambda: len(window.session.voices) == 3 and window.session.voices[2].voice)
    both = window.session.voices[2]
    assert both.wave.seconds == pytest.approx(first.wave.seconds + second.wave.seconds, abs=0.01)
    for one in (first, second):
        assert one.embedding @ both.embedding > first.embedding @ second.embedding


def test_a_voice_is_named_saved_and_comes_back(window, reference, load, say, answer, until, tmp_path):
    (item,) = load(window, reference)
    window.voices.list.item(0).setText("Grandmother")
    assert item.name == "Grandmother"
    answer(tmp_path / "saved")
    window.actions_["save"].trigger()
    until((tmp_path / "saved.voice").exists)
    assert Voice.read(tmp_path / "saved.voice").name == "Grandmother"
    (again,) = load(window, tmp_path / "saved.voice")
    assert again.name == "Grandmother"
    assert np.array_equal(again.embedding, item.embedding)
    assert say(window).name == "Grandmother"


def test_a_voice_of_another_encoder_is_heard_again(window, reference, load, until, tmp_path):
    (item,) = load(window, reference)
    foreign = Voice("old", -item.voice.embedding, item.voice.reference, None, "0123456789ab")
    (again,) = load(window, foreign.write(tmp_path / "old.voice"))
    until(lambda: again.voice.encoder == item.voice.encoder)
    assert np.allclose(again.embedding, item.embedding, atol=1e-3)


def test_corpora_are_browsed_searched_and_loaded(window, until):
    corpora, do = window.finder.corpora, window.actions_
    do["search"].trigger()  # shows the tab
    until(lambda: corpora.speaker.count() == 2)
    assert corpora.corpus.currentText() == "mine"
    do["any_speaker"].trigger()
    assert corpora.speaker.currentText() == "ben"
    corpora.search.setText("CLIP 1")
    assert corpora._filter.rowCount() == 1
    corpora.search.clear()
    corpora.list.setCurrentIndex(corpora._filter.index(0, 0))
    do["load"].trigger()
    do["load"].trigger()  # the next one was chosen meanwhile
    until(lambda: len(window.session.voices) == 2)
    assert [item.speaker for item in window.session.voices] == ["mine/ben"] * 2
    assert [item.name for item in window.session.voices] == ["ben/0", "ben/1"]


def test_a_corpus_is_added(window, answer, until, tmp_path):
    speechlike(1.0).write(tmp_path / "other/carl/a.wav")
    answer(tmp_path / "other")
    window.actions_["corpus"].trigger()
    until(lambda: window.finder.corpora.speaker.currentText() == "carl")


def spoken(seconds: float, gain: float = 1.0, noise: float = 0.001) -> Waveform:
    """Made speech with a pause in it."""
    said = Waveform.join([speechlike(seconds / 2), Waveform.silence(0.6, 16000), speechlike(seconds / 2, seed=1)])
    hiss = np.random.default_rng(0).normal(0, noise, len(said.samples))
    return Waveform(np.clip((said.samples + hiss) * gain, -1, 1).astype(np.float32), 16000)


@pytest.mark.parametrize(
    ("wave", "grade", "says"),
    [
        (spoken(6.0), "good", "Good: "),
        (spoken(1.5), "fair", "Too short"),
        (spoken(6.0, gain=9.0), "fair", "Clipped"),
        (spoken(6.0, noise=0.05), "fair", "Noisy"),
        (spoken(6.0, gain=0.0), "bad", "Silent"),
        (Waveform(np.full(48000, 0.1, np.float32), 16000), "bad", "Too short: 0.0 s of speech in 3.0 s"),
    ],
)
def test_the_quality_of_a_reference_is_told(wave, grade, says):
    found = judge(wave)
    assert found.sentence.startswith(says)
    assert found.grade == grade


# ---- what goes wrong


def test_an_unfit_pair_is_refused_with_the_reason(window, models, reference, load, say, until):
    load(window, reference)
    box = window.speak.models["vocoder"]
    box.setCurrentIndex(box.findData(str(models / "other_vocoder")))
    box.activated.emit(box.currentIndex())
    until(lambda: "sample_rate: 22050 against 16000" in window.message.text())
    window.actions_["say"].trigger()
    until(lambda: not window.session.engine.is_busy)
    assert window.session.results == []
    box.setCurrentIndex(box.findData(str(models / "vocoder")))
    box.activated.emit(box.currentIndex())
    until(lambda: "fit one another" in window.message.text())
    assert say(window).wave.seconds > 0.1


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.wav", None, "does not exist"),
        ("text.wav", b"not a sound", "not a sound file"),
        ("bad.voice", b"\x80\x04cposix\nsystem\n.", "not a whole safetensors file"),
    ],
)
def test_a_bad_file_gives_a_sentence(window, until, tmp_path, name, content, says):
    if content:
        (tmp_path / name).write_bytes(content)
    window.session.open([tmp_path / name])
    until(lambda: says in window.message.text())
    assert window.message.property("kind") == "error"
    assert window.session.voices == []


def test_a_silent_recording_is_listed_with_the_reason_and_cannot_speak(window, until, tmp_path):
    Waveform(np.zeros(32000, np.float32), 16000).write(tmp_path / "silent.wav")
    window.session.open([tmp_path / "silent.wav"])
    until(lambda: window.session.voices and window.session.voices[0].problem)
    assert "silent" in window.voices.quality.text()
    window.tell("")
    window.actions_["say"].trigger()
    until(lambda: "silent" in window.message.text())
    assert window.session.results == []


def test_nothing_to_say_and_no_one_to_say_it_give_a_sentence(window, reference, load, until):
    window.actions_["say"].trigger()
    assert "choose a voice first" in window.message.text().lower()
    load(window, reference)
    for text, says in ((" ", "text is empty"), ("😀", "nothing in the text can be spoken")):
        window.speak.text.setPlainText(text)
        window.actions_["say"].trigger()
        until(lambda says=says: says in window.message.text().lower())


def test_no_models_gives_a_sentence(open_window, reference, until, tmp_path):
    window = open_window(models_dir=tmp_path / "nowhere")
    window.session.open([reference])
    until(lambda: "no models" in window.message.text())


def test_an_unwritable_export_gives_a_sentence(window, reference, load, say, answer, until, tmp_path):
    load(window, reference)
    say(window)
    (tmp_path / "file").touch()
    answer(tmp_path / "file/out.wav")
    window.actions_["export"].trigger()
    until(lambda: "cannot write" in window.message.text().lower())


@pytest.mark.parametrize(("microphone", "speaker"), [(False, True), (False, False)])
def test_without_devices_the_window_opens_and_says_why(open_window, reference, load, say, microphone, speaker):
    silent = FakePortAudio(microphone=microphone, speaker=speaker)
    window = open_window(portaudio=silent)
    assert not window.actions_["record"].isEnabled()
    assert "no microphone was found" in window.finder.record.reason.text()
    assert ("no speaker was found" in window.finder.record.reason.text()) != speaker
    load(window, reference)
    assert say(window).wave.seconds > 0.1
    assert window.actions_["play"].isEnabled() == speaker


def test_a_device_that_fails_gives_a_sentence(window, portaudio, until, monkeypatch):
    def broken(**settings):
        raise RuntimeError("device unplugged")

    monkeypatch.setattr(portaudio, "InputStream", broken)
    window.actions_["record"].trigger()
    until(lambda: "device unplugged" in window.message.text())
    assert window.actions_["record"].text() == "Record"


# ---- cancelling and closing


def test_long_work_is_cancelled_and_the_window_goes_on(window, reference, load, say, until):
    load(window, reference)
    window.speak.text.setPlainText("Go on. " * 100)
    window.actions_["say"].trigger()
    until(lambda: "vocoding" in window.speak.progress.format().lower() and window.speak.progress.value() > 0)
    assert "real-time factor" in window.speak.progress.format()
    assert window.actions_["cancel"].isEnabled()
    window.actions_["cancel"].trigger()
    until(lambda: window.message.text() == "Cancelled.")
    assert window.session.results == []
    assert not window.actions_["cancel"].isEnabled()
    assert say(window).wave.seconds > 0.1


def test_closing_while_busy_leaves_nothing_running(open_window, reference, until, qtbot):
    window = open_window(engine=None)
    window.session.open([reference])
    until(lambda: window.session.engine.pid is not None and window.session.engine.is_busy)
    process = window.session.engine._process
    window.close()
    until(lambda: not process.is_alive())
    assert not window.isVisible()


# ---- remembered


def test_geometry_models_and_folders_are_remembered(open_window, models, reference, answer, until):
    first = open_window()
    first.setGeometry(40, 50, 1200, 700)
    first.columns.setSizes([300, 500, 400])
    answer(reference)
    first.actions_["open"].trigger()
    first.speak.models["vocoder"].setCurrentText("Griffin-Lim")
    first.speak.fixed.setChecked(True)
    first.speak.seed.setValue(77)
    widths = first.columns.sizes()
    first.close()
    second = open_window()
    assert second.size() == first.size()
    assert second.columns.sizes() == widths
    assert second.speak.models["vocoder"].currentText() == "Griffin-Lim"
    assert second.session.models.vocoder == "griffin_lim"
    assert second.speak.seed.value() == 77
    assert second._settings.value("folder/open") == str(reference.parent)
    assert open_window(seed=5).speak.seed.value() == 5


def test_checkpoints_of_all_runs_can_be_chosen_by_stage(open_window, models, tmp_path):
    for run in ("default", "mine"):
        for stage in ("encoder", "synthesizer", "vocoder"):
            shutil.copytree(models / stage, tmp_path / "runs" / run / stage)
    window = open_window(models_dir=tmp_path / "runs")
    boxes = window.speak.models
    assert [boxes["encoder"].itemText(i) for i in range(boxes["encoder"].count())] == ["default", "mine"]
    assert boxes["vocoder"].itemText(2) == "Griffin-Lim"


# ---- by keyboard


def test_every_action_has_a_shortcut_of_its_own(window):
    keys = [action.shortcut().toString() for action in window.actions_.values()]
    assert all(keys)
    assert len(set(keys)) == len(keys)


def test_a_sentence_is_said_by_keyboard_alone(window, qtbot, until, models):
    window.activateWindow()
    window.speak.text.setFocus()
    speechlike().write(window._example)
    try:
        window._refresh()
        qtbot.keyClick(window.speak.text, Qt.Key_O, Qt.ControlModifier | Qt.ShiftModifier)
        until(lambda: window.session.voices and window.session.voices[0].voice)
        window.speak.text.selectAll()
        qtbot.keyClicks(window.speak.text, "Hi.")
        qtbot.keyClick(window.speak.text, Qt.Key_Return, Qt.ControlModifier)
        until(lambda: len(window.session.results) == 1)
        assert window.session.results[0].text == "Hi."
    finally:
        shutil.rmtree(window._example.parent)


@pytest.mark.parametrize("size", [(1346, 700), (2500, 1380)])
def test_nothing_is_cut_off_at_either_size(window, qtbot, size):
    window.resize(*size)
    qtbot.waitExposed(window)
    assert window.width() == size[0]  # or its contents need more
    assert window.height() == size[1]
    for button in window.findChildren(type(window.finder.record.record)):
        if button.isVisible():
            assert button.width() >= button.minimumSizeHint().width()


def test_tab_goes_through_the_window_as_the_eye_does(window, qtbot):
    seen, widget = [], window.speak.text
    for _ in range(60):
        seen.append(widget)
        widget = widget.nextInFocusChain()
        while not (widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.TabFocus):
            widget = widget.nextInFocusChain()
        if widget is window.speak.text:
            break
    speak, results = window.speak, window.results
    wanted = [*speak.models.values(), results.list, window.map.map.parent().findChild(type(speak.cancel))]
    places = [seen.index(each) for each in (speak.text, *wanted)]
    assert places == sorted(places)
    assert seen.index(window.finder.record.record) < seen.index(window.voices.list)


def test_a_voice_still_being_listened_to_speaks_right_afterwards(window, reference, until):
    window.session.open([reference])
    until(lambda: window.session.voices)
    window.speak.text.setPlainText("Hi.")
    window.actions_["say"].trigger()
    until(lambda: len(window.session.results) == 1)
