"""The numbers of Tacotron 2."""

from __future__ import annotations

from dataclasses import dataclass

from speech.errors import InputError
from speech.mel import MelConfig
from synthesizer.text import SYMBOLS
from training.schedule import Schedule

GROUP = 16
"""Channels of a refiner that its convolutions mix."""


@dataclass(frozen=True)
class Config:
    lexicon: bool = True
    """Read words as the phones that a dictionary gives them, and only those it does not know as letters."""
    token_dim: int = 512
    """Width of the token embeddings and of the encoder's convolutions and outputs."""
    encoder_layers: int = 3
    encoder_kernel: int = 5
    voice_dim: int = 256
    """Length of a speaker embedding; it is appended to every encoder output (SV2TTS, section 2.2)."""
    voice_scale: float = 4.0
    """The embedding is multiplied by this: its length is 1, that of the encoded text about 6."""
    prenet_dim: int = 256
    lstm_dim: int = 1024
    """Units of each of the two decoder LSTMs."""
    attention_dim: int = 128
    location_channels: int = 32
    location_kernel: int = 31
    postnet_dim: int = 512
    postnet_layers: int = 5
    postnet_kernel: int = 5
    refiner_layers: int = 0
    """Blocks of a network that gives what decoder and postnet say, then all in one plain voice, the voice asked for, by
    flow matching; 0 is none. It alone learns, from recordings retold (`python -m synthesizer.retell`); the rest stays
    as it is: begin from weights that speak already (--finetune)."""
    refiner_dim: int = 384
    refiner_kernel: int = 7
    refiner_frames: int = 2
    """So many frames side by side are one to it."""
    refiner_noise: float = 0.5
    """How far the decoder's frames are disturbed before they flow to true ones, in the spread of mels of speech."""
    refiner_warmth: float = 0.5
    """In use, that noise is multiplied by this: less is smoother, more livelier and rougher."""
    refiner_steps: int = 8
    """Steps along the way in use; the time it takes is proportional."""
    refiner_leaning: float = 0.0
    """In use, the decoder is told a voice so far from the plain one towards that asked for: nearer, and less clear."""
    refiner_excerpt: int = 400
    """Frames of each recording that it learns from at a time."""
    dropout: float = 0.5
    """In prenet (in use too), encoder and postnet convolutions."""
    lstm_dropout: float = 0.1
    forced_attention: float = 0.75
    """Share of the recordings whose words' times are known that are read at those times while learning, wherever the
    attention would have looked: what is said is learned before where to look."""
    frame_dropout: float = 0.25
    """Share of the true frames that are hidden from the decoder while it learns, so that it reads the text for what
    it cannot guess from the frame before (arXiv 1909.01145)."""
    reduction: tuple[tuple[int, int], ...] = ((0, 2),)
    """(from step, frames a decoder step) pairs: many frames a step align sooner, few sound better."""
    adversary_from: int | None = None
    """Step from which a discriminator looks at the mels too, against the blur of an average (GANSpeech, arXiv
    2106.15153); None is never. To begin when the words are understood."""
    adversary_weight: float = 0.5
    feature_weight: float = 1.2
    judge_channels: int = 24
    """Of the discriminator's first layer."""
    judge_rate: float = 1.0
    """Its learning rate, in those of the network: more where it cannot tell true from made (discriminator_loss 0.5)."""
    judged_frames: int = 160
    """Length of the excerpts that it looks at."""
    stop_weight: float = 8.0
    guide_weight: float = 1.0
    guide_width: float = 0.2
    """Width of the diagonal that guided attention leaves free (arXiv 1710.08969)."""
    align_by: int = 5000
    """By this step attention should be diagonal; a run whose attention is not says so."""

    def __post_init__(self):
        steps = [step for step, _ in self.reduction]
        if not steps or steps[0] != 0 or steps != sorted(steps) or min(r for _, r in self.reduction) < 1:
            raise InputError(
                f"model.reduction takes (from step, frames) pairs from step 0 on, as [[0,4],[2000,2]]; "
                f"found {self.reduction}"
            )

        if self.refiner_layers and self.adversary_from is not None:
            raise InputError("a refiner learns alone, without a discriminator: leave out model.adversary_from")
        if self.refiner_dim % GROUP:
            raise InputError(f"model.refiner_dim must be a multiple of {GROUP}; found {self.refiner_dim}")
        for name in ("encoder_kernel", "location_kernel", "postnet_kernel", "refiner_kernel"):
            if getattr(self, name) % 2 == 0:
                raise InputError(f"model.{name} must be odd, so that it has a middle; found {getattr(self, name)}")

    def reduction_at(self, step: int) -> int:
        """Frames a decoder step, at a training step."""
        return [r for start, r in self.reduction if start <= step][-1]

    @property
    def most_reduction(self) -> int:
        return max(r for _, r in self.reduction)


PRESETS = {
    "paper": Config(),
    "small": Config(token_dim=256, lstm_dim=512, prenet_dim=128, postnet_dim=256, reduction=((0, 3),)),
}
MEL = MelConfig()
SCHEDULE = Schedule(
    steps=200_000, batch=32, learning_rate=1e-3, final_learning_rate=1e-5, warmup=500, hold=20_000, validate_every=1000
)
EXTRA = {"symbols": list(SYMBOLS)}
