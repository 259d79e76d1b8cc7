"""Speech as OpenAI's clients ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cloning import Clone, Waveform
from web.formats import FORMATS, STREAMED, beginning, encode, piece
from web.leaving import unless_gone
from web.limits import PATIENCE, TEXT
from web.problems import Problem, answers
from web.service import MODEL, Here
from web.worker import Job

router = APIRouter(prefix="/v1", tags=["speech"])


def _only_one(speed: float) -> float:
    if speed != 1.0:
        raise ValueError("these models speak at one speed; leave it out, or send 1.0")
    return speed


class VoiceId(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str


class SpeechOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")
    model: str = Field(description=f'"{MODEL}"')
    input: str = Field(min_length=1, max_length=TEXT, description="What to say, in English.")
    voice: str | VoiceId = Field(description="Name or id of a voice; GET /v1/voices lists them.")
    response_format: Literal["wav", "flac", "mp3", "opus", "pcm"] = Field(
        "mp3", description="wav and pcm (16-bit mono, 24 kHz) are sent sentence by sentence, as they are made."
    )
    speed: Annotated[float, AfterValidator(_only_one)] = Field(1.0, json_schema_extra={"minimum": 1, "maximum": 1})
    stream_format: Literal["audio"] = "audio"


class ModelAnswer(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = MODEL


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelAnswer]


@router.get("/models", summary="The models there are: one", responses=answers(401))
async def list_models() -> ModelList:
    return ModelList(data=[ModelAnswer(id=MODEL)])


SOUND = {form.media_type: {"schema": {"type": "string", "format": "binary"}} for form in FORMATS.values()}


@router.post(
    "/audio/speech", summary="A text in a voice, as OpenAI's clients ask for it", response_class=Response,
    responses={200: {"content": SOUND, "description": "the sound"}} | answers(400, 401, 403, 404, 413, 429, 503),
)  # fmt: skip
async def speak(request: Request, here: Here, order: SpeechOrder) -> Response:
    if order.model != MODEL:
        raise Problem(404, f"there is no model {order.model[:60]!r}; there is {MODEL!r}", "model")
    name = order.response_format
    with ExitStack() as held:
        held.enter_context(here.worker.place())
        voice = await here.load_voice(order.voice if isinstance(order.voice, str) else order.voice.id)
        job = held.enter_context(here.say(order.input, voice))
        sentences = job.sentences()
        if name in STREAMED and job.of > 1:
            first = await unless_gone(request, anext(sentences))
            return Streamed(_pieces(first, sentences, name), FORMATS[name].media_type, held.pop_all())
        wave = await unless_gone(request, whole(job))
        content = await asyncio.to_thread(encode, wave, name)
    return Response(content, media_type=FORMATS[name].media_type)


async def whole(job: Job) -> Waveform:
    return Waveform.join([clone.wave async for clone in job.sentences()])


async def _pieces(first: Clone, others: AsyncIterator[Clone], name: str) -> AsyncIterator[bytes]:
    yield beginning(name, first.wave.sample_rate) + piece(first.wave, name)
    async for clone in others:
        yield piece(clone.wave, name)


class Streamed(StreamingResponse):
    """A stream that lets go of what it holds at its end, however that comes."""

    def __init__(self, content: AsyncIterator[bytes], media_type: str, held: ExitStack):
        super().__init__(content, media_type=media_type)
        self.held = held

    async def __call__(self, scope, receive, send) -> None:
        async def impatient(message) -> None:
            await asyncio.wait_for(send(message), PATIENCE)  # who does not read shall not hold a place for ever

        with self.held:
            await super().__call__(scope, receive, impatient)
