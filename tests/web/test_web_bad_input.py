"""What users and attackers send wrongly: the right status, one sentence in JSON, nothing stored, one line logged."""

import io
import json
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tests.cloning.conftest import speechlike
from tests.web.conftest import ROOT, running
from web import limits
from web.decode import kind_of
from web.formats import encode

JSON = {"content-type": "application/json"}
KEY = "a-key-of-enough-letters"


def wav(samples, rate=16000, **more) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, samples, rate, format=more.pop("format", "WAV"), **more)
    return content.getvalue()


def ffmpeg(*words: str) -> bytes:
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not installed")
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=2", *words]
    return subprocess.run(command, capture_output=True, check=True).stdout


def make_bad(kind: str) -> bytes:
    speech = speechlike().samples
    if kind == "empty":
        return b""
    if kind == "text":
        return b"This is no sound."
    if kind == "pickle":
        return b"cposix\nsystem\n(S'touch /tmp/pwned'\ntR."
    if kind == "playlist":
        return b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    if kind == "truncated":
        return wav(speech)[:20000]
    if kind == "truncated flac":
        return wav(speech, format="FLAC")[:9000]
    if kind == "header alone":
        return wav(speech)[:44]
    if kind == "silent":
        return wav(np.zeros(32000, np.float32))
    if kind == "noise":
        return wav(np.full(32000, 0.2, np.float32))
    if kind == "short":
        return wav(speech[:4000])
    if kind == "not numbers":
        return wav(np.where(np.arange(len(speech)) == 9, np.nan, speech), subtype="FLOAT")
    if kind == "eight channels":
        return wav(np.stack([speech] * 8, axis=1))
    if kind == "192 kHz":
        return wav(speech, 192000)
    if kind == "4 kHz":
        return wav(speech, 4000)
    if kind == "long":
        return wav(np.zeros(8000 * 90, np.int16), 8000)
    if kind == "bomb":  # ten hours of silence in a few kilobytes a minute
        return wav(np.zeros(16000 * 3600, np.int16), 16000, format="FLAC")
    if kind == "lying header":  # promises a thousand channels
        return wav(speech)[:22] + struct.pack("<H", 1000) + wav(speech)[24:]
    if kind == "video":
        picture = ["-f", "lavfi", "-i", "testsrc=duration=2:size=64x48:rate=5", "-c:v", "mpeg4", "-c:a", "aac"]
        return ffmpeg(*picture, "-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "-")
    if kind == "webm without sound":
        return b"\x1aE\xdf\xa3" + bytes(200)
    raise AssertionError(kind)


@pytest.mark.parametrize(
    ("kind", "status", "says"),
    [
        ("empty", 415, "empty"), ("text", 415, "not a sound file"), ("pickle", 415, "not a sound file"),
        ("playlist", 415, "not a sound file"), ("truncated", 422, "truncated"),
        ("truncated flac", 422, "truncated"), ("header alone", 422, "truncated"), ("silent", 422, "silent"),
        ("noise", 422, "speech"), ("short", 422, "at least 0.5 s"), ("not numbers", 422, "not numbers"),
        ("eight channels", 422, "8 channels"), ("192 kHz", 422, "192000"), ("4 kHz", 422, "4000"),
        ("long", 422, "at most"), ("bomb", 422, "60.0 minutes"), ("lying header", 422, "channels"),
        ("video", 415, "video"), ("webm without sound", 415, "no sound"),
    ],
)  # fmt: skip
def test_a_bad_recording(server, kind, status, says):
    files = {"recording": ("me.wav", make_bad(kind))}
    # One route or the other: both make their voices the same way.
    path, form = ("/api/clone", {"text": "Hi."}) if len(kind) % 2 else ("/v1/voices", {"name": "me"})
    answer = server.client.post(path, files=files, data=form | {"consent": "true"})
    check_refused(server, answer, status, says)


def check_refused(server, answer, status, says):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert says in error["message"]
    assert error["type"] == "invalid_request_error"
    assert not any(path in error["message"] for path in (str(ROOT), "/tmp", str(server.voices)))
    assert not server.voices.exists() or list(server.voices.iterdir()) == []
    server.until(lambda: server.log.lines)
    assert len(server.log.lines) == 1
    assert server.service.worker.taken == 0


@pytest.mark.parametrize(
    ("suffix", "words"),
    [("m4a", ["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4"]),
     ("webm", ["-c:a", "libopus", "-f", "webm"]), ("aac", ["-f", "adts"])],
)  # fmt: skip
def test_what_phones_and_browsers_record_is_taken_under_any_name(server, suffix, words):
    answer = server.client.post(
        "/api/clone", files={"recording": ("me.txt", ffmpeg(*words, "-"))}, data={"text": "Hi.", "consent": "true"}
    )
    # A sine is no speech, and to know that it must have been decoded.
    assert "speech" in answer.json()["error"]["message"]


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "opus"])
def test_kinds_are_told_by_content(format):
    assert kind_of(encode(speechlike(), format)) == {"opus": ".ogg"}.get(format, f".{format}")


LONG_TEXT = {"text": "word " * 20000}


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [
        ({"text": ""}, 400, "text"), (LONG_TEXT, 400, "at most 5000 characters"),
        ({"text": "\x01\x02\x03"}, 400, "nothing"),
        ({"text": "😀"}, 400, "GRINNING FACE"), ({"format": "exe"}, 400, "format"), ({"seed": "-1"}, 400, "seed"),
        ({"voice": "nobody"}, 404, "no voice 'nobody'"), ({"voice": "../../etc/passwd"}, 404, "no voice"),
        ({"voice": "/etc/passwd\x00"}, 404, "no voice"), ({"voice": ""}, 400, "recordings or the name"),
        ({"consent": "perhaps"}, 400, "consent"),
    ],
)  # fmt: skip
def test_a_bad_field_of_a_clone(server, form, status, says):
    answer = server.client.post("/api/clone", data={"text": "Hi.", "voice": "default"} | form)
    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]
    server.until(lambda: len(server.log.lines) == 1)


