"""python -m web.decode FOLDER: the recording in FOLDER/sent as samples in FOLDER/samples, in a process with limits.

What kind of file it is, its content says; no name from outside is used. One line of JSON says how it went:
{"sample_rate": Hz}, or {"status": HTTP status, "error": a sentence}. Anything else, a crash say, is a refusal too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
from pathlib import Path

from speech.errors import InputError
from web import limits

SENT, HANDED_OVER = "sent", "samples"
SOUNDS = "wav, flac, mp3, ogg, opus, aiff, m4a or webm"


class Unusable(Exception):
    """Args: HTTP status, sentence."""


def main(folder: Path) -> dict:
    limit_this_process()
    try:
        return decode(folder)
    except Unusable as refused:
        status, sentence = refused.args
        return {"status": status, "error": sentence}


def limit_this_process() -> None:
    """Memory, time and files, for this process and what it starts (ffmpeg)."""
    import resource

    wanted = {
        resource.RLIMIT_AS: limits.DECODE_MEMORY, resource.RLIMIT_CPU: limits.DECODE_CPU_SECONDS,
        resource.RLIMIT_FSIZE: limits.DECODE_FILE_BYTES, resource.RLIMIT_NOFILE: 64, resource.RLIMIT_CORE: 0,
    }  # fmt: skip
    for kind, most in wanted.items():
        with contextlib.suppress(ValueError, OSError):  # a limit this system does not know, or a lower one in force
            resource.setrlimit(kind, (most, most))


def decode(folder: Path) -> dict:
    import numpy as np

    from speech.waveform import FFMPEG_SUFFIXES, Waveform

    suffix = kind_of((folder / SENT).read_bytes()[:4096])
    path = (folder / SENT).rename(folder / f"recording{suffix}")
    channels, rate = (_ask_ffprobe if suffix in FFMPEG_SUFFIXES else _ask_soundfile)(path)
    if channels > limits.CHANNELS:
        raise Unusable(422, f"the recording has {channels} channels; at most {limits.CHANNELS} are taken: mix it down")
    if not limits.LOWEST_RATE <= rate <= limits.HIGHEST_RATE:
        lowest, highest = limits.LOWEST_RATE // 1000, limits.HIGHEST_RATE // 1000
        raise Unusable(422, f"the recording has {rate} samples a second; {lowest} to {highest} kHz are taken")
    try:
        wave = Waveform.read(path, limits.SECONDS)
    except InputError as error:
        raise Unusable(422, str(error).replace(str(path), "the recording")) from error
    wave = wave.at(min(wave.sample_rate, limits.KEPT_RATE))
    wave.samples.astype(np.float32).tofile(folder / HANDED_OVER)
    return {"sample_rate": wave.sample_rate}


def kind_of(start: bytes) -> str:
    """The suffix that belongs to a file which begins with these bytes. Raises Unusable (415) for all but sound."""
    if start[:4] in (b"RIFF", b"RF64") and start[8:12] == b"WAVE":
        return ".wav"
    if start[:4] == b"FORM" and start[8:12] in (b"AIFF", b"AIFC"):
        return ".aiff"
    for mark, suffix in ((b"fLaC", ".flac"), (b"OggS", ".ogg"), (b"ID3", ".mp3")):
        if start.startswith(mark):
            return suffix
    if start[4:8] == b"ftyp":
        return ".m4a"
    if start[:4] == b"\x1aE\xdf\xa3":
        return ".webm"
    if len(start) > 1 and start[0] == 0xFF and start[1] & 0xE0 == 0xE0:
        # MPEG audio: layers 1 to 3, or, where the layer's bits are zero, AAC.
        return ".mp3" if start[1] & 0x06 else ".aac"
    raise Unusable(415, f"the recording is not a sound file of a kind known here; send {SOUNDS}")


def _ask_soundfile(path: Path) -> tuple[int, int]:
    import soundfile

    try:
        info = soundfile.info(str(path))
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip().rstrip(".")
        raise Unusable(415, f"the recording is not a sound file that can be read, or is truncated: {reason}") from error
    return info.channels, info.samplerate


def _ask_ffprobe(path: Path) -> tuple[int, int]:
    command = ["ffprobe", "-v", "error", "-protocol_whitelist", "file,pipe", "-of", "json"]
    command += ["-show_entries", "stream=codec_type,channels,sample_rate:stream_disposition=attached_pic"]
    try:
        done = subprocess.run([*command, f"file:{path}"], capture_output=True, check=False)
    except FileNotFoundError:
        raise Unusable(415, "this service has no ffmpeg to open such a recording; send wav, flac, mp3 or ogg") from None
    streams = json.loads(done.stdout or "{}").get("streams", [])
    if any(each.get("codec_type") == "video" and not each["disposition"]["attached_pic"] for each in streams):
        raise Unusable(415, "the recording is a video; send its sound alone")
    sounds = [each for each in streams if each.get("codec_type") == "audio"]
    if not sounds:
        raise Unusable(415, "the recording holds no sound that can be read, or is truncated")
    return int(sounds[0].get("channels", 0)), int(sounds[0].get("sample_rate", 0))


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m web.decode", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    print(json.dumps(main(parser.parse_args().folder)))
