"""A clone while it is being made: written sentence by sentence, and played."""

from __future__ import annotations

import queue
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np

from speech.errors import InputError
from speech.waveform import UNKNOWN_LENGTH, Waveform


def wav_header(sample_rate: int, size: int) -> bytes:
    """Of a 16-bit mono .wav with `size` bytes of samples behind it."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return b"RIFF" + struct.pack("<I", size + 36) + b"WAVE" + form + b"data" + struct.pack("<I", size)


def pcm16(wave: Waveform) -> bytes:
    return np.round(np.clip(wave.samples, -1, 1) * 32767).astype("<i2").tobytes()


class GrowingWav:
    """A .wav that is whole and can be played after each piece, whatever comes next.

    Path "-" is standard output, which cannot be corrected afterwards: its header promises more than will ever come.
    """

    def __init__(self, path: Path, sample_rate: int):
        """Begin with no sound; what stood at `path` is gone. Raises InputError if it cannot be written."""
        self.path, self.sample_rate, self.seconds = path, sample_rate, 0.0
        self._pipe = str(path) == "-"
        try:
            if not self._pipe:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sys.stdout.buffer if self._pipe else open(path, "wb")  # noqa: SIM115
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error
        self._file.write(wav_header(sample_rate, UNKNOWN_LENGTH if self._pipe else 0))

    def write(self, wave: Waveform) -> None:
        try:
            self._file.write(pcm16(wave))
            if not self._pipe:
                size = self._file.tell() - len(wav_header(self.sample_rate, 0))
                self._file.seek(0)
                self._file.write(wav_header(self.sample_rate, size))
                self._file.seek(0, 2)
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror}") from error
        self.seconds += wave.seconds

    def close(self) -> None:
        if not self._pipe:
            self._file.close()


class Player:
    """Plays pieces one after another, while the next are being made. A speaker that fails midway falls silent."""

    def __init__(self):
        """Raises InputError, saying why, where nothing can be played."""
        try:
            import sounddevice
        except (ImportError, OSError) as error:  # OSError: the package without the library it speaks to
            raise InputError("sounddevice or its PortAudio is not installed") from error
        try:
            self.rate = int(sounddevice.query_devices(kind="output")["default_samplerate"])
            self._stream = sounddevice.OutputStream(samplerate=self.rate, channels=1, dtype="float32")
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise InputError("no speaker was found") from error
        self._failure = sounddevice.PortAudioError
        self._pieces: queue.Queue[Waveform | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="speaker", daemon=True)
        self._thread.start()

    def play(self, wave: Waveform) -> None:
        self._pieces.put(wave.at(self.rate))

    def finish(self) -> None:
        """Wait until all has been heard."""
        self._pieces.put(None)
        self._thread.join()
        self._stream.stop()
        self._stream.close()

    def stop(self) -> None:
        """Be silent now; what is still to be heard is dropped."""
        self._stream.abort()

    def _run(self) -> None:
        with suppress(self._failure):
            while (wave := self._pieces.get()) is not None:
                self._stream.write(np.ascontiguousarray(wave.samples[:, None]))
