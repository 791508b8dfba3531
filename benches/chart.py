"""Line charts with two logarithmic axes, as SVG that is readable on light and on dark ground."""

import math
from typing import NamedTuple
from xml.sax.saxutils import escape

# Nearly those of Okabe and Ito, which people tell apart however they see colours.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#8b6fd0", "#c0392b"]
STYLE = """
text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-size:14px;font-weight:600}.ground{fill:#fff}
.grid{stroke:#d8dee4;stroke-width:1}.frame{stroke:#8c959f;fill:none}.line{fill:none;stroke-width:2}
.reference{stroke:#6e7781;stroke-dasharray:5 4}.guide{stroke:#8c959f;stroke-dasharray:1 4;stroke-linecap:round}
.lead{fill:none;stroke-width:1;opacity:.6}.label{font-size:11px}.quiet{fill:#57606a}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.ground{fill:#0d1117}.grid{stroke:#21262d}.frame{stroke:#6e7681}
.reference{stroke:#8b949e}.guide{stroke:#6e7681}.quiet{fill:#9da7b1}}
"""
WIDTH, HEIGHT = 380, 360
LEFT, TOP, RIGHT, BOTTOM = 62, 44, 138, 52


class Series(NamedTuple):
    name: str
    points: list  # of (x, y), both above zero
    reference: bool = False  # something to compare with: grey and dashed


class Panel(NamedTuple):
    title: str
    x: str
    y: str
    series: list
    # How the numbers at the axes are written.
    x_form: object = "{:g}".format
    y_form: object = "{:g}".format
    guide: bool = True  # a dotted line that grows in proportion


class Axis:
    """Logarithmic, over whole decades or halves of them."""

    def __init__(self, values, start, end):
        self.low, self.high = math.log10(min(values)), math.log10(max(values))
        spare = 0.04 * max(self.high - self.low, 0.5)
        self.low, self.high, self.start, self.end = self.low - spare, self.high + spare, start, end

    def at(self, value):
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self):
        decades = range(math.floor(self.low), math.ceil(self.high) + 1)
        steps = (1,) if self.high - self.low > 1.9 else (1, 2, 5)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        return [tick for tick in ticks if self.low <= math.log10(tick) <= self.high]


def write(path, panels):
    """Panels side by side, in one file."""
    whole = WIDTH + LEFT + RIGHT
    size = f"{whole * len(panels)} {HEIGHT + TOP + BOTTOM}"
    width, height = size.split()
    measures = f'viewBox="0 0 {size}" width="{width}" height="{height}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {measures} role="img">']
    parts += [f"<style>{STYLE}</style>", f'<rect class="ground" width="{width}" height="{height}"/>']
    for index, panel in enumerate(panels):
        parts += [f'<g transform="translate({index * whole + LEFT} {TOP})">', *_panel(panel), "</g>"]
    path.write_text("\n".join([*parts, "</svg>\n"]))


def _panel(panel):
    points = [point for series in panel.series for point in series.points]
    x = Axis([point[0] for point in points], 0, WIDTH)
    y = Axis([point[1] for point in points], HEIGHT, 0)
    yield f'<text class="title" x="0" y="-16">{escape(panel.title)}</text>'
    yield from _grid(panel, x, y)
    if panel.guide:
        yield from _guide(x, y)
    colours = iter(COLOURS)
    drawn = [(series, None if series.reference else next(colours)) for series in panel.series]
    for series, colour in drawn:
        yield from _line(series, colour, x, y)
    yield from _labels(drawn, x, y)


def _grid(panel, x, y):
    for tick in x.ticks():
        yield f'<path class="grid" d="M{x.at(tick):.1f} 0V{HEIGHT}"/>'
        yield f'<text x="{x.at(tick):.1f}" y="{HEIGHT + 18}" text-anchor="middle">{panel.x_form(tick)}</text>'
    for tick in y.ticks():
        yield f'<path class="grid" d="M0 {y.at(tick):.1f}H{WIDTH}"/>'
        yield f'<text x="-8" y="{y.at(tick) + 4:.1f}" text-anchor="end">{panel.y_form(tick)}</text>'
    yield f'<rect class="frame" width="{WIDTH}" height="{HEIGHT}"/>'
    yield f'<text class="quiet" x="{WIDTH / 2}" y="{HEIGHT + 40}" text-anchor="middle">{escape(panel.x)}</text>'
    place = f"translate(-46 {HEIGHT / 2}) rotate(-90)"
    yield f'<text class="quiet" transform="{place}" text-anchor="middle">{escape(panel.y)}</text>'


def _guide(x, y):
    """From the lower left, as far as it stays inside."""
    steps = min(x.high - x.low, y.high - y.low)
    scale = WIDTH / (x.high - x.low), HEIGHT / (y.high - y.low)
    yield f'<path class="guide" d="M0 {HEIGHT}L{steps * scale[0]:.1f} {HEIGHT - steps * scale[1]:.1f}"/>'
    at = 0.5 * steps
    angle = -math.degrees(math.atan2(scale[1], scale[0]))
    place = f"translate({at * scale[0]:.1f} {HEIGHT - at * scale[1] - 5:.1f}) rotate({angle:.1f})"
    yield f'<text class="label quiet" transform="{place}" text-anchor="middle">in proportion</text>'


def _line(series, colour, x, y):
    places = [(x.at(a), y.at(b)) for a, b in series.points]
    look = 'class="line reference"' if series.reference else f'class="line" stroke="{colour}"'
    yield f'<path {look} d="M{"L".join(f"{a:.1f} {b:.1f}" for a, b in places)}"/>'
    if not series.reference:
        yield from (f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.6" fill="{colour}"/>' for a, b in places)


def _labels(drawn, x, y):
    """Names at the right, moved apart where they would overlap, and led to from the ends of the lines."""
    wanted = sorted((y.at(series.points[-1][1]), series, colour) for series, colour in drawn)
    height = 14
    places = [place for place, _, _ in wanted]
    for _ in range(200):
        for index in range(len(places) - 1):
            overlap = height - (places[index + 1] - places[index])
            if overlap > 0:
                places[index] -= overlap / 2
                places[index + 1] += overlap / 2
        places = [min(max(place, 4), HEIGHT - 4) for place in places]
    for place, (end, series, colour) in zip(places, wanted):
        look = 'stroke="#8c959f"' if series.reference else f'stroke="{colour}"'
        start = x.at(series.points[-1][0]) + 4
        lead = f"M{start:.1f} {end:.1f}H{WIDTH + 2}L{WIDTH + 14} {place:.1f}"
        yield f'<path {look} class="lead" d="{lead}"/>'
        yield f'<text class="label" x="{WIDTH + 18}" y="{place + 4:.1f}">{escape(series.name)}</text>'
