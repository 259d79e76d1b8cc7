"""Clients that others wrote: OpenAI's, and schemathesis, which reads the OpenAPI description and tries everything."""

import io

import openai
import pytest
import schemathesis
import soundfile
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.web.conftest import running

KEY = "a-key-of-enough-letters"
KINDS = ["wav", "flac", "mp3", "opus", "pcm"]


@pytest.fixture(scope="module")
def guarded(cloner, tmp_path_factory):
    with running(cloner, tmp_path_factory.mktemp("guarded") / "voices", key=KEY) as server:
        yield server


@pytest.fixture
def client(guarded):
    with openai.OpenAI(base_url=f"{guarded.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("kind", KINDS)
def test_the_openai_client_speaks_in_every_format(client, kind):
    answer = client.audio.speech.create(model="timbre", voice="default", input="Hi. There.", response_format=kind)
    options = {"samplerate": 24000, "channels": 1, "subtype": "PCM_16", "format": "RAW"} if kind == "pcm" else {}
    samples, rate = soundfile.read(io.BytesIO(answer.content), **options)
    assert 0.2 < len(samples) / rate < 30


def test_the_openai_client_streams(client, tmp_path):
    order = {"model": "timbre", "voice": "default", "input": "One. Two. Three.", "response_format": "wav"}
    with client.audio.speech.with_streaming_response.create(**order) as answer:
        answer.stream_to_file(tmp_path / "speech.wav")
    assert soundfile.info(tmp_path / "speech.wav").duration > 0.5


def test_the_openai_client_lists_models(client):
    assert [model.id for model in client.models.list()] == ["timbre"]


def test_the_openai_client_understands_the_errors(client, guarded):
    with pytest.raises(openai.NotFoundError, match="no voice 'alloy'"):
        client.audio.speech.create(model="timbre", voice="alloy", input="Hi.")
    with pytest.raises(openai.BadRequestError, match="response_format") as caught:
        client.audio.speech.create(model="timbre", voice="default", input="Hi.", response_format="aac")
    assert caught.value.param == "response_format"
    with pytest.raises(openai.AuthenticationError, match="API key"):
        openai.OpenAI(base_url=f"{guarded.url}/v1", api_key="wrong", max_retries=0).models.list()


def test_whatever_is_sent_is_answered_as_described(guarded):
    """In particular: never a 5xx but a 503, never an answer that the description does not know. Not asked for is that
    all it allows be taken: no description says which bytes are a voice, or which characters can be spoken."""
    described = schemathesis.openapi.from_url(f"{guarded.url}/openapi.json")
    headers, tried = {"Authorization": f"Bearer {KEY}"}, set()
    for operation in described.get_all_operations():
        operation = operation.ok()

        @settings(
            max_examples=15, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def send(case):
            case.call_and_validate(headers=headers, timeout=60, excluded_checks=[positive_data_acceptance])

        send()
        tried.add(operation.label)
    assert tried >= {"POST /api/clone", "POST /v1/voices", "POST /v1/audio/speech", "DELETE /v1/voices/{voice}"}
