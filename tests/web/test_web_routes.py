"""Every route as a program calls it, over real HTTP."""

import base64
import io
import json

import numpy as np
import pytest
import soundfile
from PIL import Image

from cloning import Waveform
from web.voices import CONSENT

TEXT = "Hello there. And a second sentence."


def clone(server, recording, text=TEXT, headers=None, **fields):
    files = {"recording": ("me.wav", recording)} if recording else None
    form = {"text": text, "consent": "true"} | fields
    return server.client.post("/api/clone", files=files, data=form, headers=headers)


def keep(server, recording, name, **fields):
    form = {"name": name, "consent": "true"} | fields
    return server.client.post("/v1/voices", files={"recording": ("me.wav", recording)}, data=form)


def speak(server, headers=None, **changes):
    order = {"model": "timbre", "input": TEXT, "voice": "default", "response_format": "wav"} | changes
    return server.client.post("/v1/audio/speech", json=order, headers=headers)


def sound(content: bytes) -> tuple[np.ndarray, int]:
    return soundfile.read(io.BytesIO(content), dtype="float32")


def test_a_recording_and_a_text_give_a_clone(server, recording, cloner):
    answer = clone(server, recording, seed=7, mel=True).json()
    samples, rate = sound(base64.b64decode(answer["audio"]))
    assert rate == answer["sample_rate"] == 22050
    assert answer["seconds"] == pytest.approx(len(samples) / rate, abs=0.01)
    assert answer["seed"] == 7
    assert answer["sentences"] == 2
    assert answer["timings"].keys() == {"waited", "synthesizer", "vocoder"}
    picture = Image.open(io.BytesIO(base64.b64decode(answer["mel_png"])))
    assert picture.height == 80
    assert picture.width == pytest.approx(len(samples) / 256, rel=0.6)
    voice = cloner.voice(Waveform(*sound(recording)))
    whole = cloner.clone(TEXT, voice, seed=7)
    assert len(samples) == len(whole.samples)
    assert np.abs(samples - whole.samples).max() < 0.02


def test_several_recordings_make_one_voice(server, recording):
    files = [("recording", ("a.wav", recording)), ("recording", ("b.wav", recording))]
    answer = server.client.post("/api/clone", files=files, data={"text": "Hi.", "consent": "true"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("format", "media", "begins"),
    [
        ("wav", "audio/wav", b"RIFF"), ("flac", "audio/flac", b"fLaC"), ("mp3", "audio/mpeg", b""),
        ("opus", "audio/ogg", b"OggS"),
    ],
)  # fmt: skip
def test_the_sound_itself_in_every_format(server, format, media, begins):
    answers = [
        clone(server, None, voice="default", format=format, headers={"Accept": "audio/*"}),
        speak(server, response_format=format),
    ]
    for answer in answers:
        assert answer.headers["content-type"] == media
        assert answer.content.startswith(begins)
        samples, rate = sound(answer.content)
        assert 0.2 < len(samples) / rate < 30
        assert np.abs(samples).max() > 0.05


def test_pcm_is_what_openai_clients_expect(server):
    wav, pcm = speak(server, response_format="wav", input="Hi."), speak(server, response_format="pcm", input="Hi.")
    assert pcm.headers["content-type"] == "audio/pcm"
    samples = np.frombuffer(pcm.content, "<i2")
    assert np.abs(samples).max() > 1000
    assert 0.2 < len(samples) / 24000 < 30
    assert len(sound(wav.content)[0]) / 22050 > 0.2


def test_progress_comes_line_by_line_and_the_result_last(server):
    answer = clone(server, None, voice="default", headers={"Accept": "application/x-ndjson"})
    *steps, last = [json.loads(line) for line in answer.text.splitlines()]
    assert steps == [{"done": 0, "of": 2}, {"done": 1, "of": 2}, {"done": 2, "of": 2}]
    assert sound(base64.b64decode(last["result"]["audio"]))[1] == 22050


def test_what_could_not_be_spoken_is_named(server):
    answer = clone(server, None, "Hello 😀.", voice="default").json()
    assert answer["left_out"] == [{"character": "😀", "name": "GRINNING FACE"}]


def test_a_voice_is_kept_with_its_consent_used_by_name_and_deleted(server, recording):
    made = keep(server, recording, "Ada Lovelace")
    assert made.status_code == 201
    (record,) = [json.loads(path.read_text()) for path in server.voices.glob("*.json")]
    assert record["consent"] == CONSENT
    assert record["id"] == made.json()["id"]
    names = [each["name"] for each in server.client.get("/v1/voices").json()["data"]]
    assert names == ["default", "Ada Lovelace"]
    for label in ("Ada Lovelace", record["id"]):
        assert speak(server, voice=label, input="Hi.").status_code == 200
    assert speak(server, voice={"id": record["id"]}, input="Hi.").status_code == 200
    assert server.client.delete("/v1/voices/Ada Lovelace").status_code == 204
    assert list(server.voices.iterdir()) == []
    assert speak(server, voice="Ada Lovelace").status_code == 404


def test_the_same_recording_is_kept_once_and_a_name_belongs_to_one(server, recording):
    assert keep(server, recording, "one").status_code == 201
    again = keep(server, recording, "another")
    assert again.status_code == 200
    assert [each["name"] for each in server.client.get("/v1/voices").json()["data"]] == ["default", "another"]
    different = keep(server, recording + bytes(2), "another")
    assert different.status_code == 409
    assert keep(server, recording, "default").status_code == 409


def test_the_bundled_voice_stays(server):
    assert server.client.delete("/v1/voices/default").status_code == 403
    assert speak(server, input="Hi.").status_code == 200


def test_the_models_and_the_health(server):
    assert [each["id"] for each in server.client.get("/v1/models").json()["data"]] == ["timbre"]
    assert server.client.get("/healthz").json() == {"status": "ok"}
    assert server.client.get("/readyz").json() == {"status": "ok"}


def test_metrics_count_requests_batches_and_sound(server):
    speak(server, input="Hi.")
    text = server.client.get("/metrics").text
    assert 'timbre_requests_total{method="POST",route="/v1/audio/speech",status="200"}' in text
    assert "timbre_batch_sentences_count" in text
    assert "timbre_sound_seconds_total" in text
    assert "timbre_places_taken 0.0" in text


@pytest.mark.parametrize("path", ["/", "/docs", "/static/app.js", "/healthz", "/nowhere", "/v1/voices"])
def test_strict_headers_are_on_everything(server, path):
    headers = server.client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


def test_one_log_line_a_request_and_nothing_of_the_user_in_it(server, recording):
    keep(server, recording, "Secret Name")
    speak(server, voice="Secret Name", input="My secret text.")
    server.client.delete("/v1/voices/Secret Name?secret=secret")
    server.until(lambda: len(server.log.lines) >= 3)
    assert [line.split(" ")[:3] for line in server.log.lines] == [
        ["POST", "/v1/voices", "201"],
        ["POST", "/v1/audio/speech", "200"],
        ["DELETE", "/v1/voices/{voice}", "204"],
    ]
    assert "ecret" not in "".join(server.log.lines)
