"""The numbers of WaveRNN."""

from __future__ import annotations

from dataclasses import dataclass

from speech.errors import InputError
from speech.mel import MelConfig
from training.schedule import Schedule


@dataclass(frozen=True)
class Config:
    output: str = "raw"
    """What a sample is drawn from: `raw`, one of 2 ** bits mu-law levels, or `mol`, a mixture of logistics
    (arXiv 1701.05517)."""
    bits: int = 9
    mixtures: int = 10
    preemphasis: float = 0.97
    """High frequencies are raised by this filter before, and lowered after, so that levels do not hiss."""
    rnn_dims: int = 512
    fc_dims: int = 512
    compute_dims: int = 128
    """Of the residual network that looks at the mel; it gives `res_dims` features, a fourth to each layer."""
    res_dims: int = 128
    res_blocks: int = 10
    pad: int = 2
    """Frames to each side that a frame's features depend on."""
    upsample_rates: tuple[int, ...] = (4, 8, 8)
    """Their product is the mel's hop_length."""
    segment: int = 2304
    """Samples of a training crop, a multiple of the mel's hop_length; its `pad` outermost frames on each side are only
    looked at."""
    fold: int = 4096
    """In use, a sound is cut into pieces of about so many samples that are made side by side; 0 makes it in one."""
    overlap: int = 512
    """Samples that a fold goes on into the next: half of them for that to find its voice, half for the cross-fade."""

    def __post_init__(self):
        if self.output not in ("raw", "mol"):
            raise InputError(f"model.output is raw or mol; found {self.output!r}")
        if not 4 <= self.bits <= 12:
            raise InputError(f"model.bits must lie between 4 and 12; found {self.bits}")
        if self.pad < 2:
            raise InputError(f"model.pad must be at least 2, as far as the upsampling reaches; found {self.pad}")
        for name in ("rnn_dims", "fc_dims"):
            if getattr(self, name) % 16 or getattr(self, name) < 16:
                raise InputError(f"model.{name} must be a multiple of 16; found {getattr(self, name)}")
        if self.res_dims % 4:
            raise InputError(f"model.res_dims must be a multiple of 4, a part for each layer; found {self.res_dims}")
        if self.fold and not 0 <= self.overlap < self.fold:
            raise InputError(f"model.overlap must be less than model.fold = {self.fold}; found {self.overlap}")

    @property
    def outputs(self) -> int:
        return 2**self.bits if self.output == "raw" else 3 * self.mixtures


PRESETS = {
    "usual": Config(),
    "mol": Config(output="mol"),
    "hop200": Config(upsample_rates=(5, 5, 8), segment=1800),
}
MEL = MelConfig()
SCHEDULE = Schedule(
    steps=500_000, batch=100, learning_rate=1e-3, final_learning_rate=1e-5, warmup=200, clip=4.0, ema=0.999,
    log_every=20, validate_every=1000,
)  # fmt: skip
