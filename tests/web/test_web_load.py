"""Many clients at once, some leaving and some sending rubbish: what `python -m benchmarks.web` measures, in small."""

import asyncio
import os

from benchmarks.web import load
from tests.web.conftest import REFERENCE, running


def test_every_request_under_load_is_answered_and_every_place_given_back(cloner, tmp_path):
    with running(cloner, tmp_path / "voices", places=4) as server:
        many = asyncio.run(load(server.url, os.getpid(), 30, 1, REFERENCE.read_bytes(), True))
        tally = many["tally"]
        assert tally.unanswered == 0
        assert tally.sound > 0
        assert tally.left > 0
        good, bad = (set(map(str, tally.statuses)) & kind for kind in ({"200"}, {"rubbish 400", "rubbish 415"}))
        assert good
        assert bad
        assert set(map(str, tally.statuses)) <= good | bad | {"429", "rubbish 429"}
        server.until(lambda: server.service.worker.taken == 0)
        assert server.client.get("/readyz").status_code == 200
    assert not (tmp_path / "voices").exists()
