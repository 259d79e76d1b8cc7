"""The map of voices: one dot a sound, alike voices together.

Point at a dot to see whose it is, click to hear it; turn the wheel to look closer, double-click to see all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PyQt5.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QPainter, QPainterPath, QPen
from PyQt5.QtWidgets import QToolTip

from toolbox.look import EDGE, FAINT, PANEL, SPEAKER_COLORS, TEXT
from toolbox.plots import Picture

SHAPES = ("disc", "square", "diamond", "triangle", "wedge", "star", "plus", "pentagon", "hourglass", "bar")
"""Ten by ten colors: a hundred speakers stay apart."""
EMPTY = "The map of voices: from four sounds on, recorded or made."
REACH = 14
"""Pixels from a dot within which it is meant."""


ALL = QRectF(0, 0, 1, 1)
"""Of the map, what is looked at; the whole is one wide and one high."""


@dataclass(frozen=True, eq=False)
class Dot:
    item: object
    """What is heard when it is clicked."""
    speaker: str
    label: str
    made: bool
    """True for a clone, False for a recording."""


def mark(number: int) -> tuple[str, str]:
    """(color, shape) of the speaker of this number."""
    return SPEAKER_COLORS[number % len(SPEAKER_COLORS)], SHAPES[number // len(SPEAKER_COLORS) % len(SHAPES)]


def shape_path(shape: str, center: QPointF, size: float) -> QPainterPath:
    """A shape of about `size` pixels across around a point."""
    path, r = QPainterPath(), size / 2
    if shape == "disc":
        path.addEllipse(center, r, r)
        return path
    if shape == "star":
        radii, count, turn = [r * 1.25, r * 0.5] * 5, 10, -90
    elif shape == "plus":
        path.addRect(QRectF(center.x() - r * 1.1, center.y() - r * 0.4, r * 2.2, r * 0.8))
        path.addRect(QRectF(center.x() - r * 0.4, center.y() - r * 1.1, r * 0.8, r * 2.2))
        return path.simplified()
    elif shape in ("hourglass", "bar"):
        wide, high = (r, r) if shape == "hourglass" else (r * 0.5, r * 1.2)
        corners = [(-wide, -high), (wide, -high), (-wide, high), (wide, high)]
        order = corners if shape == "hourglass" else [corners[0], corners[1], corners[3], corners[2]]
        path.moveTo(center + QPointF(*order[0]))
        for corner in order[1:]:
            path.lineTo(center + QPointF(*corner))
        path.closeSubpath()
        return path
    else:
        count, turn = {
            "square": (4, 45),
            "diamond": (4, 0),
            "triangle": (3, -90),
            "wedge": (3, 90),
            "pentagon": (5, -90),
        }[shape]
        radii = [r * 1.15] * count
    angles = np.radians(turn + np.arange(count) * 360 / count)
    for index, (radius, angle) in enumerate(zip(radii, angles)):
        point = center + QPointF(radius * np.cos(angle), radius * np.sin(angle))
        path.lineTo(point) if index else path.moveTo(point)
    path.closeSubpath()
    return path


class MapView(Picture):
    clicked = pyqtSignal(object)
    """The item of the dot."""

    def __init__(self):
        super().__init__("map of voices", EMPTY, 240)
        self.dots: list[Dot] = []
        self.points = np.zeros((0, 2))
        self.busy = False
        self.chosen: object = None
        self._speakers: list[str] = []
        self._seen = ALL
        self.setMouseTracking(True)
        self.setMinimumHeight(160)

    def sizeHint(self) -> QSize:
        return QSize(320, 320)

    def show_dots(self, dots: list[Dot], points: np.ndarray) -> None:
        """points: (len(dots), 2) in any scale."""
        self.dots, self.points = dots, np.asarray(points, float)
        # In order of appearance, so that a speaker keeps a color when others come.
        self._speakers = list(dict.fromkeys(dot.speaker for dot in dots))
        self.update()

    def show_busy(self, busy: bool) -> None:
        self.busy = busy
        self.update()

    def show_chosen(self, item: object) -> None:
        self.chosen = item
        self.update()

    def mark_of(self, speaker: str) -> tuple[str, str]:
        return mark(self._speakers.index(speaker))

    def places(self) -> list[QPointF]:
        """Where each dot is on the screen."""
        if not len(self.points):
            return []
        room = self.field()
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        span = np.where(high > low, high - low, 1)
        unit = np.where(high > low, (self.points - low) / span, 0.5)
        corner, size = (self._seen.x(), self._seen.y()), (self._seen.width(), self._seen.height())
        unit = (unit - corner) / size
        return [QPointF(room.left() + x * room.width(), room.bottom() - y * room.height()) for x, y in unit]

    def field(self) -> QRectF:
        """Where dots may be: above the legend."""
        return self.inside().adjusted(20, 30, -20, -16 - self._legend_rows() * self._line())

    def at(self, position: QPointF) -> Dot | None:
        """The dot nearest to a place on the screen, if it is near."""
        room = self.field().adjusted(-REACH, -REACH, REACH, REACH)
        gaps = [(place - position).manhattanLength() if room.contains(place) else np.inf for place in self.places()]
        nearest = int(np.argmin(gaps)) if gaps else -1
        return self.dots[nearest] if gaps and gaps[nearest] <= REACH else None

    def mouseMoveEvent(self, event) -> None:
        dot = self.at(QPointF(event.pos()))
        self.setCursor(Qt.PointingHandCursor if dot else Qt.ArrowCursor)
        QToolTip.showText(event.globalPos(), dot.label if dot else "", self)

    def mousePressEvent(self, event) -> None:
        dot = self.at(QPointF(event.pos()))
        if dot:
            self.clicked.emit(dot.item)

    def wheelEvent(self, event) -> None:
        """Look closer at where the mouse is, or further."""
        room, place, seen = self.field(), QPointF(event.pos()), self._seen
        by = 0.8 if event.angleDelta().y() > 0 else 1.25
        across = (place.x() - room.left()) / room.width()
        up = (room.bottom() - place.y()) / room.height()
        size = seen.width() * by
        left, low = seen.x() + across * (seen.width() - size), seen.y() + up * (seen.height() - size)
        self._seen = ALL if size >= 1 else QRectF(left, low, size, size)
        self.update()

    def mouseDoubleClickEvent(self, event) -> None:
        self._seen = ALL
        self.update()

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        self.draw(painter)

    def draw(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.Antialiasing)
        if not self.dots:
            self.empty = "Drawing the map … the first one takes half a minute." if self.busy else EMPTY
            return self.draw_empty(painter)
        painter.setPen(QPen(QColor(EDGE), 1))
        painter.setBrush(QColor(PANEL))
        painter.drawRoundedRect(self.inside(), 5, 5)
        painter.save()
        painter.setClipRect(self.field().adjusted(-16, -16, 16, 16))
        for dot, place in zip(self.dots, self.places()):
            self._draw_dot(painter, place, *self.mark_of(dot.speaker), dot.made, 11.0)
            if dot.item is self.chosen:
                painter.setPen(QPen(QColor(TEXT), 1.5))
                painter.setBrush(Qt.NoBrush)
                painter.drawEllipse(place, 11, 11)
        painter.restore()
        self._draw_legend(painter)
        made = sum(dot.made for dot in self.dots)
        said = f"{len(self.dots) - made} recorded, filled · {made} made, ×"
        self.draw_caption(painter, said + (" …" if self.busy else ""), FAINT)

    def _draw_dot(self, painter: QPainter, place: QPointF, color: str, shape: str, made: bool, size: float) -> None:
        painter.setPen(QPen(QColor(color), 1.8) if made else QPen(QColor("#ffffff"), 0.8))
        painter.setBrush(QColor("#ffffff") if made else QColor(color))
        painter.drawPath(shape_path(shape, place, size + 2 * made))
        if made:
            r = size * 0.22
            painter.setPen(QPen(QColor(color), 1.5))
            painter.drawLine(place + QPointF(-r, -r), place + QPointF(r, r))
            painter.drawLine(place + QPointF(-r, r), place + QPointF(r, -r))

    # ---- the legend, as many speakers as have room in at most a third of the height

    def _line(self) -> int:
        return self.fontMetrics().height() + 3

    def _columns(self) -> int:
        return max(1, int(self.inside().width() // 125))

    def _legend_rows(self) -> int:
        wanted = -(-len(self._speakers) // self._columns())
        return min(wanted, max(1, int(self.height() / 3 / self._line())))

    def _draw_legend(self, painter: QPainter) -> None:
        columns, rows = self._columns(), self._legend_rows()
        shown = self._speakers if len(self._speakers) <= columns * rows else self._speakers[: columns * rows - 1]
        entries = [*shown, None] if len(shown) < len(self._speakers) else list(shown)
        room = self.inside().adjusted(10, 0, -6, -6)
        width, top = room.width() / columns, room.bottom() - rows * self._line()
        for index, speaker in enumerate(entries):
            x, y = room.left() + index % columns * width, top + index // columns * self._line()
            box = QRectF(x + 14, y, width - 16, self._line())
            text = speaker if speaker is not None else f"and {len(self._speakers) - len(shown)} more"
            if speaker is not None:
                self._draw_dot(painter, QPointF(x + 5, y + self._line() / 2), *self.mark_of(speaker), False, 9.0)
            painter.setPen(QColor(TEXT if speaker is not None else FAINT))
            text = painter.fontMetrics().elidedText(text, Qt.ElideMiddle, int(box.width()))
            painter.drawText(box, Qt.AlignVCenter | Qt.AlignLeft, text)


def save_picture(view: MapView, path: str) -> bool:
    """Write the map as it is seen, as .svg or at three times the size as .png. False if the file cannot be written."""
    if path.lower().endswith(".svg"):
        from PyQt5.QtSvg import QSvgGenerator

        target = QSvgGenerator()
        target.setFileName(path)
        target.setSize(view.size())
        target.setViewBox(view.rect())
        painter = QPainter()
        if not painter.begin(target):
            return False
        view.draw(painter)
        return painter.end()
    from PyQt5.QtGui import QImage

    image = QImage(view.size() * 3, QImage.Format_ARGB32)
    image.setDevicePixelRatio(3)
    image.fill(QColor(PANEL))
    painter = QPainter(image)
    view.draw(painter)
    painter.end()
    return image.save(path)
