"""Tacotron 2: padding changes nothing, speaking ends, and what it learns from is what it says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from speech.errors import InputError
from speech.mel import MelConfig
from synthesizer.losses import length_mask
from synthesizer.models.tacotron2 import Config, Task, network
from synthesizer.models.tacotron2 import decoder as decoding
from synthesizer.models.tacotron2.decoder import Ending, Reader, attention_windows
from synthesizer.text import SYMBOLS, encode, pronounce
from tests.synthesizer.made import TINY, made_voice, tiny

LONG = "The boy was there when the sun rose, and so was his old dog."
TEXTS = ["Hi.", LONG, "Rain, rain."]
FRAMES_PER_SECOND = MelConfig().frames_per_second


@pytest.fixture
def in_float32(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)


def training_batch(lengths=((7, 30), (12, 47), (4, 19))) -> dict[str, torch.Tensor]:
    """lengths: (tokens, frames) of each item."""
    torch.manual_seed(3)
    tokens, frames = (torch.tensor(each) for each in zip(*lengths))
    batch = len(lengths)
    return {
        "tokens": torch.randint(1, len(SYMBOLS), (batch, int(tokens.max()))) * length_mask(tokens, int(tokens.max())),
        "token_lengths": tokens,
        "voices": torch.nn.functional.normalize(torch.randn(batch, 256), dim=-1),
        "mels": torch.randn(batch, int(frames.max()), 80) - 5,
        "mel_lengths": frames,
    }


@pytest.mark.usefixtures("in_float32")
@pytest.mark.parametrize("refiner_layers", [0, 2])
def test_a_text_is_the_same_alone_and_in_a_batch(refiner_layers):
    model = tiny(config=replace(TINY, refiner_layers=refiner_layers, refiner_dim=16))
    if refiner_layers:
        torch.nn.init.normal_(model.refiner.velocity.weight, std=0.1)
    model.decoder.stop.bias.data.fill_(5.0)  # stop as soon as the end is attended to
    voices = [made_voice(seed) for seed in range(3)]
    together = model.synthesize(TEXTS, voices, seed=4)
    for place, (text, voice) in enumerate(zip(TEXTS, voices)):
        for others in ([text], [text, LONG + " " + LONG], [text, text]):
            own = [voice] + [made_voice(9)] * (len(others) - 1)
            alone, ours = model.synthesize(others, own, seed=4)[0], together[place]
            assert alone.mel.shape == ours.mel.shape
            torch.testing.assert_close(alone.mel, ours.mel, rtol=0, atol=1e-4)
            np.testing.assert_allclose(alone.alignment, ours.alignment, atol=1e-4)
            assert alone.finished == ours.finished


def test_seeds():
    model, voice = tiny(), made_voice(0)
    model.decoder.prenet_gates.weight.data.mul_(8)  # untrained, the prenet hardly counts
    (one,), (again,), (other,) = (model.synthesize(["A red house."], [voice], seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.mel, again.mel)
    frames = min(one.mel.shape[1], other.mel.shape[1])
    assert (one.mel[:, :frames] - other.mel[:, :frames]).abs().max() > 1e-3


def test_voices_and_texts_differ():
    model = tiny()
    one, other, third = model.synthesize(["Rain."] * 2 + ["Ruin."], [made_voice(0), made_voice(1), made_voice(0)])
    assert not torch.equal(one.mel, other.mel)
    assert not torch.equal(one.mel, third.mel)


def test_an_untrained_model_ends_and_says_that_it_was_cut_off():
    model = tiny()
    model.decoder.stop.bias.data.fill_(-100.0)
    model.decoder.query.weight.data.zero_()  # attention that stays where it began
    model.decoder.location_key.weight.data.zero_()
    model.decoder.key.weight.data.zero_()
    for made, text in zip(model.synthesize(TEXTS[1:], [made_voice(0)] * 2), TEXTS[1:]):
        most = (
            len(encode(pronounce(text))) * network.MOST_SECONDS_PER_TOKEN + network.MOST_SECONDS_MORE
        ) * FRAMES_PER_SECOND
        assert not made.finished
        assert most - 3 < made.mel.shape[1] <= most
        assert made.mel.shape[1] == len(made.alignment) * 2
        assert torch.isfinite(made.mel).all()


def test_what_a_synthesis_holds():
    model = tiny()
    (made,) = model.synthesize(["Dr. Lee has 2 boats."], [made_voice(0)])
    assert made.text == "doctor lee has two boats."
    assert made.mel.dtype == torch.float32
    assert made.mel.shape[0] == 80
    assert made.mel.min() >= -11.52
    assert made.alignment.shape[1] == len(encode(pronounce("Dr. Lee has 2 boats.")))
    np.testing.assert_allclose(made.alignment.sum(axis=1), 1, atol=1e-5)
    assert model.synthesize([], []) == []


@pytest.mark.parametrize("text", ["", "   ", "...", "😀"])
def test_what_cannot_be_spoken(text):
    with pytest.raises(InputError, match="word"):
        tiny().synthesize(["Fine.", text], [made_voice(0)] * 2)


def test_each_text_needs_a_voice():
    with pytest.raises(InputError, match="2 texts, 1 voices"):
        tiny().synthesize(["One.", "Two."], [made_voice(0)])


@pytest.mark.skipif(not network.fast_bfloat16(torch.device("cpu")), reason="this processor has no bfloat16")
def test_bfloat16_speaks_as_float32_does(monkeypatch):
    model, voice = tiny(), made_voice(0)
    (narrow,) = model.synthesize(["A red house."], [voice])
    weight = model.decoder.frames.weight
    assert weight.dtype == torch.float32  # the model itself stays as it is
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    (wide,) = model.synthesize(["A red house."], [voice])
    frames = min(20, narrow.mel.shape[1], wide.mel.shape[1])
    assert (narrow.mel[:, :frames] - wide.mel[:, :frames]).abs().mean() < 0.05
    monkeypatch.undo()
    optimizer = torch.optim.Adam([weight], lr=0.1, fused=True)
    weight.grad = torch.ones_like(weight)
    model.train()
    optimizer.step()
    model.eval()
    (changed,) = model.synthesize(["A red house."], [voice])
    assert not torch.equal(changed.mel[:, :frames], narrow.mel[:, :frames])  # the narrow copy is made anew
    model.load_state_dict(tiny().state_dict())
    assert torch.equal(model.synthesize(["A red house."], [voice])[0].mel, narrow.mel)


def test_a_refiner_in_bfloat16_refines_as_in_float32(monkeypatch):
    model, voice = tiny(config=replace(TINY, refiner_layers=1, refiner_dim=16)), made_voice(0)
    torch.nn.init.normal_(model.refiner.velocity.weight, std=0.1)
    (narrow,) = model.synthesize(["A red house."], [voice])
    with torch.no_grad():
        model.refiner.velocity.bias += 0.5
    (changed,) = model.synthesize(["A red house."], [voice])
    assert (changed.mel - narrow.mel).mean() > 0.5  # by log units: the copy in use is made anew
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    (wide,) = model.synthesize(["A red house."], [voice])
    frames = min(20, changed.mel.shape[1], wide.mel.shape[1])
    assert (changed.mel[:, :frames] - wide.mel[:, :frames]).abs().mean() < 0.05


def test_ending_is_each_items_own():
    """Against a loop over items: stops at the end of the text only, rests, limits."""
    rng = np.random.default_rng(0)
    lengths, most, linger = torch.tensor([5, 9, 4, 12]), torch.tensor([30, 30, 7, 30]), 4
    places = np.stack([np.minimum(rng.integers(0, 2, 30).cumsum(), n - 1) for n in lengths.tolist()])
    places[3] = 3
    stops = rng.normal(-2, 1, (4, 30))
    stops[1, :] = -9
    stops[3, 2] = 9  # too early to be believed
    ending = Ending(lengths, most, linger)
    for step in range(30):
        ending.hear(torch.tensor(places[:, step]), torch.tensor(stops[:, step]))
    assert not ending.running.any()
    for item in range(4):
        rest = 0
        for step in range(int(most[item])):
            at_end = places[item, step] >= lengths[item] - 2
            rest = rest + 1 if at_end else 0
            said = at_end and (stops[item, step] > 0 or rest >= linger)
            if said:
                break
        assert ending.steps[item] == step + 1
        assert ending.finished[item] == bool(said)
    assert not ending.finished[3]


def test_attention_windows():
    outside = ~length_mask(torch.tensor([9, 12]), 12)
    windows = attention_windows(outside)
    for item, length in enumerate((9, 12)):
        for place in range(12):
            allowed = [j for j in range(length) if place - decoding.WINDOW_BACK <= j <= place + decoding.WINDOW_AHEAD]
            assert (~windows[item, place]).nonzero().flatten().tolist() == allowed


def test_attention_moves_by_no_more_than_the_window():
    (made,) = tiny().synthesize([LONG], [made_voice(0)])
    place = 0
    for step in made.alignment:
        attended = np.flatnonzero(step)
        assert attended.min() >= place - decoding.WINDOW_BACK
        assert attended.max() <= place + decoding.WINDOW_AHEAD
        place = step.argmax()


def same_noise(monkeypatch) -> None:
    """The prenet's dropout, which stays on in use, alike for all batches."""
    noise = torch.rand(2, 1, 100, TINY.prenet_dim, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(network.torch, "rand", lambda layers, batch, steps, width, **_: noise[:, :, :steps])


def test_padding_changes_nothing_in_training(monkeypatch):
    same_noise(monkeypatch)
    model, batch = tiny(), training_batch()
    batch["mels"] = torch.nn.functional.pad(batch["mels"], (0, 0, 0, 1))
    keys = "tokens", "token_lengths", "voices", "mels", "mel_lengths"
    with torch.no_grad():
        together = model(*(batch[key] for key in keys))
        for item, (tokens, frames) in enumerate(zip(batch["token_lengths"].tolist(), batch["mel_lengths"].tolist())):
            even, steps = frames + frames % 2, -(-frames // 2)
            alone = {key: value[item : item + 1] for key, value in batch.items()}
            alone |= {"tokens": alone["tokens"][:, :tokens], "mels": alone["mels"][:, :even]}
            found = model(*(alone[key] for key in keys))
            close = {"rtol": 0, "atol": 1e-4}
            torch.testing.assert_close(found.before[0, :frames], together.before[item, :frames], **close)
            torch.testing.assert_close(found.after[0, :frames], together.after[item, :frames], **close)
            torch.testing.assert_close(found.stops[0], together.stops[item, :steps], **close)
            torch.testing.assert_close(found.alignment[0], together.alignment[item, :steps, :tokens], **close)
            assert (together.alignment[item, :, tokens:] == 0).all()


def test_teacher_forcing_and_speaking_are_one_network(monkeypatch, in_float32):
    """Fed with what was spoken, the network says it again."""
    config = replace(TINY, dropout=0.0, refiner_layers=1, refiner_dim=16, refiner_leaning=0.5)
    model, text = tiny(config=config), "Rain, rain."
    torch.nn.init.normal_(model.refiner.velocity.weight, std=0.1)
    torch.nn.init.normal_(model.refiner.plain_voice)
    for attribute in ("WINDOW_BACK", "WINDOW_AHEAD"):
        monkeypatch.setattr(decoding, attribute, 1000)
    monkeypatch.setattr(decoding.Decoder, "_prenet_noise", lambda self, generator, like: like.new_ones(32, 2, 1, 16))
    spoken = []
    stack = model.decoder.speak
    monkeypatch.setattr(model.decoder, "speak", lambda *given: spoken.append(stack(*given)) or spoken[-1])
    voice = made_voice(0)
    (made,) = model.synthesize([text], [voice])
    frames, outputs, alignment = (each.clone() for each in spoken[0])
    monkeypatch.setattr(network.torch, "rand", lambda *shape, **_: torch.ones(shape))
    tokens = torch.tensor([encode(pronounce(text))])
    lengths = torch.tensor([tokens.shape[1]]), torch.tensor([frames.shape[1]])
    voices = torch.from_numpy(voice.embedding)[None]
    with torch.no_grad():
        mels = frames * network.MEL_SCALE + network.MEL_MEAN
        decoded = model(tokens, lengths[0], (voices + model.refiner.plain_voice) / 2, mels, lengths[1])
    torch.testing.assert_close(decoded.before, frames, rtol=0, atol=1e-4)
    torch.testing.assert_close(decoded.outputs, outputs, rtol=0, atol=1e-4)
    torch.testing.assert_close(decoded.alignment, alignment, rtol=0, atol=1e-4)
    mask = torch.ones(frames.shape[:2], dtype=torch.bool)
    refined = model.refiner(decoded.after, decoded.outputs, voices, mask, seed=0)
    after = (refined[0] * network.MEL_SCALE + network.MEL_MEAN).clamp_min(-11.52)
    torch.testing.assert_close(after.T, made.mel, rtol=0, atol=1e-3)


def test_with_a_refiner_the_decoder_speaks_in_one_voice(in_float32):
    model = tiny(config=replace(TINY, refiner_layers=1, refiner_dim=16))
    voices = [made_voice(0), made_voice(1)]
    one, other = model.synthesize(["Rain, rain."] * 2, voices)
    np.testing.assert_allclose(one.alignment, other.alignment, atol=1e-4)
    bare = tiny()
    bare.load_state_dict({key: value for key, value in model.state_dict().items() if not key.startswith("refiner.")})
    model.refiner.plain_voice.copy_(torch.from_numpy(voices[1].embedding))
    for leaning, voice in ((0.0, voices[1]), (1.0, voices[0])):
        model.config = replace(model.config, refiner_leaning=leaning)
        (spoken,), (wanted,) = model.synthesize(["Rain, rain."], voices[:1]), bare.synthesize(["Rain, rain."], [voice])
        np.testing.assert_allclose(spoken.alignment, wanted.alignment, atol=1e-4)


def test_attention_is_as_in_the_paper():
    """One step of the reader against location-sensitive attention written out (arXiv 1506.07503, section 2.2)."""
    decoder = tiny().decoder
    torch.manual_seed(1)
    memory, lengths = torch.randn(2, 6, 16 + 256), torch.tensor([6, 4])
    with torch.no_grad():
        reader = Reader(decoder, memory, lengths)
        state = reader.step(torch.randn(2, 96), reader.start())
        after = reader.step(torch.randn(2, 96), state)
        features = decoder.location_key(decoder.location(state.history).mT)
        energies = decoder.energy(torch.tanh(decoder.key(memory) + decoder.query(after.hidden)[:, None] + features))
        wanted = torch.softmax(energies.squeeze(-1).masked_fill(~length_mask(lengths, 6), -torch.inf), dim=-1)
    torch.testing.assert_close(after.alignment, wanted, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(after.context, (wanted[..., None] * memory).sum(1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(after.history[:, 1], state.alignment + after.alignment)


def test_reduction_changes_at_its_step():
    task = Task(replace(TINY, reduction=((0, 3), (5, 2), (8, 1))), MelConfig())
    model, batch = task.networks["model"], training_batch()
    found = []
    for step in (0, 4, 5, 7, 8, 100):
        for _ in task.losses(batch, step):
            found.append(int(model.reduction))
            decoded, _, step_lengths = task._decode(batch)
            assert decoded.stops.shape[1] == -(-47 // found[-1])
            assert step_lengths.tolist() == [-(-n // found[-1]) for n in (30, 47, 19)]
            assert decoded.after.shape[1] == decoded.stops.shape[1] * found[-1]
    assert found == [3, 3, 2, 2, 1, 1]
    assert int(model.state_dict()["reduction"]) == 1  # a checkpoint speaks with what it learned last


@pytest.mark.parametrize("reduction", [(), ((5, 2),), ((0, 2), (9, 1), (4, 1)), ((0, 0),)])
def test_impossible_reductions(reduction):
    with pytest.raises(InputError, match=r"model\.reduction"):
        Config(reduction=reduction)


def test_kernels_are_odd():
    with pytest.raises(InputError, match=r"model\.location_kernel must be odd"):
        Config(location_kernel=30)


def test_every_weight_learns():
    task = Task(TINY, MelConfig())
    ((_, loss, figures),) = task.losses(training_batch(), 0)
    loss.backward()
    for name, parameter in task.networks["model"].named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    assert set(figures) == {"mel", "stop", "guide", "diagonality"}


def test_it_says_when_attention_does_not_align():
    task = Task(replace(TINY, align_by=10), MelConfig())
    assert task.complaint(9, {"diagonality": 0.4}) is None
    assert task.complaint(10, {"diagonality": 0.9}) is None
    assert "does not align by step 10: diagonality 0.40" in task.complaint(10, {"diagonality": 0.4})


def test_validation_is_repeatable():
    task, batch = Task(TINY, MelConfig()), training_batch()
    task.networks["model"].eval()
    with torch.no_grad():
        figures = task.validate([batch])
        assert figures == task.validate([batch])
    assert set(figures) == {"loss", "mel_mse", "mel_mae", "stop_error", "diagonality", "coverage"}
    assert all(np.isfinite(value) for value in figures.values())
