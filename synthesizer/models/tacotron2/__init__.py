"""Tacotron 2 (Shen et al. 2017, arXiv 1712.05884) conditioned on a speaker embedding as in SV2TTS (arXiv 1806.04558).

`config.py` holds its numbers, `network.py` the network and `decoder.py` its heart, `layers.py` their fast parts,
`task.py` what it learns.
"""

from synthesizer.models.tacotron2.config import EXTRA, MEL, PRESETS, SCHEDULE, Config
from synthesizer.models.tacotron2.network import Model
from synthesizer.models.tacotron2.task import Task

__all__ = ["EXTRA", "MEL", "PRESETS", "SCHEDULE", "Config", "Model", "Task"]
