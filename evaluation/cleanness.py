"""How clean does it sound? DNSMOS (arXiv 2110.01763): listeners' opinion as a network guesses it, from 1 to 5.

It was made for noisy calls, not for synthesis: it hears hiss and roughness, and not whether the words are right.
"""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np

from evaluation.copies import mean
from evaluation.optional import need
from evaluation.sounds import Row

RATE = 16000


def dnsmos(row: Row) -> dict:
    """{"dnsmos": overall, "dnsmos_signal", "dnsmos_background"}, the means over a row."""
    from tqdm import tqdm

    runtime = need("onnxruntime", "DNSMOS")
    judge = _load(need("speechmos.dnsmos", "DNSMOS"), runtime)
    found: dict[str, list[float]] = {"ovrl_mos": [], "sig_mos": [], "bak_mos": []}
    for sound in tqdm(row.sounds, desc=f"DNSMOS of {row.title}", leave=False):
        samples = np.clip(sound.wave.at(RATE).samples, -1, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own, of filters at low frequencies
            scores = judge(samples, RATE, False)
        for name, values in found.items():
            values.append(float(scores[name]))
    names = {"ovrl_mos": "dnsmos", "sig_mos": "dnsmos_signal", "bak_mos": "dnsmos_background"}
    return {names[name]: mean(values) for name, values in found.items()}


@cache
def _load(package, runtime):
    """DNSMOS with as many threads as torch has: its own choice is one a core, and they wait for one another."""
    import torch

    folder = Path(package.__file__).parent / "dnsmos_models"
    paths = folder / "sig_bak_ovr.onnx", folder / "model_v8.onnx"
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    judge = package.DNSMOS(*map(str, paths))
    judge.onnx_sess, judge.p808_onnx_sess = (runtime.InferenceSession(str(path), options) for path in paths)
    return judge
