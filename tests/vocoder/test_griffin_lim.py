import torch

from speech.griffin_lim import spectrum_of_mel
from speech.mel import MelConfig, log_mel, magnitudes, mel_filters
from tests.vocoder.conftest import tone
from vocoder.models.griffin_lim import Config, Model

MEL = MelConfig()


def copy_distance(config: Config, mel_config: MelConfig = MEL) -> float:
    mel = log_mel(torch.from_numpy(tone(150, 1.5, mel_config.sample_rate)).float() / 32768, mel_config)
    copy = Model(config, mel_config).vocode(mel)
    return (log_mel(torch.from_numpy(copy.samples), mel_config) - mel).abs().mean().item()


def test_a_copy_has_the_mel_of_the_original():
    assert copy_distance(Config()) < 0.25  # 0.19 measured; real speech 0.10


def test_momentum_and_iterations_help():
    distance = copy_distance(Config())
    assert distance < copy_distance(Config(iterations=4))
    assert distance < copy_distance(Config(momentum=0))


def test_other_mel_settings():
    assert copy_distance(Config(), MelConfig(16000, 800, 200, 640, 60, 50, 7600)) < 0.5


def test_the_spectrum_of_a_mel_has_that_mel():
    sound = torch.from_numpy(tone(200, 0.5)).float() / 32768
    mel = log_mel(sound, MEL)
    found = spectrum_of_mel(mel, MEL, 40)
    assert (found >= 0).all()
    wanted = mel_filters(MEL, mel.device) @ magnitudes(sound, MEL)
    error = (mel_filters(MEL, mel.device) @ found - wanted).norm() / wanted.norm()
    assert error < 0.02
