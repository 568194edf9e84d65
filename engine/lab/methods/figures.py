"""The study page's figures: a training's losses over time, and below them what it drew at six moments."""

import csv
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from engine.lab.methods.training_loop import SAMPLED_AT

_WIDTH, _PLOT_HEIGHT, _MARGIN, _LEFT = 512, 150, 18, 44
_COLOURS = ("#1f6fb2", "#d1495b", "#3a8f5c", "#8a5ba5", "#b07d2b", "#555555")
_SMOOTHED_OVER = 5  # rows of the log
_FONT_SIZE = 10

Curve = tuple[str, list[float], list[float]]  # name, steps, values


def training_figure(folder: Path) -> Image.Image:
    """Of one training's folder. Raises OSError where there is none."""
    strips = []
    for file in sorted(folder.glob("samples-*.png")):
        with Image.open(file) as stored:
            strips.append(stored.convert("RGB"))
    scale = _WIDTH / max(strip.width + _LEFT for strip in strips)
    heights = [round(strip.height * scale) for strip in strips]
    figure = Image.new("RGB", (_WIDTH, _PLOT_HEIGHT + sum(heights)), "white")
    figure.paste(plot(read_curves(folder / "losses.csv")), (0, 0))
    writing, top = ImageDraw.Draw(figure), _PLOT_HEIGHT
    for strip, height, moment in zip(strips, heights, SAMPLED_AT, strict=False):
        left = round(_LEFT * scale)
        resized = strip.resize((_WIDTH - left, height), Image.Resampling.LANCZOS)
        figure.paste(resized, (left, top))
        writing.text((2, top + height // 2 - _FONT_SIZE // 2), f"{moment:.0%}", "black", _font())
        top += height
    return figure


def read_curves(file: Path) -> list[Curve]:
    """The columns of a training's log, but for its clock."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = [name for name in (rows[0] if rows else {}) if name not in ("step", "seconds")]
    curves = []
    for name in names:
        known = [(float(row["step"]), float(row[name])) for row in rows if row[name]]
        curves.append((name, [step for step, _ in known], _smoothed([value for _, value in known])))
    return curves


def plot(curves: Sequence[Curve]) -> Image.Image:
    """Curves over steps, each scaled to its own range, which the legend names."""
    drawn = Image.new("RGB", (_WIDTH, _PLOT_HEIGHT), "white")
    writing = ImageDraw.Draw(drawn)
    top, bottom, right = 2 * _MARGIN, _PLOT_HEIGHT - _MARGIN, _WIDTH - 8
    writing.line([(_LEFT, top), (_LEFT, bottom), (right, bottom)], "#999999")
    last = max((steps[-1] for _, steps, _ in curves if steps), default=1.0)
    legend = 0
    for (name, steps, values), colour in zip(curves, _COLOURS, strict=False):
        if len(values) < 2:
            continue
        low, high = min(values), max(values)
        span = high - low or 1.0
        points = [
            (_LEFT + (right - _LEFT) * step / last, bottom - (bottom - top) * (value - low) / span)
            for step, value in zip(steps, values, strict=True)
        ]
        writing.line(points, colour, 2)
        column, line = legend % 3, legend // 3
        writing.text((4 + column * 170, 2 + line * 14), f"{name} {low:.2g} to {high:.2g}", colour, _font())
        legend += 1
    writing.text((right - 70, bottom + 3), f"{last:,.0f} steps", "black", _font())
    return drawn


def _smoothed(values: list[float]) -> list[float]:
    """Running means, shorter at both ends."""
    half = _SMOOTHED_OVER // 2
    windows = (values[max(0, i - half) : i + half + 1] for i in range(len(values)))
    return [sum(window) / len(window) for window in windows]


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_FONT_SIZE)
