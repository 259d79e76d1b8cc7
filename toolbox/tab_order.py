"""The Tab key goes through the window as the eye does: panel by panel, as they are laid out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QLayout, QSplitter, QTabWidget, QWidget


def order_tabs(*panels: QWidget) -> None:
    for first, second in pairwise(widget for panel in panels for widget in stops(panel)):
        QWidget.setTabOrder(first, second)


def stops(widget: QWidget) -> Iterator[QWidget]:
    """The widgets inside, itself included, at which Tab stops, in the order of their layout."""
    if isinstance(widget, QTabWidget):
        yield widget.tabBar()
    elif widget.focusPolicy() & Qt.TabFocus:
        yield widget
    if isinstance(widget, QTabWidget | QSplitter):
        for index in range(widget.count()):
            yield from stops(widget.widget(index))
    elif widget.layout() is not None:
        for inner in _widgets(widget.layout()):
            yield from stops(inner)


def _widgets(layout: QLayout) -> Iterator[QWidget]:
    for index in range(layout.count()):
        item = layout.itemAt(index)
        if item.widget() is not None:  # an empty list is a false one
            yield item.widget()
        elif item.layout() is not None:
            yield from _widgets(item.layout())
