"""Everything the window can do, each with its shortcut. Menus and buttons are made from this table."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QAction, QMainWindow, QToolButton

TABLE = [
    # menu, name, what it says, shortcut, what it does
    ("&File", "open", "Open…", "Ctrl+O", "Open sound files or saved voices; they can also be dropped on the window"),
    ("&File", "example", "Example voice", "Ctrl+Shift+O", "Open the recording that ships with the models"),
    ("&File", "corpus", "Add a corpus…", "Ctrl+D", "Choose a folder with a corpus or with recordings to browse"),
    ("&File", "save", "Save voice…", "Ctrl+S", "Keep the chosen voice in a .voice file"),
    ("&File", "export", "Export…", "Ctrl+E", "Write the chosen result as wav, flac or ogg; it can also be dragged out"),
    ("&File", "save_map", "Save map…", "Ctrl+Shift+E", "Write the map of voices as png or svg"),
    ("&File", "quit", "Quit", "Ctrl+Q", "Close the window"),
    ("&Voice", "record", "Record", "Ctrl+R", "Record from the microphone; again to stop"),
    ("&Voice", "play", "Play", "Ctrl+P", "Hear the chosen voice, or the stretch that is chosen in its waveform"),
    ("&Voice", "trim", "Trim", "Ctrl+T", "Keep only the stretch chosen in the waveform by dragging"),
    ("&Voice", "untrim", "Undo trim", "Ctrl+Shift+T", "Have all of the recording again"),
    ("&Voice", "combine", "Combine", "Ctrl+M", "Make one voice of the chosen ones (choose several with Ctrl or Shift)"),
    ("&Voice", "rename", "Rename", "F2", "Give the chosen voice a name"),
    ("&Voice", "remove", "Remove", "Ctrl+Del", "Discard the chosen voices"),
    ("&Corpus", "load", "Load", "Ctrl+L", "Load the chosen utterance as a voice"),
    ("&Corpus", "search", "Search utterances", "Ctrl+F", "Type to search among the utterances"),
    ("&Corpus", "any_corpus", "Random corpus", "Ctrl+1", "Choose a corpus at random"),
    ("&Corpus", "any_speaker", "Random speaker", "Ctrl+2", "Choose a speaker at random"),
    ("&Corpus", "any_utterance", "Random utterance", "Ctrl+3", "Choose an utterance at random"),
    ("&Speak", "say", "Synthesize and vocode", "Ctrl+Return", "Say the text in the chosen voice"),
    ("&Speak", "synthesize", "Synthesize only", "Ctrl+Shift+Return", "Make the mel and the alignment, no sound yet"),
    ("&Speak", "vocode", "Vocode only", "Ctrl+Shift+V", "Make sound of the chosen result's mel, by the chosen vocoder"),
    ("&Speak", "cancel", "Cancel", "Ctrl+.", "End what is being worked at"),
    ("&Speak", "replay", "Play result", "Ctrl+Shift+P", "Hear the chosen result"),
    ("&Speak", "stop", "Stop sound", "Esc", "Stop playing or recording"),
    ("&Speak", "discard", "Remove result", "Ctrl+Shift+Del", "Discard the chosen result"),
    ("&View", "redraw", "Redraw map", "Ctrl+U", "Lay out all sounds anew"),
    ("&View", "clear", "Clear map", "Ctrl+Shift+U", "Begin a new map with the sounds to come"),
    ("&View", "larger", "Larger text", "Ctrl++", "Make everything larger"),
    ("&View", "smaller", "Smaller text", "Ctrl+-", "Make everything smaller"),
]


def build(window: QMainWindow) -> dict[str, QAction]:
    """The actions by name, in the window's menus; what each does is for the window to connect."""
    actions, menus = {}, {}
    for menu, name, text, keys, tip in TABLE:
        action = QAction(text, window)
        action.setShortcut(QKeySequence(keys))
        action.setToolTip(f"{tip} ({keys})")
        action.setStatusTip(tip)
        if menu not in menus:
            menus[menu] = window.menuBar().addMenu(menu)
        menus[menu].addAction(action)
        actions[name] = action
    return actions


def button(action: QAction, text: str | None = None, name: str = "") -> QToolButton:
    """A button for an action: enabled when it is, with its tip. `name` chooses a style."""
    made = QToolButton()
    made.setDefaultAction(action)
    made.setFocusPolicy(Qt.StrongFocus)
    made.setObjectName(name)
    if text:
        made.setText(text)
        action.changed.connect(lambda: made.setText(text))
    return made
