"""The map of voices."""

import re
from dataclasses import replace

import numpy as np
import pytest
from PyQt5.QtCore import QPoint, QPointF, Qt
from PyQt5.QtGui import QColor, QImage, QPainter, QWheelEvent

from speech.voice import Voice
from tests.cloning.conftest import speechlike
from tests.toolbox.conftest import WAIT
from toolbox.items import VoiceItem
from toolbox.voice_map import Dot, MapView, mark, save_picture, shape_path


@pytest.fixture
def crowd(window, qtbot):
    """A window that has heard forty speakers, three times each."""
    rng, wave = np.random.default_rng(0), speechlike(1.0)
    for speaker in range(40):
        center = rng.standard_normal(16)
        for clip in range(3):
            vector = (center + 0.1 * rng.standard_normal(16)).astype(np.float32)
            item = VoiceItem(f"s{speaker}-{clip}", [wave], f"speaker {speaker}")
            item.voice = Voice(item.name, vector / np.linalg.norm(vector), wave)
            window.session.voices.append(item)
    window.session.voices_changed.emit(window.session.voices[0])
    window.actions_["redraw"].trigger()
    qtbot.waitUntil(lambda: len(window.map.map.dots) == 120, timeout=WAIT)
    return window


def test_forty_speakers_each_have_a_mark_of_their_own(crowd):
    view = crowd.map.map
    marks = {dot.speaker: view.mark_of(dot.speaker) for dot in view.dots}
    assert len(marks) == len(set(marks.values())) == 40


def test_marks_of_a_hundred_speakers_differ_to_the_eye(qapp):
    pictures = set()
    for number in range(100):
        image = QImage(24, 24, QImage.Format_RGB32)
        image.fill(QColor("white"))
        painter = QPainter(image)
        color, shape = mark(number)
        painter.fillPath(shape_path(shape, image.rect().center(), 16.0), QColor(color))
        painter.end()
        pictures.add(image.bits().asstring(image.byteCount()))
    assert len(pictures) == 100


def test_a_dot_is_clicked_and_heard(crowd, portaudio, qtbot):
    view = crowd.map.map
    place, dot = view.places()[77], view.dots[77]
    with qtbot.waitSignal(view.clicked) as clicked:
        qtbot.mouseClick(view, Qt.LeftButton, pos=place.toPoint())
    assert clicked.args[0].speaker == dot.speaker
    qtbot.waitUntil(lambda: bool(portaudio.played), timeout=WAIT)
    assert crowd.voices.list.current is clicked.args[0]


def test_the_wheel_looks_closer_and_a_double_click_shows_all(crowd, qtbot):
    view = crowd.map.map
    before = view.places()
    middle = before[5]
    turn = QWheelEvent(
        middle, QPointF(view.mapToGlobal(middle.toPoint())), QPoint(), QPoint(0, 120), Qt.NoButton, Qt.NoModifier,
        Qt.NoScrollPhase, False,
    )  # fmt: skip
    for _ in range(4):
        view.wheelEvent(turn)
    after = view.places()
    assert (after[5] - middle).manhattanLength() < 8  # what is looked at stays
    assert (after[0] - after[5]).manhattanLength() > 2 * (before[0] - before[5]).manhattanLength()
    qtbot.mouseDClick(view, Qt.LeftButton, pos=QPoint(5, 5))
    assert view.places() == before


def test_the_legend_leaves_room_for_the_dots(crowd):
    view = crowd.map.map
    field = view.field()
    assert field.height() > view.height() / 3
    assert all(field.adjusted(-1, -1, 1, 1).contains(place) for place in view.places())


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_map_is_saved(crowd, tmp_path, suffix):
    path = tmp_path / f"map.{suffix}"
    assert save_picture(crowd.map.map, str(path))
    if suffix == "png":
        assert QImage(str(path)).width() == 3 * crowd.map.map.width()
    else:
        assert "<svg" in path.read_text()
    assert not save_picture(crowd.map.map, str(tmp_path / "nowhere/map.png"))


def test_a_map_is_cleared_and_begun_anew(crowd, qtbot):
    crowd.actions_["clear"].trigger()
    assert crowd.map.map.dots == []
    assert not crowd.actions_["save_map"].isEnabled()
    crowd.actions_["redraw"].trigger()
    qtbot.waitUntil(lambda: len(crowd.map.map.dots) == 120, timeout=WAIT)
    crowd.voices.list.selectAll()
    crowd.voices.list.item(0).setSelected(False)
    crowd.actions_["remove"].trigger()
    assert len(crowd.map.map.dots) == 1


def test_recordings_and_clones_come_onto_the_map_marked_apart(window, reference, qtbot):
    session = window.session
    session.open([reference])
    qtbot.waitUntil(lambda: bool(session.voices and session.voices[0].voice), timeout=WAIT)
    window.speak.text.setPlainText("Hi.")
    window.actions_["say"].trigger()
    qtbot.waitUntil(lambda: bool(session.results), timeout=WAIT)
    # What untrained models say is no speech, so the encoder's answer is made up.
    (made,) = session.results
    for _ in range(3):
        heard = np.random.default_rng(0).standard_normal(256).astype(np.float32)
        session._result(replace(made, said=replace(made.said, embedding=heard / np.linalg.norm(heard))))
    qtbot.waitUntil(lambda: len(window.map.map.dots) == 4, timeout=WAIT)
    assert sorted(dot.made for dot in window.map.map.dots) == [False, True, True, True]
    assert {dot.speaker for dot in window.map.map.dots} == {"me"}
    assert re.search(r"cosine similarity -?\d\.\d\d", window.map.likeness.text())
    session.rename(session.voices[0], "Ann")
    assert {dot.speaker for dot in window.map.map.dots} == {"Ann"}


def test_a_clone_is_drawn_otherwise_than_a_recording(qtbot):
    pictures = []
    for made in (False, True):
        view = MapView()
        qtbot.addWidget(view)
        view.resize(200, 200)
        view.show_dots([Dot(object(), "a", "a", made)], np.zeros((1, 2)))
        place = view.places()[0].toPoint()
        image = view.grab().toImage()
        pictures.append([image.pixel(place + QPoint(x, 0)) for x in range(-9, 10)])
    assert pictures[0] != pictures[1]


def test_what_the_encoder_says_of_a_voice_removed_meanwhile_is_let_go(window, qtbot):
    item = VoiceItem("gone", [speechlike(2.0)])
    window.session.add(item)
    window.session.remove([item])
    qtbot.waitUntil(lambda: not window.session.engine.is_busy, timeout=WAIT)
    window.session.redraw_map()
    assert item.voice is None
    assert "0 were heard" in window.message.text()
