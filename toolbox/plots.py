"""The pictures of a sound, drawn by Qt itself: at once, sharp on any screen, with a cursor that follows the sound."""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import QPoint, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QImage, QPainter, QPen, QPolygonF
from PyQt5.QtWidgets import QSizePolicy, QWidget

from speech.waveform import Waveform
from toolbox.look import ACCENT, EDGE, FAINT, TEXT, heat

SHORTEST_SPAN = 0.1
"""Seconds: what is dragged shorter than this is a click."""


class Picture(QWidget):
    """What all have in common: a frame, a caption, a sentence where there is nothing to show."""

    def __init__(self, caption: str, empty: str, height: int = 60):
        super().__init__()
        self.caption, self.empty = caption, empty
        self.setAccessibleName(caption)
        self._hint = QSize(160, height)
        self.setMinimumHeight(height * 2 // 3)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)

    def sizeHint(self) -> QSize:
        return self._hint

    def inside(self) -> QRectF:
        return QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)

    def draw_empty(self, painter: QPainter) -> None:
        painter.setPen(QPen(QColor(EDGE), 1))
        painter.setBrush(QColor("#f7f9fb"))
        painter.drawRoundedRect(self.inside(), 5, 5)
        painter.setPen(QColor(FAINT))
        painter.drawText(self.inside().adjusted(8, 4, -8, -4), Qt.AlignCenter | Qt.TextWordWrap, self.empty)

    def draw_caption(self, painter: QPainter, text: str, color: str = TEXT, ground: str = "#98ffffff") -> None:
        """Colors as Qt writes them, #AARRGGBB."""
        font = painter.font()
        font.setPointSizeF(max(7.0, font.pointSizeF() * 0.85))
        painter.setFont(font)
        box = painter.fontMetrics().boundingRect(text).adjusted(-5, -1, 5, 1)
        box.moveTopLeft(self.rect().topLeft() + self._caption_at())
        painter.setPen(Qt.NoPen)
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(QRectF(box), 4, 4)
        painter.setPen(QColor(color))
        painter.drawText(box, Qt.AlignCenter, text)

    def _caption_at(self) -> QPoint:
        return QPoint(5, 5)


class WaveView(Picture):
    """A waveform with a cursor. Drag to choose a stretch, click to play from there."""

    clicked = pyqtSignal(float)
    """Seconds."""
    chosen = pyqtSignal(object)
    """(start, stop) in seconds, or None."""

    def __init__(self, caption: str, empty: str, height: int = 70):
        super().__init__(caption, empty, height)
        self.wave: Waveform | None = None
        self.cursor: float | None = None
        self.span: tuple[float, float] | None = None
        self._press: float | None = None
        self._outline: tuple[int, QPolygonF] | None = None
        self.setCursor(Qt.IBeamCursor)

    def show_wave(self, wave: Waveform | None) -> None:
        self.wave, self.cursor, self.span, self._outline = wave, None, None, None
        self.chosen.emit(None)
        self.update()

    def show_cursor(self, seconds: float | None) -> None:
        self.cursor = seconds
        self.update()

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        if self.wave is None:
            return self.draw_empty(painter)
        painter.setPen(QPen(QColor(EDGE), 1))
        painter.setBrush(QColor("#f7f9fb"))
        painter.drawRoundedRect(self.inside(), 5, 5)
        if self.span:
            left, right = (self._x(seconds) for seconds in self.span)
            painter.fillRect(QRectF(left, 1, right - left, self.height() - 2), QColor(39, 100, 217, 40))
        painter.setPen(QPen(QColor(ACCENT), 0.8))
        painter.setBrush(QColor(ACCENT))
        painter.drawPolygon(self.outline())
        if self.cursor is not None:
            painter.setPen(QPen(QColor("#c22f2f"), 1.6))
            painter.drawLine(QPointF(self._x(self.cursor), 2), QPointF(self._x(self.cursor), self.height() - 2))
        said = f"{self.caption} · {self.wave.seconds:.1f} s"
        if self.span:
            said += f" · chosen {self.span[0]:.1f} to {self.span[1]:.1f} s"
        self.draw_caption(painter, said)

    def outline(self) -> QPolygonF:
        """The highest and lowest sample of each pixel column, once around."""
        width = max(self.width(), 2)
        if self._outline is None or self._outline[0] != width:
            samples = self.wave.samples
            starts = np.unique(np.linspace(0, len(samples) - 1, width).astype(int))
            scale = (self.height() / 2 - 4) / max(float(np.abs(samples).max(initial=0)), 0.05)
            x = starts * (width / len(samples))
            high = self.height() / 2 - np.maximum.reduceat(samples, starts) * scale
            low = self.height() / 2 - np.minimum.reduceat(samples, starts) * scale
            around = zip([*x, *x[::-1]], [*high, *low[::-1]])
            self._outline = width, QPolygonF([QPointF(float(a), float(b)) for a, b in around])
        return self._outline[1]

    def resizeEvent(self, event) -> None:
        self._outline = None

    def mousePressEvent(self, event) -> None:
        if self.wave is not None and event.button() == Qt.LeftButton:
            self._press = self._seconds(event.x())

    def mouseMoveEvent(self, event) -> None:
        if self._press is not None:
            start, stop = sorted((self._press, self._seconds(event.x())))
            self.span = (start, stop) if stop - start >= SHORTEST_SPAN else None
            self.update()

    def mouseReleaseEvent(self, event) -> None:
        if self._press is not None:
            self.mouseMoveEvent(event)
            pressed, self._press = self._press, None
            self.chosen.emit(self.span)
            if self.span is None:
                self.clicked.emit(pressed)

    def _x(self, seconds: float) -> float:
        return self.width() * seconds / max(self.wave.seconds, 1e-9)

    def _seconds(self, x: float) -> float:
        return min(max(x / max(self.width(), 1), 0.0), 1.0) * self.wave.seconds


