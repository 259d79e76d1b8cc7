"""One thread for all: batches, busy answers, clients that leave, patience, and a good end."""

import asyncio
import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest

from cloning import Cloner
from tests.web.conftest import running
from tests.web.test_web_routes import sound, speak


class Gated(Cloner):
    """A cloner that says nothing until the gate opens, and remembers its batches."""

    def __init__(self, cloner: Cloner):
        super().__init__(cloner.encoder, cloner.synthesizer, cloner.vocoder, cloner.fingerprint)
        self.gate, self.batches = threading.Event(), []

    def make(self, texts, voices, seed=None):
        self.batches.append(list(texts))
        assert self.gate.wait(20)
        return super().make(texts, voices, seed)


@pytest.fixture
def gated(cloner) -> Gated:
    return Gated(cloner)


def post(server, text, **more):
    return server.client.post("/api/clone", data={"text": text, "voice": "default"} | more)


def test_what_waits_together_is_made_together_and_sounds_as_if_alone(gated, cloner, tmp_path):
    texts = ["Yes.", "A rather longer sentence, with a pause.", "Two of them. Sentences."]
    with running(gated, tmp_path) as server, ThreadPoolExecutor() as threads:
        first = threads.submit(post, server, "Hold.", seed=3)
        server.until(lambda: gated.batches == [["hold."]])
        others = [threads.submit(post, server, text, seed=3) for text in texts]
        server.until(lambda: server.service.worker.taken == 4 and len(server.service.worker._jobs) == 3)
        gated.gate.set()
        first.result()
        made = [sound(base64.b64decode(other.result().json()["audio"]))[0] for other in others]
    assert sorted(map(len, gated.batches)) == [1, 1, 3]
    voice = server.service.voices.bundled
    for text, samples in zip(texts, made):
        alone = cloner.clone(text, voice, seed=3).samples
        assert len(samples) == len(alone)
        assert np.abs(samples - alone).max() < 0.02


def test_texts_without_seeds_share_one_while_they_wait_together_and_get_another_later(gated, tmp_path):
    with running(gated, tmp_path) as server, ThreadPoolExecutor() as threads:
        answers = [threads.submit(post, server, "One. Two.")]
        server.until(lambda: len(gated.batches) == 1)
        answers += [threads.submit(post, server, "One. Two.") for _ in range(2)]
        server.until(lambda: len(server.service.worker._jobs) == 2)
        gated.gate.set()
        assert len({answer.result().json()["seed"] for answer in answers}) == 1
        assert list(map(len, gated.batches)) == [1, 3, 2]
        assert post(server, "One.").json()["seed"] != answers[0].result().json()["seed"]


def test_requests_with_different_seeds_are_made_apart_and_keep_their_seeds(gated, tmp_path):
    with running(gated, tmp_path) as server, ThreadPoolExecutor() as threads:
        answers = [threads.submit(post, server, "Hi.", seed=seed) for seed in (1, 2, 1)]
        server.until(lambda: server.service.worker.taken == 3)
        gated.gate.set()
        assert [answer.result().json()["seed"] for answer in answers] == [1, 2, 1]


def test_a_long_text_does_not_hold_up_a_short_one(gated, tmp_path):
    with running(gated, tmp_path) as server, ThreadPoolExecutor() as threads:
        long = threads.submit(post, server, "One. Two. Three. Four. Five.")
        server.until(lambda: len(gated.batches) == 1)
        short = threads.submit(post, server, "Short.")
        server.until(lambda: len(server.service.worker._jobs) == 1)
        gated.gate.set()
        short.result()
        long.result()
        assert next(i for i, batch in enumerate(gated.batches) if "short." in batch) == 1


def test_one_too_many_is_told_when_to_come_again(gated, tmp_path):
    with running(gated, tmp_path, places=2) as server, ThreadPoolExecutor() as threads:
        held = [threads.submit(post, server, "Hold.") for _ in range(2)]
        server.until(lambda: server.service.worker.taken == 2)
        for answer in (post(server, "More."), speak(server)):
            assert answer.status_code == 429
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert "try again" in answer.json()["error"]["message"]
        assert server.client.get("/readyz").status_code == 503
        assert server.client.get("/healthz").status_code == 200
        gated.gate.set()
        assert [answer.result().status_code for answer in held] == [200, 200]
        assert post(server, "More.").status_code == 200


def leave(server, path: str, **request) -> None:
    """Send a request, and go away when it is being worked on."""

    async def main():
        async with httpx.AsyncClient(base_url=server.url) as client:
            asking = asyncio.create_task(client.post(path, **request))
            while not server.service.worker.taken:
                await asyncio.sleep(0.01)
            asking.cancel()

    asyncio.run(main())


