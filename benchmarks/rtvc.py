"""Real-Time-Voice-Cloning's side: runs inside its checkout (github.com/CorentinJ/Real-Time-Voice-Cloning, commit
865eba8), whose code is neither copied nor changed; what today's numpy and librosa no longer know is mended here."""

# ruff: noqa: I001 (their modules bear the names of ours)

import sys
import types
from functools import partial
from pathlib import Path

import numpy as np

np.int, np.cumproduct = int, np.cumprod


def before_script(name: str) -> None:
    """Mend what the script needs; --help needs no sound, so that nothing is loaded on its account."""
    if "huggingface_hub" not in sys.modules:
        try:
            import huggingface_hub  # noqa: F401
        except ImportError:  # only downloads use it; without it, --help is a little quicker
            sys.modules["huggingface_hub"] = types.ModuleType("huggingface_hub")
            sys.modules["huggingface_hub"].hf_hub_download = None
    if name != "demo_cli.py":
        mend_librosa()


def mend_librosa() -> None:
    """It passes sample rates by position; librosa takes them by name since 0.10."""
    import librosa

    mel, resample, load = librosa.feature.melspectrogram, librosa.resample, librosa.load
    librosa.feature.melspectrogram = lambda y, sr, **named: mel(y=y, sr=sr, **named)
    librosa.resample = lambda y, old, new: resample(y, orig_sr=old, target_sr=new)
    librosa.load = lambda path, sr=22050: load(path, sr=sr)


def embed(clips: list[str], trim: bool):
    import soundfile
    import torch

    mend_librosa()
    from encoder import inference
    from encoder.model import SpeakerEncoder

    inference._device = torch.device("cpu")
    inference._model = SpeakerEncoder(inference._device, inference._device).eval()
    waves = [soundfile.read(clip, dtype="float32")[0] for clip in clips]
    prepare = inference.preprocess_wav if trim else lambda wave: wave
    return lambda: [inference.embed_utterance(prepare(wave)) for wave in waves]


def encoder_step(speakers: int, utterances: int, frames: int):
    """As encoder/train.py does it, from a batch in memory."""
    import torch
    from encoder.model import SpeakerEncoder

    cpu = torch.device("cpu")
    model = SpeakerEncoder(cpu, cpu).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    batch = torch.rand(speakers * utterances, frames, 40)

    def step():
        loss, _ = model.loss(model(batch).view(speakers, utterances, -1))
        model.zero_grad()
        loss.backward()
        model.do_gradient_ops()
        optimizer.step()

    return step


def _tacotron():
    from synthesizer.hparams import hparams as h
    from synthesizer.models.tacotron import Tacotron
    from synthesizer.utils.symbols import symbols

    sizes = ["embed_dims", "encoder_dims", "decoder_dims", "postnet_dims", "encoder_K", "lstm_dims", "postnet_K"]
    sizes += ["num_highways", "dropout", "stop_threshold"]
    rest = {"num_chars": len(symbols), "n_mels": h.num_mels, "fft_bins": h.num_mels}
    named = {name: getattr(h, f"tts_{name}") for name in sizes}
    return Tacotron(**named, **rest, speaker_embedding_size=h.speaker_embedding_size)


def synthesizer_step(preset: str, batch: int, frames: int, tokens: int, reduction: int):
    """As synthesizer/train.py does it, from a batch in memory. It has one size, whatever `preset` ours has."""
    import torch
    import torch.nn.functional as F

    model = _tacotron().train()
    model.r = reduction
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    texts, mels, voices = torch.randint(1, 60, (batch, tokens)), torch.randn(batch, 80, frames), torch.rand(batch, 256)
    stop = torch.zeros(batch, frames)
    stop[:, -1] = 1

    def step():
        first, second, _, stops = model(texts, mels, voices)
        loss = F.mse_loss(first, mels) + F.l1_loss(first, mels) + F.mse_loss(second, mels)
        loss = loss + F.binary_cross_entropy(stops, stop)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def _endless(model):
    """Untrained weights must speak on until they are cut off."""
    import torch

    torch.nn.init.constant_(model.decoder.stop_proj.bias, -100.0)
    return model