class ImageView(Picture):
    """A matrix as an image, rows from the bottom up: a mel, an alignment."""

    def __init__(self, caption: str, empty: str, height: int = 80):
        super().__init__(caption, empty, height)
        self._image: QImage | None = None
        self._played: float | None = None
        self.smooth = True

    def show_matrix(self, matrix: np.ndarray | None, low: float = 0.0, high: float = 1.0) -> None:
        """matrix: (rows, columns); `low` is drawn darkest, `high` brightest; of bytes, 0 and 255 are."""
        self._image = None if matrix is None else as_image(matrix, low, high)
        self._played = None
        self.update()

    def show_cursor(self, share: float | None) -> None:
        """share: of the width, 0 to 1."""
        self._played = share
        self.update()

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        if self._image is None:
            return self.draw_empty(painter)
        painter.setRenderHint(QPainter.SmoothPixmapTransform, self.smooth)
        place = self.place()
        painter.drawImage(place, self._image)
        if self._played is not None:
            x = place.left() + place.width() * self._played
            painter.setPen(QPen(QColor("#ffffff"), 1.6))
            painter.drawLine(QPointF(x, place.top()), QPointF(x, place.bottom()))
        self.draw_caption(painter, self.caption, "#ffffff", "#a01d2733")

    def place(self) -> QRectF:
        return self.inside()


class HeatMap(ImageView):
    """An embedding as a square of numbers: alike voices look alike."""

    def __init__(self, caption: str, empty: str):
        super().__init__(caption, empty, 110)
        self.smooth = False
        self.setMinimumWidth(70)

    def show_embedding(self, embedding: np.ndarray | None) -> None:
        if embedding is None:
            return self.show_matrix(None)
        side = int(np.ceil(np.sqrt(len(embedding))))
        square = np.zeros(side * side, np.float32)
        square[: len(embedding)] = embedding
        most = float(np.abs(embedding).max()) or 1.0
        self.show_matrix(square.reshape(side, side), -most, most)

    def place(self) -> QRectF:
        room = self.inside()
        side = min(room.width(), room.height())
        return QRectF(room.center().x() - side / 2, room.center().y() - side / 2, side, side)

    def _caption_at(self) -> QPoint:
        return (self.place().topLeft() + QPointF(4, 4)).toPoint()


def as_image(matrix: np.ndarray, low: float, high: float) -> QImage:
    """(rows, columns), the first row at the bottom, as an image of its own memory."""
    if matrix.dtype == np.uint8:
        pixels = matrix
    else:
        pixels = (np.clip((matrix - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    pixels = np.ascontiguousarray(pixels[::-1])
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, width, QImage.Format_Indexed8)
    image.setColorTable(heat())
    return image.convertToFormat(QImage.Format_RGB32)