LINES = "application/x-ndjson"
ORDER = {"model": "timbre", "input": "One. Two. Three.", "voice": "default", "response_format": "wav"}


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("/v1/audio/speech", {"json": ORDER}), ("/v1/audio/speech", {"json": ORDER | {"response_format": "mp3"}}),
        ("/api/clone", {"data": {"text": "One. Two. Three.", "voice": "default"}}),
        ("/api/clone", {"data": {"text": "Hi. Three.", "voice": "default"}, "headers": {"Accept": LINES}}),
    ],
)  # fmt: skip
def test_a_client_that_goes_away_frees_its_place_and_ends_its_work(gated, tmp_path, path, request_):
    with running(gated, tmp_path, places=1) as server:
        leave(server, path, **request_)
        server.until(lambda: server.service.worker.taken == 0)
        gated.gate.set()
        assert post(server, "Next.").status_code == 200
        assert [batch for batch in gated.batches if "three." in batch] == []
        server.until(lambda: len(server.log.lines) == 2)


def test_a_client_that_goes_away_while_its_recording_is_decoded_frees_its_place(cloner, recording, tmp_path):
    with running(cloner, tmp_path / "voices", places=1) as server:
        form = {"text": "Hi.", "consent": "true"}
        leave(server, "/api/clone", files={"recording": ("x", recording)}, data=form)
        server.until(lambda: server.service.worker.taken == 0)
        assert post(server, "Next.").status_code == 200


def test_who_waits_too_long_is_told_so(gated, tmp_path):
    with running(gated, tmp_path, patience=0.1) as server:
        answer = post(server, "Hi.")
        assert answer.status_code == 503
        assert "no sound within 0.1 s" in answer.json()["error"]["message"]
        gated.gate.set()


def test_a_fault_inside_is_one_answer_500_and_the_service_goes_on(cloner, tmp_path, monkeypatch):
    with running(cloner, tmp_path) as server:
        with monkeypatch.context() as broken:
            broken.setattr(cloner, "make", lambda *_: {}["my secret text"])
            answer = post(server, "My secret text.")
        assert answer.status_code == 500
        assert "secret" not in answer.text
        server.until(lambda: len(server.log.lines) == 2)
        assert server.log.lines[0].startswith("KeyError in test_web_worker.py")
        assert "secret" not in "".join(server.log.lines)
        assert post(server, "Hi.").status_code == 200


def test_a_fault_in_a_route_is_an_answer_500_in_json(cloner, tmp_path, monkeypatch):
    with running(cloner, tmp_path) as server:
        monkeypatch.setattr(server.service.voices, "records", lambda: {}["secret"])
        answer = server.client.get("/v1/voices")
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "internal_error"
        server.until(lambda: len(server.log.lines) == 2)
        assert "secret" not in "".join(server.log.lines)


def test_a_stream_is_heard_before_its_end_is_made(gated, tmp_path):
    gated.gate.set()
    with running(gated, tmp_path) as server, server.client.stream("POST", "/v1/audio/speech", json=ORDER) as answer:
        pieces = answer.iter_bytes()
        begun = next(pieces)
        assert begun.startswith(b"RIFF")
        samples, rate = sound(begun + b"".join(pieces))
        assert rate == 22050
        whole = gated.clone(ORDER["input"], server.service.voices.bundled, seed=1)
        assert len(samples) > 0.3 * len(whole.samples)


def test_what_has_begun_is_finished_when_the_service_stops(gated, tmp_path):
    with ThreadPoolExecutor() as threads:
        with running(gated, tmp_path) as server:
            answer = threads.submit(post, server, "One. Two.")
            server.until(lambda: len(gated.batches) == 1)
            threading.Timer(0.3, gated.gate.set).start()
        assert answer.result().status_code == 200
        assert len(gated.batches) == 2


def test_two_services_share_a_folder_of_voices(cloner, recording, tmp_path):
    form = {"name": "shared", "consent": "true"}
    with running(cloner, tmp_path / "voices") as one, running(cloner, tmp_path / "voices") as other:
        made = one.client.post("/v1/voices", files={"recording": ("x", recording)}, data=form)
        assert made.status_code == 201
        assert speak(other, voice="shared", input="Hi.").status_code == 200
        assert other.client.delete("/v1/voices/shared").status_code == 204
        assert speak(one, voice="shared", input="Hi.").status_code == 404
        with ThreadPoolExecutor() as threads:
            again = [
                threads.submit(each.client.post, "/v1/voices", files={"recording": ("x", recording)}, data=form)
                for each in (one, other, one, other)
            ]
        assert {answer.result().status_code for answer in again} <= {200, 201}
        assert len(list(one.voices.iterdir())) == 2
        assert speak(other, voice="shared", input="Hi.").status_code == 200