@pytest.mark.parametrize(
    "name", ["", " ", "../me", "/etc/passwd", "a/b", "..", ".hidden", "C:\\me", "a\nb", "x" * 61, "🙂"]
)
def test_a_name_that_is_no_label(server, recording, name):
    form = {"name": name, "consent": "true"}
    answer = server.client.post("/v1/voices", files={"recording": ("x", recording)}, data=form)
    assert answer.status_code == 400
    assert "name" in answer.json()["error"]["message"]
    assert not server.voices.exists() or list(server.voices.iterdir()) == []


@pytest.mark.parametrize("path", ["/v1/voices", "/api/clone"])
def test_no_consent_no_voice(server, recording, path):
    answer = server.client.post(path, files={"recording": ("x", recording)}, data={"name": "me", "text": "Hi."})
    check_refused(server, answer, 403, "consent")


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"input": ""}, 400, "input"), ({"input": "word " * 20000}, 400, "5000"),
        ({"input": "\x01\x02"}, 400, "nothing"),
        ({"input": 7}, 400, "input"), ({"model": "tts-1"}, 404, "no model 'tts-1'"), ({"voice": "alloy"}, 404, "alloy"),
        ({"voice": "../x"}, 404, "no voice"), ({"response_format": "aac"}, 400, "response_format"),
        ({"speed": 1.5}, 400, "speed"), ({"stream_format": "sse"}, 400, "stream_format"),
        ({"instructions": "Whisper."}, 400, "instructions"), ({"input": "half \ud800"}, 400, "valid string"),
    ],
)  # fmt: skip
def test_a_bad_order_of_speech(server, change, status, says):
    order = {"model": "timbre", "input": "Hi.", "voice": "default"} | change
    answer = server.client.post("/v1/audio/speech", content=json.dumps(order), headers=JSON)
    check_refused(server, answer, status, says)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"[" * 100000, b"\xff\xfe", b'{"model": NaN}'])
def test_no_json_at_all(server, content):
    answer = server.client.post("/v1/audio/speech", content=content, headers=JSON)
    assert answer.status_code == 400
    assert len(answer.json()["error"]["message"]) > 10


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data", b"x"), ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nHi'),
        ("multipart/form-data; boundary=" + "x" * 5000, b"--x--"), ("text/plain", b"text=Hi"),
    ],
)  # fmt: skip
def test_a_malformed_multipart(server, kind, content):
    answer = server.client.post("/api/clone", content=content, headers={"content-type": kind})
    check_refused(server, answer, 400, "")


def test_too_many_bytes_are_refused_declared_or_not(server):
    huge = bytes(limits.UPLOAD_BYTES + 1000)
    form = {"text": "Hi.", "consent": "true"}
    answer = server.client.post("/api/clone", files={"recording": ("x", huge)}, data=form)
    check_refused(server, answer, 413, "20 MB")
    server.log.lines.clear()

    def undeclared():
        yield b'--x\r\nContent-Disposition: form-data; name="recording"; filename="x"\r\n\r\n'
        for _ in range(21):
            yield bytes(1_000_000)

    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = server.client.post("/api/clone", content=undeclared(), headers=kind)
    check_refused(server, answer, 413, "20 MB")


def test_too_many_recordings(server, recording):
    files = [("recording", ("x.wav", recording))] * (limits.RECORDINGS + 1)
    answer = server.client.post("/api/clone", files=files, data={"text": "Hi.", "consent": "true"})
    check_refused(server, answer, 400, "at most 8")


def test_the_decoder_cannot_take_more_memory_than_it_is_given():
    code = "from web import decode; decode.limit_this_process(); bytearray(1_100_000_000)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "MemoryError" in done.stderr


def test_a_decoder_that_hangs_is_killed_and_the_recording_refused(server, recording, monkeypatch):
    monkeypatch.setattr("web.uploads.DECODE_SECONDS", 0.0)
    answer = server.client.post(
        "/api/clone", files={"recording": ("x", recording)}, data={"text": "Hi.", "consent": "true"}
    )
    check_refused(server, answer, 422, "within the limits")


def test_unknown_places_and_methods(server):
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("PUT", "/v1/voices", 405),
        ("GET", "/static/../app.py", 404),
    ):
        answer = server.client.request(method, path)
        assert answer.status_code == status
        assert "GET /docs" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"])
def test_no_file_but_the_page_is_served(server, path):
    assert server.client.get(path).status_code == 404


def test_a_key_is_asked_for_where_there_is_one(cloner, tmp_path):
    with running(cloner, tmp_path / "voices", key=KEY) as server:
        for path in ("/v1/voices", "/v1/models", "/metrics"):
            for wrong in (None, "Bearer wrong", f"Basic {KEY}", KEY, "Bearer", "Bearer \xe9"):
                headers = {} if wrong is None else {"Authorization": wrong.encode("latin-1")}
                answer = server.client.get(path, headers=headers)
                assert answer.status_code == 401
                assert answer.json()["error"]["code"] == "invalid_api_key"
            assert server.client.get(path, headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
        assert server.client.post("/v1/audio/speech", json={}).status_code == 401
        assert server.client.get("/").status_code == server.client.get("/readyz").status_code == 200


def test_another_sites_page_may_not_use_the_service(server):
    form = {"text": "Hi.", "voice": "default"}
    answer = server.client.post("/api/clone", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    answer = server.client.get("/v1/voices", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "localhost" in answer.json()["error"]["message"]
