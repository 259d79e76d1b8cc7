"""WaveRNN (arXiv 1802.08435) in the layout of fatchord's: one sample after another, by two recurrent layers.

`config` its numbers, `network` its layers, `outputs` what a sample is drawn from, `task` how it learns; in use,
`generation` cuts a sound into folds and makes them side by side, on `stepping` (any device) or `kernel` (8-bit
products, compiled at first use).
"""

from vocoder.models.wavernn.config import MEL, PRESETS, SCHEDULE, Config
from vocoder.models.wavernn.network import Model
from vocoder.models.wavernn.task import Task

__all__ = ["MEL", "PRESETS", "SCHEDULE", "Config", "Model", "Task"]
