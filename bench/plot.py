# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Plots with logarithmic axes, as SVG."""

import dataclasses
import html
import math

WIDTH, HEIGHT = 400, 290
LEFT, RIGHT, TOP, BOTTOM = 58, 16, 30, 42


@dataclasses.dataclass
class Line:
    label: str
    points: list  # of (x, y), both above 0
    color: str
    is_dashed: bool = False


@dataclasses.dataclass
class Panel:
    title: str
    x_label: str
    y_label: str
    lines: list


def number(value):
    return f"{value / 1000:g}k" if value >= 10000 else f"{value:g}"


def scale(values, low, high):
    """A function from values to places between `low` and `high`."""
    first, last = math.log(min(values)), math.log(max(values))
    margin = 0.05 * (last - first)
    first, last = first - margin, last + margin
    return lambda value: low + (math.log(value) - first) / (last - first) * (high - low)


def ticks(values):
    """1, 2 and 5 times powers of ten among the values."""
    low, high = min(values), max(values)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [d * 10.0**p for p in powers for d in (1, 2, 5)]
    return [tick for tick in found if low <= tick <= high]


def text(x, y, words, **attributes):
    more = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{html.escape(words)}</text>'


def draw_panel(panel):
    xs = sorted({x for line in panel.lines for x, _ in line.points})
    ys = [y for line in panel.lines for _, y in line.points]
    x_of = scale(xs, LEFT, WIDTH - RIGHT)
    y_of = scale(ys, HEIGHT - BOTTOM, TOP)
    parts = [text(WIDTH / 2, 18, panel.title, text_anchor="middle", font_weight="bold")]
    for x in xs:
        parts.append(f'<path class="grid" d="M{x_of(x):.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(text(x_of(x), HEIGHT - BOTTOM + 14, number(x), text_anchor="middle"))
    for y in ticks(ys):
        parts.append(f'<path class="grid" d="M{LEFT} {y_of(y):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(text(LEFT - 6, y_of(y) + 4, number(y), text_anchor="end"))
    parts.append(text(WIDTH / 2, HEIGHT - 10, panel.x_label, text_anchor="middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = f"rotate(-90 14 {middle:.0f})"
    parts.append(text(14, middle, panel.y_label, text_anchor="middle", transform=turned))
    # Labels are where lines are not: at the left, unless those begin high.
    first = panel.lines[0].points
    falls = first[0][1] > first[-1][1]
    anchor, side = ("end", WIDTH - RIGHT - 8) if falls else ("start", LEFT + 8)
    for index, line in enumerate(panel.lines):
        path = "L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y in line.points)
        dashes = ' stroke-dasharray="5 4"' if line.is_dashed else ""
        parts.append(f'<path d="M{path}" fill="none" stroke="{line.color}"'
                     f' stroke-width="2"{dashes}/>')  # fmt: skip
        if not line.is_dashed:
            parts += [
                f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" fill="{line.color}"/>'
                for x, y in line.points
            ]
        parts.append(text(side, TOP + 14 + 15 * index, line.label, fill=line.color, text_anchor=anchor))
    return "\n".join(parts)


def draw(panels, columns=2):
    """The text of an SVG file."""
    rows = math.ceil(len(panels) / columns)
    size = f"{columns * WIDTH} {rows * HEIGHT}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}"'
        ' font-family="sans-serif" font-size="11" fill="#222">',
        "<style>.grid { stroke: #ddd; fill: none }</style>",
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for index, panel in enumerate(panels):
        x, y = index % columns * WIDTH, index // columns * HEIGHT
        parts.append(f'<g transform="translate({x} {y})">\n{draw_panel(panel)}\n</g>')
    return "\n".join([*parts, "</svg>\n"])
