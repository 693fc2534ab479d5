"""Draws horizontal bars as SVG: a value with its range over all rounds, and the target."""

import html
import math
from dataclasses import dataclass

WIDTH, LABELS, ROW, TOP = 900, 400, 34, 60
# Readable on a light and on a dark page.
STYLE = """text { font: 13px sans-serif; fill: #555 } .title { font-size: 15px }
.grid { stroke: #8884 } .bar { fill: #4c78a8 } .range { stroke: #f58518; stroke-width: 2 } .target { stroke: #54a24b; stroke-width: 3 }
@media (prefers-color-scheme: dark) { text { fill: #bbb } }"""


@dataclass
class Bar:
    """One row: its label, the value, its lowest and highest, and the target."""

    label: str
    value: float
    low: float
    high: float
    target: float


def drawn(title, bars):
    """Returns the picture as text."""
    most = math.ceil(max(max(bar.high, bar.target) for bar in bars))
    bottom = TOP + ROW * len(bars)
    x = lambda value: LABELS + value / most * (WIDTH - LABELS - 60)
    line = lambda kind, x1, y1, x2, y2: f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
    text = lambda x, y, words, more="": f'<text x="{x:.1f}" y="{y:.1f}"{more}>{html.escape(words)}</text>'
    parts = [text(0, 18, title, ' class="title"'), text(LABELS, 40, "bar: median; line: lowest to highest round; green: target")]
    for tick in range(most + 1):
        parts += [line("grid", x(tick), TOP - 8, x(tick), bottom), text(x(tick), bottom + 18, f"{tick}", ' text-anchor="middle"')]
    for number, bar in enumerate(bars):
        y = TOP + ROW * number
        middle = y + ROW / 2 - 4
        parts += [
            text(LABELS - 10, middle + 5, bar.label, ' text-anchor="end"'),
            f'<rect class="bar" x="{x(0):.1f}" y="{y:.1f}" width="{x(bar.value) - x(0):.1f}" height="{ROW - 8}"/>',
            line("range", x(bar.low), middle, x(bar.high), middle),
            line("target", x(bar.target), y - 2, x(bar.target), y + ROW - 6),
            text(x(max(bar.high, bar.value, bar.target)) + 8, middle + 5, f"{bar.value:.2f}"),
        ]
    size = f'viewBox="0 0 {WIDTH} {bottom + 30}" width="{WIDTH}" height="{bottom + 30}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{html.escape(title)}</title><style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
