"""When each word is said: forced alignment of a shard, and the path through the tokens that training makes of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from speech.errors import InputError
from speech.shards import Record, Shard, write_shard
from speech.waveform import Waveform
from synthesizer.align import align_shard, alignment_path, main
from synthesizer.data import path_through
from synthesizer.losses import attention_of_paths, guided_attention_loss
from synthesizer.text import encode, pronounce, word_places
from tests.synthesizer.made import write_spelled
from tests.synthesizer.test_synthesizer_data import data
from tests.voices import ROOT

SPOKEN = "this is the voice of a machine. it speaks calmly and clearly,"
"""How the shipped reference begins."""


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    """The beginning of the shipped reference, once with its words, once with a word nobody knows, once with phones."""
    wave = Waveform.read(ROOT / "saved_models/default/reference.flac").at(16000)
    samples = np.round(wave.samples[: round(4.5 * 16000)] * 32767).astype(np.int16)
    texts = [SPOKEN, SPOKEN.replace("voice", "xyzzyx"), SPOKEN.replace("voice", "{V OY1 S}")]
    records = [Record(f"r-{i}", "r", i * len(samples), len(samples), 4.5, text) for i, text in enumerate(texts)]
    path = tmp_path_factory.mktemp("prepared") / "mine/synthesizer/shard-00000.safetensors"
    write_shard(path, [samples] * 3, records, {"settings": {"sample_rate": 16000}, "left_out": [], "source": []})
    return path


def test_every_word_is_found_in_its_order(shard):
    assert align_shard(shard) == (1, 2)
    times = Shard(alignment_path(shard))
    first, unknown, phones = times.records
    assert first.length == len(SPOKEN.split())
    assert unknown.length == phones.length == 0
    spans = times.data[: first.length]
    assert (np.diff(spans.ravel()) >= -1e-6).all()
    # The reference says its first word at once, and the comma comes within these seconds.
    assert spans[0, 0] < 0.5
    assert 3 < spans[-1, 1] <= 4.5


def test_what_is_aligned_is_not_aligned_again(shard, monkeypatch):
    align_shard(shard)
    monkeypatch.setattr("synthesizer.align._decoder", lambda: pytest.fail("aligned again"))
    assert align_shard(shard) == (1, 2)


def test_a_folder_that_is_not_prepared_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["align", str(tmp_path)])
    with pytest.raises(InputError, match="holds no prepared corpus"):
        main()


def test_places_of_words_are_those_of_their_tokens():
    spoken = pronounce("Hello, xyzzyx: don't!")
    tokens = encode(spoken)
    (a, b), (c, d), (e, f) = word_places(spoken)
    assert spoken == "{HH AH0 L OW1}, xyzzyx: {D OW1 N T}!"
    assert (tokens[a:b], tokens[c:d], tokens[e:f]) == tuple(
        encode(word)[:-1] for word in ("{HH AH0 L OW1}", "xyzzyx", "{D OW1 N T}")
    )


def test_a_path_goes_through_each_word_in_its_time():
    places, spans = [(0, 4), (6, 10)], np.array([[0.5, 1.0], [2.0, 2.4]], np.float32)
    path = path_through(places, spans, np.array([0.5, 0.75, 1.0, 1.5, 2.0, 2.2, 2.4, 3.0]), 12)
    assert path[:7].tolist() == pytest.approx([0, 2, 4, 5, 6, 8, 10], abs=1e-5)
    assert 10 < path[7] <= 12
    assert (path_through(places, spans[:1], np.arange(3.0), 12) == -1).all()


def test_attention_that_follows_a_path_is_the_best_there_is():
    paths = torch.linspace(0.5, 9.5, 20)[None]
    steps, tokens = torch.tensor([20]), torch.tensor([10])
    follows = attention_of_paths(paths, tokens, 12)
    assert follows.sum(-1).allclose(torch.ones(1, 20))
    assert (follows[..., 10:] == 0).all()
    even = torch.full((1, 20, 12), 1 / 12)
    late = follows.roll(3, dims=1)
    losses = [guided_attention_loss(each, steps, tokens, 0.2, paths) for each in (follows, late, even)]
    assert losses[0] < losses[1]
    assert losses[0] < losses[2]
    unknown = torch.full_like(paths, -1)
    assert guided_attention_loss(even, steps, tokens, 0.2, unknown) == guided_attention_loss(even, steps, tokens, 0.2)


def test_a_batch_has_the_paths_that_are_known(tmp_path):
    folder = write_spelled(tmp_path / "spelled")
    path = folder / "synthesizer/shard-00000.safetensors"
    shard = Shard(path)
    rows = [np.zeros((len(word_places(record.text)), 2), np.float32) for record in shard.records]
    for row, record in zip(rows, shard.records):
        row[:] = np.linspace(0, record.seconds, row.size).reshape(-1, 2)
    starts = np.cumsum([0, *map(len, rows)])
    records = [replace(r, start=int(at), length=len(row)) for r, at, row in zip(shard.records, starts, rows)]
    write_shard(alignment_path(path), rows, records, {"settings": {}})
    source = data(folder)
    batch = source.batch([0, len(source.corpus.records) - 1])
    frames = batch["mel_lengths"].tolist()
    assert (batch["paths"][0, : frames[0]] >= 0).all()
    assert (batch["paths"][0].diff()[: frames[0] - 1] >= 0).all()
    assert (batch["paths"][1] == -1).all()


def test_in_training_the_memory_is_read_where_the_words_are():
    """With all recordings forced, what is said does not depend on where attention would have looked."""
    from tests.synthesizer.test_tacotron2 import TINY, tiny

    paths = torch.linspace(0.5, 7.5, 6)[None]
    spoken = {}
    for share in (1.0, 0.0):
        model = tiny()
        model.decoder.config = replace(TINY, dropout=0.0, lstm_dropout=0.0, frame_dropout=0.0, forced_attention=share)
        model.decoder.train()
        memory = torch.randn(1, 8, model.decoder.key.in_features, generator=torch.Generator().manual_seed(0))
        for turned in (False, True):
            if turned:
                torch.nn.init.normal_(model.decoder.query.weight, std=3.0, generator=torch.Generator().manual_seed(1))
            reduction = int(model.reduction)
            mels = torch.zeros(1, 6 * reduction, model.mel.n_mels)
            spoken[share, turned] = model.decoder(memory, torch.tensor([8]), mels, reduction, paths)[0].detach()
    torch.testing.assert_close(spoken[1.0, False], spoken[1.0, True])
    assert not torch.allclose(spoken[0.0, False], spoken[0.0, True])
