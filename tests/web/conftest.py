"""A running service with tiny untrained models, and a plain HTTP client for it."""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from cloning import Cloner
from tests.cloning.conftest import models, reference  # noqa: F401
from web.app import create_app, server_of
from web.service import Service

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "saved_models/default/reference.flac"


class Lines(logging.Handler):
    """What the service logs."""

    def __init__(self):
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@dataclass
class Running:
    url: str
    service: Service
    log: Lines
    client: httpx.Client = field(init=False)

    def __post_init__(self):
        self.client = httpx.Client(base_url=self.url, timeout=60)

    @property
    def voices(self) -> Path:
        return self.service.voices.folder

    def until(self, holds) -> None:
        """Wait for what other threads do; fail if it never comes."""
        deadline = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < deadline, "it did not come to pass"
            time.sleep(0.01)


@contextlib.contextmanager
def running(cloner: Cloner, voices: Path, key: str | None = None, **settings) -> Iterator[Running]:
    """A service on a free port of loopback, in a thread of this process."""
    service = Service(cloner, voices, REFERENCE, **settings)
    log = Lines()
    logger = logging.getLogger("web")
    logger.addHandler(log)
    logger.setLevel(logging.INFO)
    listening = socket.create_server(("127.0.0.1", 0))
    server = server_of(create_app(service, key))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    here = Running(f"http://127.0.0.1:{listening.getsockname()[1]}", service, log)
    try:
        here.until(lambda: server.started)
        yield here
    finally:
        server.should_exit = True
        thread.join()
        here.client.close()
        listening.close()
        logger.removeHandler(log)


@pytest.fixture(scope="session")
def cloner(models) -> Cloner:  # noqa: F811
    return Cloner.load(models, device="cpu")


@pytest.fixture(scope="session")
def served(cloner, tmp_path_factory) -> Iterator[Running]:
    """One service that tests share; each leaves no voices behind."""
    with running(cloner, tmp_path_factory.mktemp("web") / "voices") as here:
        yield here


@pytest.fixture
def server(served) -> Iterator[Running]:
    served.log.lines.clear()
    yield served
    for path in served.voices.glob("*"):
        path.unlink()


@pytest.fixture
def recording(reference) -> bytes:  # noqa: F811
    """A short wav file of made speech."""
    return reference.read_bytes()
