"""Results as JSON, as a Markdown table and as a figure."""

from __future__ import annotations

import json
import math
from pathlib import Path

from benchmarks.measure import summarize


def write(results: dict, path: Path) -> None:
    """`path`.json, .md and .png; the figure only where something was compared."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(table(results), encoding="utf-8")
    compared = [row for row in results["rows"] if row.get("ratios")]
    path.with_suffix(".png").unlink(missing_ok=True)
    if compared:
        draw(compared, path.with_suffix(".png"))


def finish(row: dict) -> dict:
    """With medians and spreads, and whether the target was met."""
    for key in ("ours", "theirs", "ratios"):
        if row.get(key):
            row[key] = summarize(row[key]) | {"runs": row[key]}
    if row.get("ratios") and row["target"]:
        row["met"] = row["ratios"]["median"] >= row["target"]
    if row.get("most"):
        row["quick"] = row["ours"]["median"] <= row["most"]
    return row


def table(results: dict) -> str:
    m = results["machine"]
    flags = ", ".join(m["flags"]) or "none of note"
    lines = [
        f"Measured {m['date']} on {m['cpu']}, {m['cores']} cores ({flags}), torch {m['torch']} with {m['threads']} "
        f"threads; load before: {m['load']}. Medians, in brackets lowest and highest; ratios are theirs / ours, taken "
        f"pair by pair of alternating runs; bold: as wanted. Recordings: {results['recordings']}.",
        "",
        "| job | ours | theirs | ratio | wanted | ratio of CPU time | theirs is |",
        "|---|---|---|---|---|---|---|",
    ]
    notes = []
    for row in results["rows"]:
        if "error" in row:
            lines.append(f"| {row['title']} | not measured: {row['error'].replace('|', '/')} | | | | | |")
            continue
        ours = _bold(_values(row["ours"], row["unit"]), row.get("quick", False))
        wanted = [f"{row['target']:g}"] if row["target"] and row.get("ratios") else []
        wanted = ", ".join([*wanted, *([f"at most {row['most']:g} {row['unit']}"] if row.get("most") else [])])
        if row.get("ratios"):
            r = row["ratios"]
            median = _bold(f"{r['median']:.2f}", row.get("met", False))
            ratio = f"{median} ({r['low']:.2f}–{r['high']:.2f})"
            theirs = _values(row["theirs"], row["unit"])
            beside = f"{ratio} | {wanted} | {row['cpu ratio']:.2f} | {row['against']}"
            lines.append(f"| {row['title']} | {ours} | {theirs} | {beside} |")
        else:
            lines.append(f"| {row['title']} | {ours} | | | {wanted} | | not given |")
        if row.get("figures"):
            shown = ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in row["figures"].items())
            notes.append(f"- {row['title']}: {shown}{'; ' + row['note'] if row.get('note') else ''}")
    return "\n".join([*lines, "", *notes]).rstrip() + "\n"


def _bold(text: str, reached: bool) -> str:
    return f"**{text}**" if reached else text


def _values(summary: dict, unit: str) -> str:
    scale, name = (1000, "ms") if unit == "s" and summary["median"] < 1 else (1, unit)
    median, low, high = (summary[key] * scale for key in ("median", "low", "high"))
    digits = max(0, 2 - math.floor(math.log10(max(median, 1e-9)))) if median < 100 else 0
    return f"{median:.{digits}f} {name} ({low:.{digits}f}–{high:.{digits}f})"


def draw(rows: list[dict], path: Path) -> None:
    """A bar a row, from 1 to the right where ours is the faster or smaller, with the spread of the pairs."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 0.42 * len(rows) + 1.1), layout="constrained")
    for place, row in enumerate(reversed(rows)):
        ratio = row["ratios"]
        spread = [[ratio["median"] - ratio["low"]], [ratio["high"] - ratio["median"]]]
        color = "tab:green" if row["met"] else "tab:red"
        bar = {"color": color, "height": 0.6, "ecolor": "0.3", "capsize": 2}
        axes.barh(place, ratio["median"] - 1, left=1, xerr=spread, **bar)
        axes.plot([row["target"]] * 2, [place - 0.4, place + 0.4], color="black", linewidth=1.5)
        axes.text(max(ratio["high"], 1), place, f"  {ratio['median']:.2g}", va="center")
    axes.set_yticks(range(len(rows)), [row["name"] for row in reversed(rows)])
    axes.set_xscale("log")
    low, high = min(row["ratios"]["low"] for row in rows), max(row["ratios"]["high"] for row in rows)
    ticks = [t for t in (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200) if low / 2 < t <= 2 * high]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set_xlim(min(0.9, low / 1.1), max(2.0, high) * 1.6)
    axes.set_xlabel("theirs / ours (time or memory); black: wanted")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)
