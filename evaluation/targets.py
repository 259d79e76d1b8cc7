"""What the models are to reach, and where they are: the short table at the top of a report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    what: str
    wanted: str
    reached: str
    met: bool | None
    """None where it could not be measured."""


def targets(facts: dict) -> list[Target]:
    """One for each thing that is wanted, from the facts of a report."""
    return [
        _encoder(facts),
        _copies(facts),
        _words(facts),
        _cleanness(facts),
        _hard(facts),
        _likeness(facts),
        _speed(facts),
    ]


def _target(what: str, wanted: str, reached: str | None, met: bool | None) -> Target:
    return Target(what, wanted, reached or "not measured", met if reached else None)


def _of(facts: dict, kind: str) -> dict:
    """The first row of a kind: of copies, those by the vocoder that makes the clones."""
    return next((row for row in facts["rows"].values() if row["kind"] == kind), {})


def _encoder(facts: dict) -> Target:
    found = (facts["encoder"] or {}).get("3", {})
    reached = None
    if "eer" in found:
        reached = f"{found['eer']:.1%}"
    what = "encoder: equal error rate, unseen speakers, 3 s against 3 s"
    return _target(what, "5% or less", reached, found.get("eer", 1) <= 0.05)


def _copies(facts: dict) -> Target:
    row = _of(facts, "copy")
    pesq, stoi = row.get("pesq"), row.get("stoi")
    name = next((title for title, found in facts["rows"].items() if found["kind"] == "copy"), "copies: none")
    known = [f"PESQ {pesq:.2f}" if pesq is not None else "", f"STOI {stoi:.3f}" if stoi is not None else ""]
    met = (pesq > 3.2 and stoi > 0.96) if pesq is not None and stoi is not None else None
    what = f"copy synthesis by {name.partition(': ')[2]}, unseen speakers, 16 kHz"
    return _target(what, "PESQ-WB above 3.2, STOI above 0.96", ", ".join(filter(None, known)), met)


def _words(facts: dict) -> Target:
    real, clones = _of(facts, "real").get("wer"), _of(facts, "clone").get("wer")
    reached, met = None, None
    if clones is not None and real is not None:
        ratio = f"{clones / real:.1f} x {real:.1%} of the recordings" if real else "0% of the recordings"
        reached, met = f"{clones:.1%}: {ratio}", clones <= 1.5 * real
    elif clones is not None:
        reached = f"{clones:.1%}; no recordings with transcripts to compare with"
    return _target("word error rate of clones", "at most 1.5 x that of the recordings", reached, met)


def _cleanness(facts: dict) -> Target:
    real, clones = _of(facts, "real").get("dnsmos"), _of(facts, "clone").get("dnsmos")
    reached = None
    if clones is not None:
        reached = f"{clones:.2f}" + (f"; the recordings {real:.2f}" if real is not None else "")
    return _target("DNSMOS overall of clones", "2.9 or more", reached, (clones or 0) >= 2.9)


def _hard(facts: dict) -> Target:
    hard = facts["hard_texts"]
    reached = None
    if hard:
        count = len(hard["sentences"])
        reached = f"{hard['faultless']:.0%} of {count}" + ("" if hard["listened"] else ", without a recognizer's ear")
    what = "hard texts: sentences without a fault"
    return _target(what, "95% or more", reached, bool(hard) and hard["faultless"] >= 0.95)


def _likeness(facts: dict) -> Target:
    real, clones = (_of(facts, kind).get("likeness", {}).get("margin") for kind in ("real", "clone"))
    reached = None
    if real and clones is not None:
        reached = f"{clones:.2f} of {real:.2f}: {clones / real:.0%}"
    what = "likeness: similarity to the target minus that to others"
    return _target(what, "half of what recordings reach, or more", reached, bool(reached) and clones >= 0.5 * real)


def _speed(facts: dict) -> Target:
    speed = facts["speed"]
    reached = speed and f"{speed['chain']:.2f} on {speed['cores']} core{'s' if speed['cores'] > 1 else ''}"
    return _target(
        "real-time factor of a clone, whole chain", "0.25 or less", reached, bool(speed) and speed["chain"] <= 0.25
    )
