"""The facts of a run: how long, how large the steps, how often to look."""

from dataclasses import dataclass

from speech.errors import InputError


@dataclass(frozen=True)
class Schedule:
    steps: int = 100_000
    """The run is over after this many optimizer steps."""
    batch: int = 32
    """Items of one batch in each process (the encoder: speakers)."""
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    warmup: int = 500
    """Steps over which the learning rate rises from zero."""
    hold: int = 0
    """Steps before the learning rate starts to fall, exponentially, to reach its final value at `steps`."""
    clip: float = 1.0
    """Largest norm of a network's gradient."""
    accumulate: int = 1
    """Batches that make one step."""
    ema: float = 0.0
    """Decay of the running mean of the weights that is validated and kept for use; 0 keeps the weights themselves."""
    bf16: bool = True
    """Matrix products in bfloat16 (torch.autocast) where the processor has it, weights and losses in float32."""
    log_every: int = 20
    validate_every: int = 500
    """Steps between validations; each also saves a checkpoint and samples."""
    seed: int = 0

    def __post_init__(self):
        for name in ("steps", "batch", "accumulate", "log_every", "validate_every"):
            if getattr(self, name) < 1:
                raise InputError(f"schedule.{name} must be at least 1; found {getattr(self, name)}")
        if self.seed < 0:
            raise InputError(f"schedule.seed must not be negative; found {self.seed}")
        if not 0 < self.final_learning_rate <= self.learning_rate:
            raise InputError(
                f"schedule needs 0 < final_learning_rate <= learning_rate; "
                f"found {self.final_learning_rate:g} and {self.learning_rate:g}"
            )
        if not 0 <= self.ema < 1:
            raise InputError(f"schedule.ema must lie in [0, 1); found {self.ema:g}")

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of a step: a function of nothing else, so that a resumed run cannot restart it."""
        warm = min(1.0, (step + 1) / max(1, self.warmup))
        fallen = min(1.0, max(0.0, (step - self.hold) / max(1, self.steps - self.hold)))
        return warm * self.learning_rate * (self.final_learning_rate / self.learning_rate) ** fallen
