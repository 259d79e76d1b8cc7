"""A map of voices as one HTML file that needs nothing else: point to read, turn the wheel to zoom, drag to move."""

from __future__ import annotations

from html import escape
from pathlib import Path

from speech.files import whole_file

SIZE = 1000
"""Units across the map."""

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ margin: 0; display: flex; height: 100vh; font: 14px system-ui, sans-serif; color: #1d2733; }}
svg {{ flex: 1; cursor: grab; touch-action: none; }}
aside {{ width: 15em; padding: 1em; overflow: auto; border-left: 1px solid #d5dbe3; }}
button {{ display: block; width: 100%; border: 0; background: none; text-align: left; padding: .2em; font: inherit;
  cursor: pointer; }}
button[aria-pressed=false] {{ opacity: .35; }}
h1 {{ font-size: 1em; }}
</style>
<svg viewBox="-40 -40 {across} {across}" role="img" aria-label="{title}">{dots}</svg>
<aside><h1>{title}</h1><p>Point at a dot to read whose it is. The wheel zooms, dragging moves, a name hides.</p>
{names}</aside>
<script>
const svg = document.querySelector("svg"), box = svg.viewBox.baseVal, dots = [...svg.children];
const size = () => dots.forEach(dot => dot.setAttribute("r", 7 * box.width / {across}));
svg.addEventListener("wheel", event => {{
  event.preventDefault();
  const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const by = event.deltaY > 0 ? 1.15 : 1 / 1.15;
  box.x = place.x + (box.x - place.x) * by; box.y = place.y + (box.y - place.y) * by;
  box.width *= by; box.height *= by; size();
}}, {{ passive: false }});
svg.addEventListener("pointermove", event => {{
  if (!event.buttons) return;
  const scale = svg.getScreenCTM().a;
  box.x -= event.movementX / scale; box.y -= event.movementY / scale;
}});
document.querySelectorAll("button").forEach((button, group) => button.addEventListener("click", () => {{
  const shown = button.getAttribute("aria-pressed") === "false";
  button.setAttribute("aria-pressed", shown);
  dots.filter(dot => dot.dataset.group == group).forEach(dot => dot.style.display = shown ? "" : "none");
}}));
</script></html>
"""


def write_page(points, groups: list[str], labels: list[str], path: Path, title: str) -> None:
    """points (N, 2) with the group, which has a color, and the label of each."""
    import numpy as np

    points = np.asarray(points, float)
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    places = np.where(span > 0, (points - low) / np.where(span > 0, span, 1), 0.5) * SIZE
    names = sorted(set(groups))
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{SIZE - y:.1f}" r="7" fill="{_color(names.index(group))}" stroke="white" '
        f'data-group="{names.index(group)}"><title>{escape(label)}</title></circle>'
        for (x, y), group, label in zip(places, groups, labels)
    )
    legend = "".join(
        f'<button aria-pressed="true"><span style="color:{_color(index)}">●</span> {escape(name)}</button>'
        for index, name in enumerate(names)
    )
    page = PAGE.format(title=escape(title), across=SIZE + 80, dots=dots, names=legend)
    with whole_file(path) as beside:
        beside.write_text(page, encoding="utf-8")


def _color(index: int) -> str:
    """Hues a golden angle apart, in turn light and dark."""
    return f"hsl({index * 137.5 % 360:.0f} 65% {(45, 62, 32)[index % 3]}%)"
