"""Lists of two-line rows: a name, and beneath it what else is to be known."""

from __future__ import annotations

from PyQt5.QtCore import QMimeData, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QPainter
from PyQt5.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate

from toolbox.look import ACCENT, EDGE, FAINT, TEXT

ITEM, DETAIL, MARK = Qt.UserRole, Qt.UserRole + 1, Qt.UserRole + 2


class TwoLines(QStyledItemDelegate):
    def sizeHint(self, option, index) -> QSize:
        return QSize(120, option.fontMetrics.height() * 2 + 9)

    def paint(self, painter: QPainter, option, index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.Antialiasing)
        box = QRectF(option.rect).adjusted(2, 1, -2, -1)
        if option.state & QStyle.State_Selected:
            painter.setPen(QColor(ACCENT) if option.state & QStyle.State_HasFocus else Qt.NoPen)
            painter.setBrush(QColor("#d7e4fd"))
            painter.drawRoundedRect(box, 5, 5)
        elif option.state & QStyle.State_MouseOver:
            painter.fillRect(box, QColor("#f0f5fe"))
        painter.setPen(Qt.NoPen)
        painter.setBrush(QColor(index.data(MARK) or EDGE))
        painter.drawEllipse(QPointF(box.left() + 11, box.center().y()), 4.5, 4.5)
        line = option.fontMetrics.height()
        text = box.adjusted(23, 3, -6, 0)
        for number, (role, color) in enumerate([(Qt.DisplayRole, TEXT), (DETAIL, FAINT)]):
            said = option.fontMetrics.elidedText(str(index.data(role) or ""), Qt.ElideRight, int(text.width()))
            painter.setPen(QColor(color))
            painter.drawText(QRectF(text.left(), text.top() + number * line, text.width(), line), Qt.AlignVCenter, said)
        painter.restore()

    def updateEditorGeometry(self, editor, option, index) -> None:
        editor.setGeometry(option.rect.adjusted(20, 1, -2, -option.fontMetrics.height() - 2))
        editor.setMinimumHeight(option.fontMetrics.height() + 8)


class Rows(QListWidget):
    """Rows of items of one kind. Rows that hold sound can be dragged out as files."""

    renamed = pyqtSignal(object, str)
    dragged = pyqtSignal(list, object)
    """Items, and the QMimeData whose files they are to become."""

    def __init__(self, empty: str, several: bool = False, editable: bool = False):
        super().__init__()
        self.empty, self._editable = empty, editable
        self.setItemDelegate(TwoLines(self))
        self.setSelectionMode(QAbstractItemView.ExtendedSelection if several else QAbstractItemView.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditKeyPressed if editable else QAbstractItemView.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragOnly)
        self.setTabKeyNavigation(False)
        self.itemChanged.connect(self._edited)

    @property
    def current(self):
        """The item whose row is chosen, or None."""
        row = self.currentItem()
        return row.data(ITEM) if row and row.isSelected() else None

    @property
    def chosen(self) -> list:
        """All chosen items, from top to bottom."""
        return [self.item(i).data(ITEM) for i in range(self.count()) if self.item(i).isSelected()]

    def show_items(self, items: list, describe, current=None) -> None:
        """describe(item) gives a row's title, its detail and the color of its mark. `current` is chosen if given."""
        kept = current if current is not None else self.current
        self.blockSignals(True)
        self.clear()
        for item in items:
            row = QListWidgetItem()
            row.setData(ITEM, item)
            if self._editable:
                row.setFlags(row.flags() | Qt.ItemIsEditable)
            self.addItem(row)
            self._describe(row, describe)
        self.blockSignals(False)
        if kept not in items:
            kept = items[-1] if items else None
        self.choose(kept)

    def choose(self, item) -> None:
        for index in range(self.count()):
            if self.item(index).data(ITEM) is item:
                self.setCurrentRow(index)
                return self.scrollToItem(self.item(index))
        self.itemSelectionChanged.emit()

    def refresh(self, describe) -> None:
        self.blockSignals(True)
        for index in range(self.count()):
            self._describe(self.item(index), describe)
        self.blockSignals(False)
        self.viewport().update()

    def _describe(self, row: QListWidgetItem, describe) -> None:
        title, detail, color = describe(row.data(ITEM))
        row.setText(title)
        row.setData(DETAIL, detail)
        row.setData(MARK, color)
        row.setToolTip(f"{title}\n{detail}")

    def _edited(self, row: QListWidgetItem) -> None:
        self.renamed.emit(row.data(ITEM), row.text())

    def mimeData(self, rows) -> QMimeData:
        data = QMimeData()
        self.dragged.emit([row.data(ITEM) for row in rows], data)
        return data

    def paintEvent(self, event) -> None:
        super().paintEvent(event)
        if not self.count():
            painter = QPainter(self.viewport())
            painter.setPen(QColor(FAINT))
            box = self.viewport().rect().adjusted(14, 6, -14, -6)
            painter.drawText(box, Qt.AlignCenter | Qt.TextWordWrap, self.empty)
