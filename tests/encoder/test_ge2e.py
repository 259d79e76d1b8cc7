import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_curve

from encoder.losses import Similarity, cosines_to_centroids, equal_error_rate, softmax_loss, verification_scores
from encoder.models.ge2e import Config, Model, Task, features
from speech.errors import InputError
from speech.mel import ENCODER_MEL
from speech.waveform import Waveform
from tests.voices import voice

# ---- the loss


def embeddings(speakers=4, utterances=3, size=5, seed=0) -> torch.Tensor:
    made = torch.randn(speakers, utterances, size, generator=torch.manual_seed(seed), dtype=torch.float64)
    return F.normalize(made, dim=-1)


def slow_loss(e: torch.Tensor, scale: float, bias: float) -> torch.Tensor:
    """Equations 6, 8 and 9 of arXiv 1710.10467 as they are written, one utterance at a time."""
    speakers, utterances, _ = e.shape
    losses = []
    for j in range(speakers):
        for i in range(utterances):
            scores = []
            for k in range(speakers):
                if k == j:
                    centroid = sum(e[j, m] for m in range(utterances) if m != i) / (utterances - 1)
                else:
                    centroid = sum(e[k, m] for m in range(utterances)) / utterances
                scores.append(scale * F.cosine_similarity(e[j, i], centroid, dim=0) + bias)
            losses.append(-scores[j] + torch.log(sum(torch.exp(score) for score in scores)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("shape", [(4, 3, 5), (2, 2, 2), (7, 5, 16), (1, 2, 4)])
def test_the_loss_is_the_papers(shape):
    ours, theirs = embeddings(*shape).requires_grad_(), embeddings(*shape).requires_grad_()
    found = softmax_loss(Similarity(10.0, -5.0).double()(F.normalize(ours, dim=-1)))
    wanted = slow_loss(F.normalize(theirs, dim=-1), 10, -5)
    torch.testing.assert_close(found, wanted)
    found.backward()
    wanted.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_gradients_are_right():
    raw = embeddings().requires_grad_()
    loss = Similarity(3.0, 1.0).double()
    assert torch.autograd.gradcheck(lambda x: softmax_loss(loss(F.normalize(x, dim=-1))), raw)


def test_voices_apart_cost_little_and_voices_alike_cost_chance():
    apart = torch.eye(4)[:, None].expand(4, 3, 4)
    alike = torch.ones(4, 3, 4) / 2
    loss = Similarity(20.0, -5.0)
    assert softmax_loss(loss(apart)).item() < 1e-6
    assert softmax_loss(loss(alike)).item() == pytest.approx(math.log(4), abs=1e-5)


def test_the_scale_stays_positive_whatever_pushes_it():
    loss = Similarity()
    optimizer = torch.optim.SGD(loss.parameters(), lr=0.1)
    fixed = embeddings().float()
    for _ in range(500):
        optimizer.zero_grad()
        (loss(fixed) * torch.where(cosines_to_centroids(fixed) > 0, 1.0, -1.0)).sum().backward()
        torch.nn.utils.clip_grad_norm_(loss.parameters(), 1.0)
        optimizer.step()
    assert loss.log_scale.item() < 0  # it was 2.3
    assert loss.log_scale.exp().item() > 0


def test_the_scale_learns_at_a_hundredth_of_the_rate():
    groups = Task(Config(hidden=4, layers=1, embedding=4), ENCODER_MEL).optimizers["model"].param_groups
    assert [group.get("rate_scale", 1.0) for group in groups] == [1.0, 0.01]
    assert len(groups[1]["params"]) == 2


# ---- the equal error rate


def brute_force(same, different) -> float:
    """By every threshold, from refusing nobody to refusing all, and the crossing between two of them."""
    thresholds = [-np.inf, *sorted({*same, *different}), np.inf]
    points = [(np.mean(same < t), np.mean(different >= t)) for t in thresholds]
    for (refused, accepted), (then_refused, then_accepted) in pairwise(points):
        if then_refused >= then_accepted:
            before, after = refused - accepted, then_refused - then_accepted
            return refused + -before / (after - before) * (then_refused - refused)
    raise AssertionError


@pytest.mark.parametrize("seed", range(12))
def test_the_equal_error_rate_is_the_reference(seed):
    rng = np.random.default_rng(seed)
    same, different = rng.normal(1, 1, rng.integers(1, 60)), rng.normal(0, 1, rng.integers(1, 90))
    if seed % 2:  # ties
        same, different = np.round(same, 1), np.round(different, 1)
    assert equal_error_rate(same, different) == pytest.approx(brute_force(same, different))


def test_the_equal_error_rate_agrees_with_sklearn():
    rng = np.random.default_rng(0)
    same, different = rng.normal(1.5, 1, 3000), rng.normal(0, 1, 5000)
    accepted, right, _ = roc_curve(np.r_[np.ones(3000), np.zeros(5000)], np.r_[same, different])
    place = np.argmin(np.abs(1 - right - accepted))
    assert equal_error_rate(same, different) == pytest.approx(accepted[place], abs=1e-3)
    assert equal_error_rate(same, different) == pytest.approx(0.227, abs=0.02)  # the normal's tail beyond 0.75


@pytest.mark.parametrize(
    ("same", "different", "rate"),
    [
        ([0.9, 0.8], [0.1, 0.2], 0.0),
        ([0.9], [0.1], 0.0),
        ([0.1, 0.2], [0.9, 0.8], 1.0),
        ([0.5, 0.5], [0.5, 0.5, 0.5], 0.5),
        ([0.9, 0.5], [0.5, 0.1], 0.25),
        ([1, 2, 3, 4], [1, 2, 3, 4], 0.5),
    ],
)
def test_known_equal_error_rates(same, different, rate):
    found = equal_error_rate(np.array(same, np.float32), np.array(different, np.float32))
    assert found == pytest.approx(rate)
    assert brute_force(np.array(same), np.array(different)) == pytest.approx(rate)


def test_trials_are_counted_right():
    same, different = verification_scores(torch.arange(18.0).reshape(3, 2, 3))
    assert same.tolist() == [0, 3, 7, 10, 14, 17]
    assert len(different) == 12


# ---- embeddings of recordings


@pytest.fixture(scope="module")
def model() -> Model:
    torch.manual_seed(0)
    return Model(Config(hidden=32, layers=2, embedding=16), ENCODER_MEL).eval()


@pytest.mark.parametrize("seconds", [0.7, 1.6, 5.0, 70.0])
def test_an_embedding_has_unit_length_however_long_the_recording(model, seconds):
    made = model.embed([voice(1, seconds)])
    assert made.shape == (1, 16)
    assert made.dtype == torch.float32
    assert made.norm(dim=-1).item() == pytest.approx(1, abs=1e-5)
    assert made.isfinite().all()


def test_a_recording_is_embedded_alike_alone_and_among_others(model):
    waves = [voice(seed, seconds) for seed, seconds in [(1, 0.8), (2, 3.0), (3, 12.0), (1, 1.7)]]
    together = model.embed(waves)
    for wave, embedding in zip(waves, together):
        torch.testing.assert_close(model.embed([wave])[0], embedding, atol=5e-3, rtol=0)
    mels = [features(wave, ENCODER_MEL) for wave in waves]
    torch.testing.assert_close(model.embed_features(mels, at_once=3), together, atol=5e-3, rtol=0)
    assert F.cosine_similarity(together[1], together[2], dim=0) < 0.9999


@pytest.mark.parametrize("decibels", [-45.0, -12.0])
def test_loudness_is_no_part_of_a_voice(model, decibels):
    wave = voice(2, 3.0)
    torch.testing.assert_close(model.embed([wave.at_loudness(decibels)]), model.embed([wave]), atol=1e-2, rtol=0)


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_the_rate_of_the_recording_does_not_matter(rate):
    wave = voice(2, 3.0)
    ours, theirs = features(wave, ENCODER_MEL), features(wave.at(48000).at(rate), ENCODER_MEL)
    bands = 30 if rate == 8000 else 39  # what lies above half the rate is gone
    count = min(len(ours), len(theirs))
    assert abs(len(ours) - len(theirs)) <= 3
    assert (ours[5 : count - 5, :bands] - theirs[5 : count - 5, :bands]).abs().mean() < 0.1


def test_pauses_are_not_heard(model):
    wave = voice(3, 4.0)
    padded = Waveform.join([Waveform.silence(2, 16000), wave, Waveform.silence(3, 16000)])
    assert F.cosine_similarity(model.embed([wave]), model.embed([padded])).item() > 0.99


@pytest.mark.parametrize(
    ("wave", "said"),
    [
        (Waveform.silence(3, 16000), "the recording is silent; speech is needed"),
        (Waveform(np.zeros(0, np.float32), 16000), "silent"),
        (Waveform(np.full(48000, 1e-5, np.float32), 16000), "silent"),
        (voice(1, 0.3), r"only 0\.\d\d s of speech in 0\.30 s; at least 0\.5 s are needed"),
        (
            Waveform((0.1 * np.random.default_rng(0).standard_normal(48000)).astype(np.float32), 16000),
            "s of speech in 3.00",
        ),
    ],
    ids=["silence", "nothing", "nearly silence", "short", "noise"],
)
def test_what_holds_no_speech_is_refused(model, wave, said):
    with pytest.raises(InputError, match=said):
        model.embed([wave])
    with pytest.raises(InputError, match=said):
        model.embed([voice(1, 2.0), wave])


def test_partials_cover_all_that_is_said(model):
    length = model.config.partial_frames
    for frames in (1, 50, 159, 160, 161, 240, 400, 1001):
        mel = torch.arange(frames, dtype=torch.float32)[:, None].expand(-1, 40)
        partials = model._partials(mel)
        assert partials.shape[1:] == (length, 40)
        assert set(partials[:, :, 0].flatten().tolist()) == set(range(frames))
        starts = partials[:, 0, 0]
        assert (starts.diff() <= length // 2).all()
        assert (starts.diff() > 0).all()


def test_it_complains_of_chance_but_not_too_early():
    task = Task(Config(hidden=4, layers=1, embedding=4), ENCODER_MEL)
    assert task.complaint(1000, {"eer": 0.5}) is None
    assert task.complaint(3000, {"eer": 0.05}) is None
    assert "held-out speakers are told apart hardly better than by chance (EER 40%)" in task.complaint(
        3000, {"eer": 0.4}
    )
