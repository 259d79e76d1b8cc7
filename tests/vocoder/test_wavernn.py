"""WaveRNN: that it hears and says the right samples, that its fast ways say what the plain one does, and its folds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from speech.errors import InputError
from speech.mel import MelConfig
from vocoder.models.wavernn import Config, Model, Task, generation, kernel, outputs, stepping
from vocoder.models.wavernn.folding import folds_of, join

MEL = MelConfig()
TINY = Config(rnn_dims=32, fc_dims=32, compute_dims=8, res_dims=16, res_blocks=1, fold=1500, overlap=200)


def make(config=TINY, seed=0) -> Model:
    torch.manual_seed(seed)
    model = Model(config, MEL).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return model


def some_mel(frames=12, seed=0):
    return torch.randn(80, frames, generator=torch.Generator().manual_seed(seed)) - 4


needs_kernel = pytest.mark.skipif(kernel.library() is None, reason="no C compiler, or no AVX-512 VNNI")

# ---- steps against the network as it is trained


def outputs_after(engine, model, mel, samples):
    """What an engine would draw the next sample from, having heard `samples` (N,) of a sound."""
    with torch.inference_mode():
        conditions, begins = generation.conditions_of(model, [mel])
        chances = torch.rand(1, len(samples) + 1, 2)
        engine.start(conditions, torch.tensor([begins[0] * MEL.hop_length]), chances)
        for sample in [*samples, None]:
            given = engine.outputs()
            engine.step += 1
            if sample is not None:
                engine.before = sample[None]
    return given[0]


@pytest.mark.parametrize("output", ["raw", "mol"])
def test_steps_say_what_the_trained_network_does(output):
    model, mel = make(replace(TINY, output=output)), some_mel()
    samples = torch.rand(600) * 2 - 1
    heard = F.pad(samples, (1, len(mel[0]) * MEL.hop_length - 601))[None]
    with torch.no_grad():
        wanted = model(heard, F.pad(mel, (2, 2), value=-100.0)[None])[0, 600]
    torch.testing.assert_close(outputs_after(stepping.Steps(model, torch.float32), model, mel, samples), wanted)


@needs_kernel
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rows", [1, 3, 11])
def test_the_kernel_says_what_steps_do(rows, threads):
    model, before = make(), torch.get_num_threads()
    fast, plain = kernel.Kernel(model), stepping.Steps(model, torch.float32)
    given = torch.zeros(rows, model.config.outputs)
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            conditions, begins = generation.conditions_of(model, [some_mel(40)])
            starts = begins[0] * MEL.hop_length + torch.arange(rows) * 531
            for engine in (fast, plain):
                engine.start(conditions, starts, torch.rand(rows, 80, 2))
            said = fast.go(rows, 80, given)
            for sample in said.T:
                wanted = plain.outputs()
                plain.before, plain.step = sample.clone(), plain.step + 1
    finally:
        torch.set_num_threads(before)
    assert (given - wanted).abs().max() < 0.1 * wanted.std()
    assert F.cosine_similarity(given, wanted).min() > 0.999


@needs_kernel
def test_the_kernel_draws_as_the_plain_way_does():
    """From the same chances, nearly always the same sample: rounding may tip a few."""
    for output in ("raw", "mol"):
        model = make(replace(TINY, output=output))
        said = []
        for engine in (kernel.Kernel(model), stepping.Steps(model, torch.float32)):
            with torch.inference_mode():
                conditions, begins = generation.conditions_of(model, [some_mel()])
                starts = torch.full((64,), begins[0] * MEL.hop_length)
                engine.start(conditions, starts, torch.rand(64, 1, 2, generator=torch.Generator().manual_seed(1)))
                said.append(engine.go(64, 1)[:, 0])
        assert ((said[0] - said[1]).abs() < 0.01).float().mean() > 0.9


def test_without_a_compiler_it_still_speaks(monkeypatch):
    monkeypatch.setattr(kernel, "library", lambda: None)
    model = make()
    assert len(model.vocode(some_mel(2)).samples) == 2 * MEL.hop_length
    assert isinstance(model.engines["engine"], stepping.Steps)


@needs_kernel
def test_new_weights_are_heard():
    model, other = make(), make(seed=1)
    first = model.vocode(some_mel(2)).samples
    model.load_state_dict(other.state_dict())
    assert (model.vocode(some_mel(2)).samples == other.vocode(some_mel(2)).samples).all()
    assert (model.vocode(some_mel(2)).samples != first).any()


# ---- what is learned


def test_a_sample_is_learned_from_those_before_it():
    task = Task(TINY, MEL)
    samples = torch.rand(2, TINY.segment) * 0.2
    heard, said = task.heard_and_said(samples)
    edge = TINY.pad * MEL.hop_length
    raised = samples[:, edge:-edge] - TINY.preemphasis * samples[:, edge - 1 : -edge - 1]
    torch.testing.assert_close(said, outputs.levels_of(raised, TINY.bits))
    torch.testing.assert_close(heard[:, 1:] * 255.5 + 255.5, said[:, :-1].float(), atol=1e-3, rtol=0)


def test_upsampling_is_repetition_and_smoothing():
    model, mel = make(), torch.randn(1, 80, 9)
    x = mel
    for rate, smooth in zip(model.upsample.rates, model.upsample.filters):
        x = F.conv1d(x.repeat_interleave(rate, dim=-1).reshape(80, 1, -1), smooth, padding=rate).reshape(1, 80, -1)
    wanted = x[..., 2 * MEL.hop_length : -2 * MEL.hop_length].mT
    torch.testing.assert_close(model.upsample(mel), wanted, atol=1e-4, rtol=1e-4)


def test_levels_there_and_back():
    samples = torch.linspace(-1, 1, 4001)
    again = outputs.expand(outputs.compress(samples, 9), 9)
    assert (again - samples).abs().max() < 0.0125
    assert (again - samples).abs()[1980:2020].max() < 2e-4  # fine where it is quiet
    assert outputs.levels_of(torch.tensor([-2.0, 0.0, 2.0]), 9).tolist() == [0, 256, 511]


def test_a_mixtures_shares_sum_to_one():
    """Over all 16-bit samples, the two at the ends standing for what lies beyond."""
    torch.manual_seed(0)
    mixture = torch.cat([torch.randn(20), torch.full((10,), -4.0)])
    grid = torch.linspace(-1, 1, 65536)
    share = lambda value: (-outputs.mixture_loss(mixture, value)).exp().item()  # noqa: E731
    between = sum(map(share, grid[32:-32:64])) * 64
    assert abs(share(grid[0]) + between + share(grid[-1]) - 1) < 0.01


@pytest.mark.parametrize("kind", ["raw", "mol"])
def test_samples_are_drawn_by_their_probability(kind):
    generator = torch.Generator().manual_seed(0)
    chances = torch.rand(20000, 2, generator=generator)
    if kind == "raw":
        logits = torch.tensor([0.0, 1.0, 2.0, -1.0]).expand(20000, 4)
        drawn = ((outputs.draw_level(logits, chances[:, 0]) + 1) * 1.5).round().long()
        shares = torch.bincount(drawn, minlength=4) / 20000
        torch.testing.assert_close(shares, torch.softmax(logits[0], -1), atol=0.01, rtol=0)
    else:
        mixture = torch.tensor([0.0, 1.0, -0.5, 0.25, -3.0, -4.0]).expand(20000, 6)
        drawn = outputs.draw_mixture(mixture, chances)
        share = torch.sigmoid(torch.tensor(1.0))
        torch.testing.assert_close(drawn.mean(), -0.5 * (1 - share) + 0.25 * share, atol=0.01, rtol=0)


# ---- folds


@pytest.mark.parametrize("length", [1, 199, 1500, 2999, 3000, 10007])
def test_folds_lose_nothing(length):
    """What all folds agree on comes out as it was, to its very ends."""
    sound = np.random.default_rng(0).standard_normal(length).astype(np.float32)
    folds = folds_of(0, length, 1500, 200)
    assert len(folds) == max(1, length // 1500)
    assert folds[0].start == 0
    assert folds[-1].start + folds[-1].length == length
    pieces = [sound[fold.start : fold.start + fold.length] for fold in folds]
    np.testing.assert_allclose(join(folds, pieces, 200), sound, atol=1e-6)


def test_without_folds_a_sound_is_made_in_one():
    assert len(folds_of(0, 100_000, 0, 512)) == 1


def test_several_sounds_are_each_as_alone():
    model = make()
    mels = [some_mel(frames, seed=frames) for frames in (3, 31, 17, 1)]
    together = model.vocode_many(mels, seed=5)
    for mel, wave in zip(mels, together):
        np.testing.assert_array_equal(wave.samples, model.vocode(mel, seed=5).samples)


def test_the_seed_decides():
    model, mel = make(), some_mel(4)
    once, again, other = (model.vocode(mel, seed=seed).samples for seed in (1, 1, 2))
    assert (once == again).all()
    assert (once != other).any()


def test_progress_is_told_and_may_end_it():
    model, told = make(), []
    model.vocode(some_mel(20), progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] >= 20 * MEL.hop_length
    assert [done for done, _ in told] == sorted({done for done, _ in told})

    def enough(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.vocode(some_mel(20), progress=enough)


# ---- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"output": "gauss"}, "raw or mol; found 'gauss'"),
        ({"bits": 16}, "between 4 and 12; found 16"),
        ({"rnn_dims": 100}, "multiple of 16; found 100"),
        ({"overlap": 1500}, "less than model.fold = 1500; found 1500"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(TINY, **change)


def test_rates_and_segments_that_do_not_fit_the_mel_are_refused():
    with pytest.raises(InputError, match=r"must be mel.hop_length = 256; found \(4, 4\), which gives 16"):
        Model(replace(TINY, upsample_rates=(4, 4)), MEL)
    with pytest.raises(InputError, match="of more than the 4 frames that are only looked at; found 1024"):
        Task(replace(TINY, segment=1024), MEL)
