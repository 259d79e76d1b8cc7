"""The three stages chained, no screen: a recording and a text in, the text in that voice out."""

from cloning.cloner import Clone, Cloner, Mels
from speech.voice import Voice
from speech.waveform import Waveform

__all__ = ["Clone", "Cloner", "Mels", "Voice", "Waveform"]
