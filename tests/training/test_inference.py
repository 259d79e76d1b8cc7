"""Products in bfloat16 only on processors that have them: on others they are slow, and recurrent layers fail."""

from dataclasses import replace

import pytest
import torch

from encoder.models import ge2e
from tests.training.toys import SCHEDULE, Line, learn
from training.inference import fast_autocast

CPU = torch.device("cpu")


@pytest.fixture(params=[True, False])
def has_bfloat16(request, monkeypatch) -> bool:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": request.param})
    return request.param


def test_products_are_narrow_only_where_that_is_fast(has_bfloat16):
    with fast_autocast(CPU):
        assert torch.is_autocast_enabled("cpu") == has_bfloat16
    with fast_autocast(CPU, wanted=False):
        assert not torch.is_autocast_enabled("cpu")


def test_training_asks_the_processor(has_bfloat16, tmp_path):
    seen = []

    class Watching(Line):
        def losses(self, batch, step):
            seen.append(torch.is_autocast_enabled("cpu"))
            yield from super().losses(batch, step)

        def validate(self, held_out):
            return {"loss": 1.0}

    learn(Watching(), tmp_path, replace(SCHEDULE, bf16=True))
    assert seen == [has_bfloat16] * SCHEDULE.steps


def test_the_encoder_asks_the_processor(has_bfloat16, monkeypatch):
    model, seen = ge2e.Model(ge2e.Config(hidden=8, layers=1, embedding=4), ge2e.MEL), []
    monkeypatch.setattr(model, "forward", lambda mels: seen.append(torch.is_autocast_enabled("cpu")) or mels[:, 0, :4])
    model.embed_features([torch.randn(160, ge2e.MEL.n_mels)])
    assert seen == [has_bfloat16]
