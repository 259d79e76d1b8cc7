"""Sound and its rate, which never travel apart."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from speech.errors import InputError
from speech.files import check_can_write, whole_file

LONGEST_SECONDS = 3600.0
FFMPEG_SUFFIXES = {".m4a", ".webm", ".mp4", ".aac", ".mka", ".mkv", ".wma", ".amr", ".3gp", ".mov"}
"""Containers that libsndfile does not open and ffmpeg does."""
FFMPEG_RATE = 48000
UNKNOWN_LENGTH = 0x7FFFF000
"""Programs that write wav into a pipe (espeak, sox, ffmpeg) cannot know its length and promise this much or more."""
WRITE_AT_ONCE = 1 << 16
"""Samples. Given a long sound whole, libsndfile's Vorbis encoder overruns the stack and takes the process with it."""


@dataclass(frozen=True, eq=False)
class Waveform:
    """Mono float32 samples (N,) in [-1, 1] and their rate in Hz."""

    samples: np.ndarray
    sample_rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate

    @property
    def loudness(self) -> float:
        """Root mean square in dB of full scale; -inf for digital silence or no samples."""
        power = float(np.mean(np.square(self.samples, dtype=np.float64))) if len(self.samples) else 0.0
        return 10 * np.log10(power) if power > 0 else -np.inf

    def at(self, sample_rate: int) -> Waveform:
        """The same sound at another rate (soxr, high quality)."""
        if sample_rate == self.sample_rate:
            return self
        import soxr

        return Waveform(soxr.resample(self.samples, self.sample_rate, sample_rate), sample_rate)

    def at_loudness(self, decibels: float) -> Waveform:
        """The same sound at a root mean square of `decibels` of full scale; silence stays silence."""
        if not np.isfinite(self.loudness):
            return self
        gain = 10 ** ((decibels - self.loudness) / 20)
        return Waveform((self.samples * gain).astype(np.float32), self.sample_rate)

    def peak_limited(self, peak: float = 0.98) -> Waveform:
        """Scaled down, never up, so that no sample exceeds `peak`."""
        highest = float(np.abs(self.samples).max(initial=0))
        return self if highest <= peak else Waveform(self.samples * np.float32(peak / highest), self.sample_rate)

    @classmethod
    def read(cls, path: str | Path, longest_seconds: float = LONGEST_SECONDS) -> Waveform:
        """Any sound file as mono: wav, flac, mp3, ogg, opus by libsndfile, m4a, webm and the like by ffmpeg.

        Raises InputError, naming the file, if it is missing, empty, truncated, not audio, longer than
        `longest_seconds`, or holds samples that are not numbers.
        """
        path = Path(path)
        try:
            if path.is_dir():
                raise InputError(f"{path} is a folder; a sound file is needed")
            if not path.is_file():
                raise InputError(f"{path} does not exist; give the path of a sound file")
            if path.stat().st_size == 0:
                raise InputError(f"{path} is empty (0 bytes); a sound file is needed")
        except OSError as error:  # a name that is too long, say
            raise InputError(f"cannot open {path}: {error.strerror}; give the path of a sound file") from error
        reader = _read_ffmpeg if path.suffix.lower() in FFMPEG_SUFFIXES else _read_soundfile
        samples, sample_rate = reader(path, longest_seconds)
        if not len(samples):
            raise InputError(f"{path} holds no samples, or is truncated; a sound file with speech is needed")
        bad = np.flatnonzero(~np.isfinite(samples))
        if len(bad):
            raise InputError(
                f"{path} holds {len(bad)} samples that are not numbers (NaN or infinite), "
                f"the first at {bad[0] / sample_rate:.2f} s; export it again"
            )
        return cls(samples, sample_rate)

    def write(self, path: str | Path) -> Path:
        """Write as the suffix says (.wav is 16-bit PCM; .flac, .ogg, .opus, .mp3), whole or not at all."""
        import soundfile

        path = Path(path)
        kinds = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS")}
        kinds |= {".opus": ("OGG", "OPUS"), ".mp3": ("MP3", "MPEG_LAYER_III")}
        if path.suffix.lower() not in kinds:
            raise InputError(f"cannot write {path}: sound is written as one of {', '.join(kinds)}")
        check_can_write(path)
        kind, subtype = kinds[path.suffix.lower()]
        # Opus knows five rates; the next one up loses nothing.
        rates = [r for r in (8000, 12000, 16000, 24000, 48000) if r >= self.sample_rate] if subtype == "OPUS" else []
        sound = self.at(rates[0]) if rates else self
        with whole_file(path) as beside:
            try:
                samples = np.clip(sound.samples, -1, 1)
                with soundfile.SoundFile(os.fsencode(beside), "w", sound.sample_rate, 1, subtype, format=kind) as file:
                    for start in range(0, len(samples), WRITE_AT_ONCE):
                        file.write(samples[start : start + WRITE_AT_ONCE])
            except soundfile.LibsndfileError as error:
                raise InputError(f"cannot write {path}: {error.error_string.strip().rstrip('.')}") from error
        return path

    @staticmethod
    def join(pieces: list[Waveform]) -> Waveform:
        """One after another; all must have one rate."""
        (sample_rate,) = {piece.sample_rate for piece in pieces}
        return Waveform(np.concatenate([piece.samples for piece in pieces]), sample_rate)

    @staticmethod
    def silence(seconds: float, sample_rate: int) -> Waveform:
        return Waveform(np.zeros(round(seconds * sample_rate), np.float32), sample_rate)


