"""Timbre's side. Each function prepares one job and returns what is to be timed, or figures."""

from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import torch

from cloning import Cloner
from encoder.models import ge2e
from speech.mel import MelConfig, log_mel
from speech.voice import Voice
from speech.waveform import Waveform
from synthesizer.models import tacotron2
from synthesizer.models.tacotron2 import network
from synthesizer.text import SYMBOLS
from training.checkpoint import load_model
from training.distributed import World
from training.laps import Laps
from training.loop import _learn
from vocoder.data import margin
from vocoder.models import hifigan
from vocoder.models import wavernn as wave_rnn

CPU = torch.device("cpu")
MEL_16K = MelConfig(sample_rate=16000, hop_length=200, win_length=800)


def threads() -> dict:
    return {"threads": torch.get_num_threads()}


def embed(clips: list[str], trim: bool):
    """Embeddings of recordings; `trim`: from the recording, else from sound whose pauses are taken to be gone."""
    model = ge2e.Model(ge2e.PRESETS["paper"], ge2e.MEL).eval()
    waves = [Waveform.read(clip) for clip in clips]
    if trim:
        return lambda: model.embed(waves)
    return lambda: model.embed_features([log_mel(torch.from_numpy(wave.samples), model.mel).T for wave in waves])


def encoder_step(speakers: int, utterances: int, frames: int, bf16: bool = True):
    config = replace(ge2e.PRESETS["paper"], utterances=utterances, partial_frames=frames)
    batch = {"mels": torch.randn(speakers, utterances, frames, ge2e.MEL.n_mels) * 2.5 - 6}
    return _step(ge2e.Task(config, ge2e.MEL), batch, replace(ge2e.SCHEDULE, bf16=bf16))


def synthesizer_step(preset: str, batch: int, frames: int, tokens: int, reduction: int):
    config = replace(tacotron2.PRESETS[preset], reduction=((0, reduction),))
    mels = torch.randn(batch, frames, tacotron2.MEL.n_mels) * 2.5 - 5
    lengths = {"token_lengths": torch.full((batch,), tokens), "mel_lengths": torch.full((batch,), frames)}
    texts = torch.randint(1, len(SYMBOLS), (batch, tokens))
    voices = torch.nn.functional.normalize(torch.randn(batch, config.voice_dim), dim=-1)
    whole = {"tokens": texts, "voices": voices, "mels": mels} | lengths
    return _step(tacotron2.Task(config, tacotron2.MEL), whole, tacotron2.SCHEDULE)


def _step(task, batch: dict, schedule):
    """One step of training/loop.py, as `train` takes it."""
    for each in task.networks.values():
        each.train()
    learn = partial(_learn, task, batch, rate=1e-4, schedule=schedule, world=World(0, 1, CPU), last_micro=True)
    steps = count()
    return lambda: learn(step=next(steps), laps=Laps(CPU))


def synthesize(preset: str, text: str, frames: int, reduction: int):
    config = replace(tacotron2.PRESETS[preset], reduction=((0, reduction),))
    model = tacotron2.Model(config, tacotron2.MEL).eval()
    # Untrained weights must speak exactly `frames`: never say stop, never rest, be cut off.
    torch.nn.init.constant_(model.decoder.stop.bias, -1e4)
    network.LINGER_SECONDS, network.MOST_SECONDS_PER_TOKEN = 1e4, 0.0
    network.MOST_SECONDS_MORE = (frames + 0.5) / model.mel.frames_per_second
    voice = Voice("anyone", torch.ones(config.voice_dim).numpy() / 16, Waveform.silence(1, 16000))

    def speak():
        (made,) = model.synthesize([text], [voice])
        assert made.mel.shape[1] == frames, made.mel.shape

    return speak


def vocode(frames: int):
    model = hifigan.Model(hifigan.V1, hifigan.MEL).eval()
    mel = torch.randn(hifigan.MEL.n_mels, frames) * 2 - 5
    return lambda: model.vocode(mel)


def wavernn(frames: int, folded: bool):
    """A sound of `frames` at 16 kHz and 200 samples each; folded: in pieces side by side, else one sample at a time."""
    config = wave_rnn.PRESETS["hop200"]
    model = wave_rnn.Model(config if folded else replace(config, fold=0), MEL_16K).eval()
    mel = torch.randn(MEL_16K.n_mels, frames) * 2 - 5
    return lambda: model.vocode(mel)


def wavernn_step(batch: int, samples: int):
    config = wave_rnn.PRESETS["hop200"]
    config = replace(config, segment=samples + 2 * config.pad * MEL_16K.hop_length)
    sound = 0.1 * torch.randn(batch, config.segment + 2 * margin(MEL_16K))
    return _step(wave_rnn.Task(config, MEL_16K), {"samples": sound}, wave_rnn.SCHEDULE)


def hifigan_step(batch: int, samples: int):
    """Generator and both kinds of discriminators."""
    sound = 0.1 * torch.randn(batch, samples + 2 * margin(hifigan.MEL))
    return _step(hifigan.Task(replace(hifigan.V1, segment=samples), hifigan.MEL), {"samples": sound}, hifigan.SCHEDULE)


def clone(models: str, reference: str, text: str):
    """The whole chain, loaded and warm, from text to sound."""
    cloner = Cloner.load(models)
    voice = cloner.voice(reference)
    return lambda: cloner.clone(text, voice, seed=1)


def clone_seconds(models: str, reference: str, text: str) -> dict:
    """Of sound, and of each stage's work."""
    cloner = Cloner.load(models)
    voice = cloner.voice(reference)
    made = [cloner.make([text], [voice], seed=1)[0] for _ in range(4)][-1]
    return {"seconds of sound": made.wave.seconds} | made.seconds


def first_sound(models: str, reference: str, text: str):
    cloner = Cloner.load(models)
    voice = cloner.voice(reference)
    return lambda: next(cloner.stream(text, voice, seed=1))


def clone_many(models: str, reference: str, texts: list[str], together: bool):
    cloner = Cloner.load(models)
    voice = cloner.voice(reference)
    if together:
        return lambda: cloner.clone(texts, voice, seed=1)
    return lambda: [cloner.clone(text, voice, seed=1) for text in texts]


def bfloat16_loss(clip: str, folder: str) -> dict:
    """Mean absolute difference of log mels: vocode against the same weights in float32, and of either from the clip."""
    if Path(folder, "hifigan/model.safetensors").exists():
        weights, (model, _) = folder, load_model(Path(folder, "hifigan"), "vocoder")
    else:
        weights, model = "untrained", hifigan.Model(hifigan.V1, hifigan.MEL).eval()
    wave = Waveform.read(clip).at(model.mel.sample_rate).samples
    wave = torch.from_numpy(wave[: len(wave) // model.mel.hop_length * model.mel.hop_length])
    mel = log_mel(wave, model.mel)
    with torch.no_grad():
        precise, fast = model(mel[None])[0, 0], torch.from_numpy(model.vocode(mel).samples)
    of = {"precise": log_mel(precise, model.mel), "fast": log_mel(fast, model.mel)}
    distance = {f"{name} from the recording": (each - mel).abs().mean().item() for name, each in of.items()}
    return {"weights": weights, "fast from precise": (of["fast"] - of["precise"]).abs().mean().item()} | distance
