"""Microphone and speaker, through PortAudio: the only file that knows it.

Where PortAudio or a device is missing, nothing is raised: `no_microphone` and `no_speaker` say why.
"""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import QObject, QTimer, pyqtSignal

from speech.errors import InputError
from speech.waveform import Waveform
from toolbox.worker import Background

LONGEST_RECORDING = 120.0
"""Seconds; a recording ends by itself then."""
POLL = 30
"""Milliseconds between two looks at the level and at the position."""
DEFAULT = "System default"
NO_PORTAUDIO = "PortAudio, the library that reaches sound devices, is not installed (Debian, Ubuntu: libportaudio2)"


class Sound(QObject):
    """Records and plays one thing at a time. Devices are opened and closed in a thread: some take a second."""

    ready = pyqtSignal()
    """The devices are known."""
    level = pyqtSignal(float)
    """Peak of the last moments while recording, 0 to 1."""
    recorded = pyqtSignal(object)
    """A Waveform."""
    position = pyqtSignal(float)
    """Seconds played so far."""
    ended = pyqtSignal()
    """Playing ended, by itself or not."""
    failed = pyqtSignal(str)

    def __init__(self, portaudio=None, parent: QObject | None = None):
        """portaudio: what stands in for the module `sounddevice`; it is imported when `look` is called."""
        super().__init__(parent)
        self._portaudio = portaudio
        self._thread = Background(self)
        self._stream = None
        self._play: _Play | None = None
        self._take: _Take | None = None
        self._timer = QTimer(self, interval=POLL, timeout=self._poll)
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.no_microphone = self.no_speaker = "sound devices are still being looked for"

    def look(self) -> None:
        """Find the devices; `ready` tells when they are known."""
        self._thread.do(self._find, done=self._found, failed=lambda sentence: self._found(([], [], sentence)))

    @property
    def recording(self) -> bool:
        return self._take is not None

    @property
    def playing(self) -> bool:
        return self._play is not None

    def record(self, device: str = DEFAULT) -> None:
        """Begin; `stop` ends it and `recorded` brings what was heard."""
        self.stop()
        self._take = take = _Take()
        self._timer.start()
        self._thread.do(self._open, "input", device, take, failed=self._broke)

    @property
    def recorded_seconds(self) -> float:
        return self._take.seconds if self._take else 0.0

    def play(self, wave: Waveform, device: str = DEFAULT, start: float = 0.0, stop: float | None = None) -> None:
        """Play from `start` to `stop` seconds; what played before stops."""
        self.stop()
        if self.no_speaker:
            return self.failed.emit(f"Nothing can be played: {self.no_speaker}.")
        self._play = play = _Play(wave, start, wave.seconds if stop is None else stop)
        self._timer.start()
        self._thread.do(self._open, "output", device, play, failed=self._broke)

    def stop(self) -> None:
        """End recording or playing, if there is any."""
        take, play = self._take, self._play
        self._take = self._play = None
        if take or play:
            self._timer.stop()
            self._thread.do(self._close, done=lambda _: self._over(take), failed=self._broke)

    def close(self) -> None:
        self._timer.stop()
        self._take = self._play = None
        self._thread.do(self._close)
        self._thread.close()

    def _poll(self) -> None:
        if self._take:
            self.level.emit(self._take.peak())
            if self._take.seconds > LONGEST_RECORDING:
                self.stop()
        elif self._play:
            self.position.emit(self._play.seconds)
            if self._play.over:
                self.stop()

    def _over(self, take: _Take | None) -> None:
        if take is None:
            self.ended.emit()
        elif take.blocks:
            self.recorded.emit(Waveform(np.concatenate(take.blocks), take.sample_rate))
        else:
            self.failed.emit("The microphone gave no sound; choose another device, or look at the system's settings.")

    def _broke(self, sentence: str) -> None:
        self._take = self._play = None
        self._timer.stop()
        self.failed.emit(f"The sound device does not work: {sentence}")
        self.ended.emit()

    # ---- in the thread

    def _find(self) -> tuple[list[str], list[str], str]:
        if self._portaudio is None:
            try:
                import sounddevice
            except (ImportError, OSError):
                return [], [], NO_PORTAUDIO
            self._portaudio = sounddevice
        devices = list(self._portaudio.query_devices())
        names = [
            list(dict.fromkeys(each["name"] for each in devices if each[f"max_{way}_channels"] > 0))
            for way in ("input", "output")
        ]
        return *names, ""

    def _found(self, found: tuple[list[str], list[str], str]) -> None:
        inputs, outputs, problem = found
        self.inputs = [DEFAULT, *inputs] if inputs else []
        self.outputs = [DEFAULT, *outputs] if outputs else []
        self.no_microphone = "" if inputs else problem or "no microphone was found"
        self.no_speaker = "" if outputs else problem or "no speaker was found"
        self.ready.emit()

    def _open(self, way: str, device: str, user: _Take | _Play) -> None:
        self._close()
        try:
            chosen = self._portaudio.query_devices(None if device == DEFAULT else device, way)
            rate = int(chosen["default_samplerate"])
            user.prepare(rate)
            make = self._portaudio.InputStream if way == "input" else self._portaudio.OutputStream
            self._stream = make(
                samplerate=rate, channels=1, dtype="float32", device=chosen["index"], callback=user.fill
            )
            self._stream.start()
        except Exception as error:  # drivers fail in many ways, and none is a bug here
            raise InputError(str(error)) from error

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream:
            stream.stop()
            stream.close()


class _Take:
    """What a microphone has brought so far."""

    def __init__(self):
        self.blocks: list[np.ndarray] = []
        self.sample_rate = 0
        self.count = 0
        self._peak = 0.0

    def prepare(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate

    @property
    def seconds(self) -> float:
        return self.count / self.sample_rate if self.sample_rate else 0.0

    def fill(self, block: np.ndarray, frames: int, time, status) -> None:
        """Called by PortAudio, in its own thread."""
        self.blocks.append(block[:, 0].copy())
        self.count += frames
        self._peak = max(self._peak, float(np.abs(block).max(initial=0)))

    def peak(self) -> float:
        """The highest since the last look."""
        peak, self._peak = self._peak, 0.0
        return peak


class _Play:
    """A stretch of a sound and how far it has been played."""

    def __init__(self, wave: Waveform, start: float, stop: float):
        self.start, self.at, self.over = start, 0, False
        first, last = round(start * wave.sample_rate), round(stop * wave.sample_rate)
        self.wave = Waveform(wave.samples[first:last], wave.sample_rate)

    def prepare(self, sample_rate: int) -> None:
        self.wave = self.wave.at(sample_rate)

    @property
    def seconds(self) -> float:
        """Of the whole sound."""
        return self.start + min(self.at / self.wave.sample_rate, self.wave.seconds)

    def fill(self, block: np.ndarray, frames: int, time, status) -> None:
        """Called by PortAudio, in its own thread. Silence follows the end, so that the device plays it all."""
        piece = self.wave.samples[self.at : self.at + frames]
        block[: len(piece), 0] = piece
        block[len(piece) :] = 0
        self.at += frames
        self.over = self.at >= len(self.wave.samples) + self.wave.sample_rate // 5
