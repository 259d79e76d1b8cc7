"""Voices made once, kept, and used by name."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from pydantic import AfterValidator, BaseModel

from web.leaving import unless_gone
from web.problems import Problem, answers
from web.service import Here, check_consent
from web.uploads import chosen, read_all
from web.voices import BUNDLED, CONSENT, LONGEST_NAME, Record, valid_name

router = APIRouter(prefix="/v1/voices", tags=["voices"])

Name = Annotated[str, AfterValidator(valid_name)]


class VoiceAnswer(BaseModel):
    id: str
    name: str
    created: str | None
    """ISO 8601, UTC; null for the bundled voice."""
    seconds: float
    """Of its recordings."""
    bundled: bool


class VoiceList(BaseModel):
    object: Literal["list"] = "list"
    data: list[VoiceAnswer]


@router.get("", summary="All voices, the bundled one first", responses=answers(401))
async def list_voices(here: Here) -> VoiceList:
    kept = await asyncio.to_thread(here.voices.records)
    seconds = round(here.voices.bundled.reference.seconds, 2)
    bundled = VoiceAnswer(id=BUNDLED, name=BUNDLED, created=None, seconds=seconds, bundled=True)
    return VoiceList(data=[bundled, *map(_answer, kept)])


@router.post(
    "", summary="Make a voice and keep it", status_code=201,
    responses={200: {"model": VoiceAnswer, "description": "these recordings were a kept voice already"}}
    | answers(400, 401, 403, 409, 413, 415, 422, 429, 503),
)  # fmt: skip
async def make_voice(
    request: Request,
    response: Response,
    here: Here,
    recording: Annotated[list[UploadFile], File(description="One or several sound files of one speaker.")],
    name: Annotated[Name, Form(description=f"1 to {LONGEST_NAME} letters, digits, spaces and . - _ '")],
    consent: Annotated[bool, Form(description=f"true says: {CONSENT} Without it no voice is made.")] = False,
) -> VoiceAnswer:
    check_consent(consent)
    files = chosen(recording)
    if not files:
        raise Problem(400, "recording: a sound file is needed", "recording")
    with here.worker.place():
        sent = await read_all(files)
        id = here.voices.id_of(sent)
        here.voices.check_name(name, id)
        voice = await unless_gone(request, here.make_voice(sent, name))
    new = all(record.id != id for record in here.voices.records())
    record = await asyncio.to_thread(here.voices.keep, voice, sent)
    response.status_code = 201 if new else 200
    return _answer(record)


@router.delete(
    "/{voice}", summary="Delete a kept voice, by name or id", status_code=204, responses=answers(401, 403, 404)
)
async def delete_voice(here: Here, voice: str) -> None:
    await asyncio.to_thread(here.voices.remove, voice)


def _answer(record: Record) -> VoiceAnswer:
    return VoiceAnswer(id=record.id, name=record.name, created=record.created, seconds=record.seconds, bundled=False)
