"""Recordings as they were sent, made into sound by a process of its own (`decode.py`): whatever a crafted file does
there, it does within limits and cannot reach the service."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np
from fastapi import UploadFile

from cloning import Waveform
from web.decode import HANDED_OVER, SENT
from web.limits import DECODE_SECONDS, DECODERS, RECORDINGS, SECONDS
from web.problems import Problem

ROOT = Path(__file__).resolve().parents[1]
UNUSABLE = "the recording cannot be decoded within the limits of this service; export it as a plain wav file"


class Decoder:
    """Decodes at most `DECODERS` recordings at a time."""

    def __init__(self):
        self._free = asyncio.Semaphore(DECODERS)

    async def decode(self, sent: list[bytes]) -> list[Waveform]:
        """The sound of each recording. Raises Problem: 400 too many, 415 not sound, 422 sound that cannot be used."""
        if len(sent) > RECORDINGS:
            raise Problem(400, f"at most {RECORDINGS} recordings make a voice; {len(sent)} were sent", "recording")
        waves = []
        for content in sent:
            if not content:
                raise Problem(415, "the recording is empty (0 bytes); send a sound file", "recording")
            async with self._free:
                waves.append(await _decode(content))
        seconds = sum(wave.seconds for wave in waves)
        if seconds > SECONDS:
            sentence = f"the recordings are {seconds:.0f} s long together; at most {SECONDS:g} s are taken"
            raise Problem(422, sentence, "recording")
        return waves


def chosen(files: list[UploadFile] | None) -> list[UploadFile]:
    """The files that are some: a form in which none was chosen sends one without a name."""
    return [file for file in files or [] if file.filename or file.size]


async def read_all(files: list[UploadFile]) -> list[bytes]:
    """What was sent; how much, the guard has limited. Until now it lay on disk: read it when there is a place."""
    return [await file.read() for file in files]


async def _decode(content: bytes) -> Waveform:
    with tempfile.TemporaryDirectory(prefix="timbre-upload-") as name:
        folder = Path(name)
        (folder / SENT).write_bytes(content)
        answer = await _run(folder)
        if "error" in answer:
            raise Problem(answer["status"], answer["error"], "recording")
        return Waveform(np.fromfile(folder / HANDED_OVER, np.float32), answer["sample_rate"])


async def _run(folder: Path) -> dict:
    """What the decoder says of the recording in `folder`."""
    # Nothing of the service's environment but what finds Python's and ffmpeg's libraries.
    kept = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "web.decode", str(folder), cwd=ROOT, env=kept | {"OPENBLAS_NUM_THREADS": "1"},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(process.communicate(), DECODE_SECONDS)
    except asyncio.TimeoutError:
        raise Problem(422, UNUSABLE, "recording") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and ffmpeg with it
            await process.wait()
    if process.returncode:
        raise Problem(422, UNUSABLE, "recording")
    return json.loads(said)
