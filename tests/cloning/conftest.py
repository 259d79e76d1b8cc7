"""Three tiny untrained models in checkpoint folders: what is tested here is the chain, not how it sounds."""

from pathlib import Path

import numpy as np
import pytest
import torch

from encoder.models import ge2e
from speech.mel import MelConfig
from speech.waveform import Waveform
from synthesizer.models import tacotron2
from training.checkpoint import Checkpoint, read_checkpoint, save_tensors, write_config
from training.config import Settings
from vocoder.models import hifigan

SYNTHESIZER = tacotron2.Config(
    token_dim=16, encoder_layers=1, prenet_dim=8, lstm_dim=16, attention_dim=8, location_channels=4,
    location_kernel=5, postnet_dim=8, postnet_layers=2, reduction=((0, 20),),
)  # fmt: skip
VOCODER = hifigan.Config(channels=16, resblock_kernels=(3,), resblock_dilations=((1,),))


def write_checkpoint(folder: Path, stage: str, name: str, module, config, extra=None, mel=None) -> Checkpoint:
    torch.manual_seed(0)
    settings = Settings(mel or module.MEL, config, module.SCHEDULE)
    write_config(folder, stage, name, settings, getattr(module, "EXTRA", {}) | (extra or {}))
    weights = module.Model(settings.model, settings.mel).state_dict()
    save_tensors(folder / "model.safetensors", weights, {"step": 0})
    return read_checkpoint(folder, stage)


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    """A folder with encoder/, synthesizer/, vocoder/ that fit, and two vocoders that do not."""
    root = tmp_path_factory.mktemp("models")
    encoder = write_checkpoint(root / "encoder", "encoder", "ge2e", ge2e, ge2e.Config(hidden=16, layers=1))
    extra = {"encoder": encoder.fingerprint}
    write_checkpoint(root / "synthesizer", "synthesizer", "tacotron2", tacotron2, SYNTHESIZER, extra)
    write_checkpoint(root / "vocoder", "vocoder", "hifigan", hifigan, VOCODER)
    other = MelConfig(sample_rate=16000, fmax=7600)
    write_checkpoint(root / "other_vocoder", "vocoder", "hifigan", hifigan, VOCODER, mel=other)
    return root


def speechlike(seconds: float = 3.0, f0: float = 120.0, rate: int = 16000, seed: int = 0) -> Waveform:
    """Harmonics of a wandering pitch in syllables of a fifth of a second: webrtcvad takes it for a voice."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = f0 * (1 + 0.08 * np.sin(2 * np.pi * 1.3 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    sound = sum(np.sin(k * phase) / k for k in range(1, 24)) * (0.25 + 0.75 * np.abs(np.sin(np.pi * 2.5 * time)))
    sound = sound + 0.003 * rng.standard_normal(len(time))
    return Waveform((0.3 * sound / np.abs(sound).max()).astype(np.float32), rate)


@pytest.fixture(scope="session")
def reference(tmp_path_factory) -> Path:
    return speechlike().write(tmp_path_factory.mktemp("reference") / "me.wav")
