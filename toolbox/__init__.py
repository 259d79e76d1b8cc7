"""The desktop window over cloning/: record a voice, hear it speak. `python demo_toolbox.py` opens it.

window.py      the panels side by side, the actions connected    memory.py   what is remembered
actions.py     all that can be done, with its shortcut           files.py    which files; dragging out
session.py     what the actions do; no widgets                   player.py   recording and playing, as seen
worker.py      work off the window's thread: processes for models, threads for files and sound
engine.py      what runs in those processes: a Cloner, and UMAP
sound.py       microphone and speaker: the only file that knows PortAudio
items.py       a voice and a result, as the two lists hold them
library.py     which corpora and checkpoints there are           quality.py  is a recording fit to be imitated?
*_panel.py     the widgets, a panel a file                       plots.py, voice_map.py, rows.py   drawn by hand
"""