def _read_soundfile(path: Path, longest_seconds: float) -> tuple[np.ndarray, int]:
    import soundfile

    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:  # as bytes: a name need not be UTF-8
            sample_rate = file.samplerate
            _check_length(path, file.frames / sample_rate, longest_seconds)
            # libsndfile mends a header that promises more than the file holds, and says so in its log.
            promised = re.search(r"^\s*(?:data|SSND)\s*: (\d+) \(should be \d+\)", file.extra_info, re.MULTILINE)
            if promised and int(promised[1]) < UNKNOWN_LENGTH:
                raise InputError(f"{path} is truncated: it holds less sound than its header says; copy it again")
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: headerless .raw
        reason = getattr(error, "error_string", str(error)).strip().rstrip(".")
        raise InputError(f"{path} is not a sound file that can be read, or is truncated: {reason}") from error
    return np.ascontiguousarray(samples.mean(axis=1) if samples.shape[1] > 1 else samples[:, 0]), sample_rate


def _read_ffmpeg(path: Path, longest_seconds: float) -> tuple[np.ndarray, int]:
    if shutil.which("ffmpeg") is None:
        raise InputError(
            f"{path} needs ffmpeg to be opened ({path.suffix} is not a format libsndfile reads): "
            f"install ffmpeg, or convert the file to wav, flac, mp3 or ogg"
        )
    command = ["ffmpeg", "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-i", f"file:{path}"]
    command += ["-vn", "-t", f"{longest_seconds + 1:g}", "-ac", "1", "-ar", str(FFMPEG_RATE), "-f", "f32le", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError(f"{path} is not a sound file that ffmpeg can read: {said[-1] if said else 'no sound in it'}")
    samples = np.frombuffer(done.stdout, np.float32).copy()
    _check_length(path, len(samples) / FFMPEG_RATE, longest_seconds)
    return samples, FFMPEG_RATE


def _check_length(path: Path, seconds: float, longest_seconds: float) -> None:
    if seconds > longest_seconds:
        raise InputError(
            f"{path} is {_minutes(seconds)} long; at most {_minutes(longest_seconds)} can be used: "
            f"cut a piece out of it"
        )


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds >= 60 else f"{seconds:.1f} s"
