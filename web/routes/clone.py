"""A recording and a text in, the text in that voice out: what the page uses."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from cloning import Clone, Voice, Waveform
from web.formats import FORMATS, encode
from web.leaving import unless_gone
from web.limits import TEXT
from web.pictures import mel_png
from web.problems import Problem, answers
from web.routes.speech import SOUND, Streamed
from web.service import Here, Service, check_consent
from web.uploads import chosen, read_all
from web.voices import CONSENT
from web.worker import Job

router = APIRouter(prefix="/api", tags=["clone"])

LINES = "application/x-ndjson"


class LeftOut(BaseModel):
    character: str
    name: str


class Timings(BaseModel):
    """Seconds: waiting for the models, and this text's share of each stage."""

    waited: float
    synthesizer: float
    vocoder: float


class CloneAnswer(BaseModel):
    audio: str
    """The sound as a file of `format`, base64."""
    format: str
    media_type: str
    sample_rate: int
    """Of what the models made, Hz."""
    seconds: float
    seed: int
    """Sent again with the same text and voice, it gives the same sound."""
    sentences: int
    left_out: list[LeftOut]
    """Characters that could not be spoken."""
    timings: Timings
    mel_png: str | None
    """The mel spectrogram as a PNG, base64, if it was asked for."""


JSON_OR_SOUND = {
    "description": "JSON; or, as the header Accept says, the sound itself (audio/*) or lines of JSON "
    f'({LINES}): {{"done": sentences, "of": sentences}} after each and {{"result": ...}} or {{"error": ...}} last',
    "content": SOUND | {LINES: {"schema": {"type": "string"}}},
    "model": CloneAnswer,
}


@router.post(
    "/clone", summary="A text in the voice of a recording, or in a kept voice", response_model=None,
    responses={200: JSON_OR_SOUND} | answers(400, 401, 403, 404, 413, 415, 422, 429, 503),
)  # fmt: skip
async def clone(
    request: Request,
    here: Here,
    text: Annotated[str, Form(min_length=1, max_length=TEXT, description="What to say, in English.")],
    recording: Annotated[
        list[UploadFile] | None, File(description="Sound files of one speaker; or give voice.")
    ] = None,
    voice: Annotated[str | None, Form(description="Name or id of a kept voice, instead of recordings.")] = None,
    consent: Annotated[bool, Form(description=f"true says: {CONSENT} Recordings need it.")] = False,
    seed: Annotated[int | None, Form(ge=0, lt=2**31, description="For the same sound again.")] = None,
    format: Annotated[Literal["wav", "flac", "mp3", "opus", "pcm"], Form()] = "wav",
    mel: Annotated[bool, Form(description="Also answer with a picture of the mel spectrogram.")] = False,
) -> Response:
    files = chosen(recording)
    if bool(files) == bool(voice):
        raise Problem(400, "send either recordings or the name of a kept voice", "recording")
    if files:
        check_consent(consent)
    here.check_text(text)
    with ExitStack() as held:
        held.enter_context(here.worker.place())
        speaker = await unless_gone(request, _voice(here, await read_all(files), voice))
        job = held.enter_context(here.say(text, speaker, seed))
        accepted = request.headers.get("accept", "")
        if LINES in accepted:
            return Streamed(_lines(job, format, mel), LINES, held.pop_all())
        clones = await unless_gone(request, _collect(job))
        if "audio/" in accepted and "json" not in accepted:
            sound = await asyncio.to_thread(encode, _joined(clones), format)
            return Response(sound, media_type=FORMATS[format].media_type)
        return JSONResponse(await asyncio.to_thread(_result, job, clones, format, mel))


async def _voice(here: Service, sent: list[bytes], label: str | None) -> Voice:
    return await here.make_voice(sent, "recording") if sent else await here.load_voice(label)


async def _collect(job: Job) -> list[Clone]:
    return [clone async for clone in job.sentences()]


async def _lines(job: Job, format: str, mel: bool) -> AsyncIterator[str]:
    clones = []
    try:
        yield _line({"done": 0, "of": job.of})
        async for each in job.sentences():
            clones.append(each)
            yield _line({"done": len(clones), "of": job.of})
        yield _line({"result": await asyncio.to_thread(_result, job, clones, format, mel)})
    except Problem as problem:
        yield _line(problem.content)


def _line(content: dict) -> str:
    return json.dumps(content) + "\n"


def _joined(clones: list[Clone]) -> Waveform:
    return Waveform.join([clone.wave for clone in clones])


def _result(job: Job, clones: list[Clone], format: str, mel: bool) -> dict:
    import numpy as np

    wave = _joined(clones)
    spent = {stage: round(sum(each.seconds[stage] for each in clones), 3) for stage in clones[0].seconds}
    pieces = [synthesis.mel.numpy() for each in clones for synthesis in each.pieces]
    picture = base64.b64encode(mel_png(np.concatenate(pieces, axis=1))).decode() if mel else None
    return CloneAnswer(
        audio=base64.b64encode(encode(wave, format)).decode(),
        format=format,
        media_type=FORMATS[format].media_type,
        sample_rate=wave.sample_rate,
        seconds=round(wave.seconds, 3),
        seed=job.seed,
        sentences=job.of,
        left_out=[LeftOut(character=character, name=name) for character, name in job.left_out],
        timings=Timings(waited=round(job.waited, 3), **spent),
        mel_png=picture,
    ).model_dump()