def synthesize(preset: str, text: str, frames: int, reduction: int):
    import torch
    from synthesizer.hparams import hparams
    from synthesizer.utils.text import text_to_sequence

    model = _endless(_tacotron())
    model.r = reduction
    tokens = torch.tensor([text_to_sequence(text, hparams.tts_cleaner_names)])
    voice = torch.ones(1, 256) / 16

    def speak():
        _, mels, _ = model.generate(tokens, voice, steps=frames)
        assert mels.shape[2] == frames, mels.shape

    return speak


def _wavernn():
    from vocoder import hparams as hp
    from vocoder.models.fatchord_version import WaveRNN

    names = ["rnn_dims", "fc_dims", "pad", "upsample_factors", "compute_dims", "res_out_dims", "res_blocks", "mode"]
    sizes = {name: getattr(hp, f"voc_{name}") for name in names}
    return WaveRNN(**sizes, bits=hp.bits, feat_dims=hp.num_mels, hop_length=hp.hop_length, sample_rate=hp.sample_rate)


def wavernn(frames: int, folded: bool):
    """As vocoder/inference.py does it."""
    import torch

    mend_librosa()
    model, mels = _wavernn().eval(), torch.rand(1, 80, frames)
    return lambda: model.generate(mels, folded, 8000, 800, True, lambda *_: None)


def wavernn_step(batch: int, samples: int):
    """As vocoder/train.py does it, from a batch in memory."""
    import torch
    import torch.nn.functional as F

    mend_librosa()
    model = _wavernn().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    heard, said = torch.rand(batch, samples) * 2 - 1, torch.randint(0, 512, (batch, samples))
    mels = torch.rand(batch, 80, samples // 200 + 4)

    def step():
        loss = F.cross_entropy(model(heard, mels).transpose(1, 2).unsqueeze(-1), said.unsqueeze(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def make_models(folder: str, reduction: int) -> dict:
    """Three checkpoints of untrained weights, of the sizes it ships."""
    import torch

    mend_librosa()
    from encoder.model import SpeakerEncoder

    cpu = torch.device("cpu")
    synthesizer = _endless(_tacotron())
    synthesizer.r = reduction
    models = {"encoder": SpeakerEncoder(cpu, cpu), "synthesizer": synthesizer, "vocoder": _wavernn()}
    for name, model in models.items():
        torch.save({"model_state": model.state_dict(), "step": 0}, Path(folder, f"{name}.pt"))
    return {}


def clone(models: str, reference: str, text: str, frames: int):
    """What demo_cli.py does between its questions, for one sentence cut off after `frames`, all loaded and warm."""
    voice, synthesizer = _ready(models, reference, frames)
    from vocoder import inference as vocoder

    def speak():
        (mel,) = synthesizer.synthesize_spectrograms([text], [voice])
        return vocoder.infer_waveform(mel, progress_callback=lambda *_: None)

    return speak


def clone_once(models: str, reference: str, text: str, output: str, frames: int) -> None:
    """The same, with loading, into a file."""
    import soundfile

    voice, synthesizer = _ready(models, reference, frames)
    from vocoder import inference as vocoder

    (mel,) = synthesizer.synthesize_spectrograms([text], [voice])
    soundfile.write(output, vocoder.infer_waveform(mel).astype(np.float32), synthesizer.sample_rate)


def _ready(models: str, reference: str, frames: int):
    """The voice of a recording, and a synthesizer that stops after `frames`; the vocoder is loaded too."""
    mend_librosa()
    from encoder import inference as encoder
    from synthesizer.inference import Synthesizer
    from vocoder import inference as vocoder

    encoder.load_model(Path(models, "encoder.pt"))
    synthesizer = Synthesizer(Path(models, "synthesizer.pt"))
    vocoder.load_model(Path(models, "vocoder.pt"))
    synthesizer.load()
    synthesizer._model.generate = partial(synthesizer._model.generate, steps=frames)
    return encoder.embed_utterance(encoder.preprocess_wav(Path(reference))), synthesizer
