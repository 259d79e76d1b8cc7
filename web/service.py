"""What the routes share."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from cloning import Cloner, Voice
from speech.errors import InputError
from web.limits import PATIENCE, PLACES
from web.metrics import Metrics
from web.problems import Problem
from web.uploads import Decoder
from web.voices import BUNDLED, CONSENT, VoiceFolder
from web.worker import Job, Worker

MODEL = "timbre"
"""The name of the loaded models to OpenAI's clients."""


class Service:
    def __init__(self, cloner: Cloner, voices: Path, reference: Path, places: int = PLACES, patience: float = PATIENCE):
        """voices: the folder of kept voices; reference: the recording of the bundled one."""
        self.cloner, self.metrics, self.decoder = cloner, Metrics(), Decoder()
        self.worker = Worker(cloner, self.metrics, places, patience)
        self.voices = VoiceFolder(voices, cloner.voice(reference, name=BUNDLED))
        self.metrics.places.set_function(lambda: self.worker.taken)

    async def load_voice(self, label: str) -> Voice:
        """A kept voice by name or id, or the bundled one. Raises Problem (404)."""
        return await asyncio.to_thread(self.voices.load, label)

    async def make_voice(self, sent: list[bytes], name: str) -> Voice:
        """A voice of recordings as they were sent. Raises Problem: 415 not sound, 422 not usable."""
        waves = await self.decoder.decode(sent)
        try:
            return await self.worker.run(self.cloner.voice, waves, name)
        except InputError as error:
            raise Problem(422, str(error), "recording") from None

    def say(self, text: str, voice: Voice, seed: int | None = None) -> Job:
        """Put a text in the worker's row. Raises Problem (400) if nothing in it can be spoken."""
        try:
            return self.worker.say(text, voice, seed)
        except InputError as error:
            raise Problem(400, str(error), "text") from None

    def check_text(self, text: str) -> None:
        """Raise Problem (400), before any work, if nothing in a text can be spoken."""
        try:
            self.cloner.pieces(text)
        except InputError as error:
            raise Problem(400, str(error), "text") from None


def check_consent(consent: bool) -> None:
    """Raise Problem (403) where nobody has said yes."""
    if not consent:
        raise Problem(403, f"no voice is made without consent: send consent=true if this holds: {CONSENT}", "consent")


def _service_of(request: Request) -> Service:
    return request.app.state.service


Here = Annotated[Service, Depends(_service_of)]
"""The service, for a route's parameters."""
