"""The checkpoints of an evaluation, checked against one another."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from cloning import Cloner
from evaluation.parts import digest_of
from speech.errors import InputError
from training.checkpoint import Checkpoint, load_model, read_checkpoint
from training.registry import model_module, preset


@dataclass(frozen=True)
class Settings:
    corpora: tuple[str, ...]
    encoder: str
    synthesizer: str
    vocoders: tuple[str, ...]
    """The first makes the clones, all make copies."""
    judge: str
    recognizer: str
    speakers: int
    sentences: int
    """Recordings to compare with, and so clones, of each speaker."""
    seed: int


@dataclass(frozen=True)
class Throat:
    """A vocoder under measurement."""

    title: str
    model: Any
    fingerprint: str


@dataclass(frozen=True)
class Models:
    cloner: Cloner
    mouth: Checkpoint
    """The synthesizer's."""
    judge: Any
    throats: list[Throat]
    """The first one makes the clones."""
    fingerprints: dict[str, str]
    """Of encoder, synthesizer, vocoder and judge."""

    @property
    def chain(self) -> list[str]:
        """Fingerprints of what a clone comes from."""
        return [self.fingerprints[stage] for stage in ("encoder", "synthesizer", "vocoder")]


def load(settings: Settings) -> Models:
    """Everything, on the CPU. Raises InputError if a checkpoint cannot be read, if two do not go together (see
    Cloner.load), or if the judge is the encoder that conditions.
    """
    cloner = Cloner.load(
        encoder=settings.encoder, synthesizer=settings.synthesizer, vocoder=settings.vocoders[0], device="cpu"
    )
    judge, judge_print = load_judge(settings.judge, cloner.fingerprint)
    mouth = read_checkpoint(settings.synthesizer, "synthesizer")
    throats = _throats(settings.vocoders, cloner)
    fingerprints = {"encoder": cloner.fingerprint, "synthesizer": mouth.fingerprint}
    fingerprints |= {"vocoder": throats[0].fingerprint, "judge": judge_print}
    return Models(cloner, mouth, judge, throats, fingerprints)


def load_judge(folder: str, fingerprint: str) -> tuple[Any, str]:
    """The second encoder and its fingerprint. Raises InputError if it is the first one."""
    judge, checkpoint = load_model(folder, "encoder")
    if checkpoint.fingerprint == fingerprint:
        raise InputError(
            f"the judge {folder} is the very encoder that conditions the clones ({fingerprint}); likeness needs a "
            f"second one, trained with another split and seed: --judge DIR"
        )
    return judge, checkpoint.fingerprint


def _throats(vocoders: tuple[str, ...], cloner: Cloner) -> list[Throat]:
    """Every vocoder once, Griffin-Lim with the synthesizer's mels always among them."""
    found: dict[str, Throat] = {}
    for vocoder in [*vocoders, "griffin_lim"]:
        throat = _throat(vocoder, cloner)
        found.setdefault(throat.fingerprint, throat)
    titles = [throat.title for throat in found.values()]
    return [
        t if titles.count(t.title) == 1 else Throat(f"{t.title} {t.fingerprint}", t.model, t.fingerprint)
        for t in found.values()
    ]


def _throat(vocoder: str, cloner: Cloner) -> Throat:
    if vocoder == "griffin_lim":
        module = model_module("vocoder", vocoder)
        name, model = vocoder, module.Model(preset(module, None), cloner.synthesizer.mel)
    else:
        model, checkpoint = load_model(vocoder, "vocoder")
        name = checkpoint.name
        if next(model.parameters(), None) is not None:
            return Throat(name, model, checkpoint.fingerprint)
    # Where nothing was learned, the settings are all it is.
    return Throat(name, model, digest_of([name, asdict(model.config), asdict(model.mel)]))
