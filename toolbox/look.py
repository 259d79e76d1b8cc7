"""Colors, and how widgets look."""

from __future__ import annotations

import numpy as np
from PyQt5.QtGui import QColor, QPalette

GROUND, PANEL, EDGE = "#eef1f5", "#ffffff", "#d5dbe3"
TEXT, FAINT, ACCENT, ACCENT_DARK = "#1d2733", "#66727f", "#2764d9", "#1d4fb0"
GOOD, FAIR, BAD = "#1f8a4c", "#b26a00", "#c22f2f"
GRADES = {"good": GOOD, "fair": FAIR, "bad": BAD}

SPEAKER_COLORS = (
    "#2764d9", "#e0701a", "#1f8a4c", "#c22f2f", "#8a4fd0", "#8c5a3c", "#d6489b", "#5f6b76", "#a39a10", "#12a0b5",
)  # fmt: skip
"""Ten that are told apart; beyond ten speakers the shape of their dots changes."""

_HEAT = ["#0b0a1e", "#2d1060", "#6c1d81", "#b0315b", "#e65d2f", "#fba238", "#fcf6a4"]


def heat() -> list[int]:
    """256 colors from dark to bright, from night through fire to light, as Qt's indexed images want them."""
    stops = np.array([QColor(name).getRgb()[:3] for name in _HEAT], np.float32)
    table = np.stack([np.interp(np.linspace(0, 1, 256), np.linspace(0, 1, len(stops)), c) for c in stops.T], axis=1)
    return [QColor(*map(int, color)).rgb() for color in table]


def palette() -> QPalette:
    colors = QPalette()
    roles = {
        QPalette.Window: GROUND, QPalette.Base: PANEL, QPalette.AlternateBase: "#f6f8fa", QPalette.Button: PANEL,
        QPalette.Text: TEXT, QPalette.WindowText: TEXT, QPalette.ButtonText: TEXT, QPalette.Highlight: ACCENT,
        QPalette.HighlightedText: "#ffffff", QPalette.ToolTipBase: TEXT, QPalette.ToolTipText: "#ffffff",
        QPalette.PlaceholderText: FAINT,
    }  # fmt: skip
    for role, color in roles.items():
        colors.setColor(role, QColor(color))
    for role in (QPalette.Text, QPalette.WindowText, QPalette.ButtonText):
        colors.setColor(QPalette.Disabled, role, QColor("#9aa5b1"))
    return colors


STYLE = f"""
QGroupBox, QFrame#card {{ background: {PANEL}; border: 1px solid {EDGE}; border-radius: 8px; }}
QGroupBox {{ padding-top: 1.5em; }}
QGroupBox::title {{ subcontrol-origin: border; subcontrol-position: top left; left: 11px; top: 7px;
    color: {ACCENT_DARK}; }}
QToolButton {{ background: {PANEL}; border: 1px solid #b9c3ce; border-radius: 5px; padding: 4px 7px; }}
QToolButton:hover {{ background: #eef4ff; border-color: {ACCENT}; }}
QToolButton:pressed {{ background: #dbe7fd; border-color: {ACCENT}; }}
QToolButton:focus {{ border: 1px solid {ACCENT}; }}
QToolButton:disabled {{ color: #9aa5b1; border-color: {EDGE}; background: #f6f8fa; }}
QToolButton#primary {{ background: {ACCENT}; border-color: {ACCENT_DARK}; color: white; font-weight: bold; }}
QToolButton#primary:hover {{ background: {ACCENT_DARK}; }}
QToolButton#primary:disabled {{ background: #b6c8ee; border-color: #b6c8ee; color: #f4f7fd; }}
QToolButton#recording {{ background: {BAD}; border-color: {BAD}; color: white; font-weight: bold; }}
QLineEdit, QPlainTextEdit, QListView, QListWidget {{ border: 1px solid #c3ccd6; border-radius: 5px;
    padding: 2px; background: {PANEL}; selection-background-color: {ACCENT}; selection-color: white; }}
QLineEdit:focus, QPlainTextEdit:focus, QListView:focus, QListWidget:focus {{ border-color: {ACCENT}; }}
QListView::item, QListWidget::item {{ padding: 3px 2px; border-radius: 4px; }}
QListView::item:selected, QListWidget::item:selected {{ background: #d7e4fd; color: {TEXT}; }}
QListView::item:hover:!selected, QListWidget::item:hover:!selected {{ background: #f0f5fe; }}
QTabWidget::pane {{ border: 0; }}
QTabWidget, QTabWidget > QWidget, QStackedWidget {{ background: transparent; }}
QTabBar::tab {{ padding: 4px 10px; border: 0; border-bottom: 2px solid transparent; color: {FAINT}; }}
QTabBar::tab:selected {{ color: {TEXT}; border-bottom: 2px solid {ACCENT}; }}
QTabBar::tab:hover, QTabBar::tab:focus {{ color: {ACCENT}; }}
QProgressBar {{ border: 0; border-radius: 4px; background: #e3e8ee; text-align: center; color: {TEXT};
    min-height: 1.3em; }}
QProgressBar#level {{ min-height: 8px; max-height: 8px; }}
QProgressBar#level::chunk {{ background: {GOOD}; }}
QProgressBar::chunk {{ background: #9cbcf6; border-radius: 4px; }}
QSplitter::handle {{ background: transparent; }}
QSplitter::handle:hover {{ background: #c9d6ec; }}
QToolTip {{ border: 0; padding: 3px; background: {TEXT}; color: white; }}
QLabel#faint {{ color: {FAINT}; }}
QLabel#message {{ padding: 4px 10px; color: {FAINT}; }}
QLabel#message[kind="error"] {{ background: #fdecec; color: #8f1d1d; border-top: 1px solid #f2c4c4; }}
QLabel#message[kind="good"] {{ color: {TEXT}; }}
"""
