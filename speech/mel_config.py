"""What a mel spectrogram is made with. Light to import: preparation's parent process never needs torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from speech.errors import InputError


@dataclass(frozen=True)
class MelConfig:
    """What a mel spectrogram is made with. Kept inside every checkpoint: two stages must agree on all of it."""

    sample_rate: int = 22050
    """Samples a second."""
    n_fft: int = 1024
    hop_length: int = 256
    """Samples from one frame to the next; a recording of N samples has N // hop_length frames."""
    win_length: int = 1024
    n_mels: int = 80
    fmin: float = 0.0
    fmax: float = 8000.0

    def __post_init__(self):
        if not 0 < self.hop_length <= self.win_length <= self.n_fft or (self.n_fft - self.hop_length) % 2:
            raise InputError(
                f"mel settings need 0 < hop_length <= win_length <= n_fft and an even n_fft - hop_length; "
                f"found hop_length={self.hop_length}, win_length={self.win_length}, n_fft={self.n_fft}"
            )
        if not 0 <= self.fmin < self.fmax <= self.sample_rate / 2:
            raise InputError(
                f"mel settings need 0 <= fmin < fmax <= sample_rate / 2 = {self.sample_rate / 2:g} Hz; "
                f"found fmin={self.fmin:g}, fmax={self.fmax:g}"
            )

    @property
    def frames_per_second(self) -> float:
        return self.sample_rate / self.hop_length

    def differences(self, other: MelConfig) -> list[str]:
        """The fields in which two settings differ, as `field: ours against theirs`."""
        theirs = asdict(other)
        return [f"{k}: {v:g} against {theirs[k]:g}" for k, v in asdict(self).items() if v != theirs[k]]


ENCODER_MEL = MelConfig(sample_rate=16000, n_fft=400, hop_length=160, win_length=400, n_mels=40, fmin=0, fmax=8000)
"""What the speaker encoder hears: 25 ms windows every 10 ms (arXiv 1710.10467, section 3)."""
