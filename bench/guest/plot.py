"""Draws a result as SVG: bars of QEMU and Cumulet for the means and for every measure."""

import html
import math

import summary

WIDTH, LABELS, RIGHT = 860, 250, 70
BAR, GAP, HEAD, AXIS = 8, 8, 34, 24
COLORS = {"qemu": "#a9b1bd", "cumulet": "#2563c9"}
TITLES = {"qemu": "QEMU TCG", "cumulet": "Cumulet"}
INK, FAINT = "#1c2430", "#d9dee5"
PARTS = {
    "rows": "Small programs, times native",
    "programs": "Real programs in a full Debian, wall time, times native",
}
# A part's name, or nothing for all parts, and a unit.
UNITS = {
    ("boot", "s"): "Boots of the small guest, seconds",
    ("smp", "s"): "Boots with one and with two processors, seconds",
    ("debian", "s"): "Full Debian with systemd, seconds",
    ("", "MiB"): "Memory beyond the guest's RAM, MiB",
}


class Logarithmic:
    """The scale of factors: bars begin at one, and go to the left where something is faster than that."""

    base = 1

    def __init__(self, values):
        self._low, self._high = min(1, *values) / 1.15, max(2, *values) * 1.1

    def at(self, value):
        """Returns where a value is, from 0 to 1."""
        return math.log(value / self._low) / math.log(self._high / self._low)

    def ticks(self):
        """Returns the numbers 1, 2 and 5 times a power of ten."""
        powers = range(math.floor(math.log10(self._low)), math.ceil(math.log10(self._high)) + 1)
        every = (step * 10.0**power for power in powers for step in (1, 2, 5))
        return [one for one in every if self._low <= one <= self._high]


class Linear:
    """The scale of seconds and sizes, from zero."""

    base = 0

    def __init__(self, values):
        self._high = max(values) * 1.1

    def at(self, value):
        """Returns where a value is, from 0 to 1."""
        return value / self._high

    def ticks(self):
        """Returns about five round numbers."""
        rough = self._high / 5
        power = 10.0**math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        return [step * i for i in range(int(self._high / step) + 1)]


class Panel:
    """A title, an axis, and two bars for each of its lines; draw() says how high it was."""

    def __init__(self, title, lines, scale, unit=""):
        # A line is a label and {machine: value}.
        self._title, self._lines, self._scale, self._unit = title, lines, scale, unit

    def draw(self, top):
        """Returns (SVG elements, the panel's height)."""
        bottom = top + HEAD + len(self._lines) * (2 * BAR + GAP)
        parts = [text(0, top + 20, self._title, size=15, weight="bold")]
        for tick in self._scale.ticks():
            x = self._x(tick)
            color = INK if tick == self._scale.base else FAINT
            parts.append(f'<line x1="{x:.1f}" y1="{top + HEAD - 4}" x2="{x:.1f}" y2="{bottom}" stroke="{color}"/>')
            parts.append(text(x, bottom + 14, f"{tick:g}", size=11, anchor="middle"))
        y = top + HEAD
        for label, found in self._lines:
            parts += self._bars(y, label, found)
            y += 2 * BAR + GAP
        return parts, bottom + AXIS - top

    def _bars(self, y, label, found):
        yield text(LABELS - 10, y + BAR + 4, label, anchor="end")
        for machine in TITLES:
            if machine in found:
                at, base = self._x(found[machine]), self._x(self._scale.base)
                left, width = min(at, base), max(1.0, abs(at - base))
                yield (f'<rect x="{left:.1f}" y="{y}" width="{width:.1f}" height="{BAR - 1}" '
                       f'fill="{COLORS[machine]}"/>')
                yield text(max(at, base) + 4, y + BAR - 1, f"{found[machine]:.3g}{self._unit}", size=9)
            y += BAR

    def _x(self, value):
        return LABELS + (WIDTH - LABELS - RIGHT) * self._scale.at(value)


def text(x, y, content, size=12, anchor="start", weight="normal"):
    """Returns a text element."""
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
            f'fill="{INK}">{html.escape(content)}</text>')


def legend(top):
    """Returns the elements that say which colour is which."""
    parts, x = [], LABELS
    for machine, title in TITLES.items():
        parts.append(f'<rect x="{x}" y="{top}" width="12" height="12" fill="{COLORS[machine]}"/>')
        parts.append(text(x + 18, top + 10, title))
        x += 110
    return [*parts, text(x, top + 10, "less is better")]


def panels(result):
    """Yields the panels of what the result has; those of factors have one scale. Rows in no mean are not drawn."""
    factors = [("Geometric means, times native", [(f"{title} ({count})", known(qemu=qemu, cumulet=ours))
                                                  for title, count, qemu, ours, _ in summary.means(result.measures)])]
    for part, title in PARTS.items():
        lines = [(measure.name, known(**{name: summary.ratio(measure, name, "native") for name in TITLES}))
                 for measure in result.measures if measure.part == part and measure.group != summary.LEFT_OUT]
        factors.append((title, lines))
    scale = Logarithmic([1, *(value for _, lines in factors for _, found in lines for value in found.values())])
    yield from (Panel(title, lines, scale) for title, lines in factors if lines)
    for (part, unit), title in UNITS.items():
        lines = [(measure.name, known(**{name: summary.median(measure, name) for name in TITLES}))
                 for measure in result.measures if part in (measure.part, "") and measure.unit == unit]
        values = [value for _, found in lines for value in found.values()]
        if values:
            yield Panel(title, lines, Linear(values), f" {unit}")


def known(**found):
    """Returns the machines that have a value."""
    return {name: value for name, value in found.items() if value is not None}


def svg(result):
    """Returns the drawing of a result."""
    about = result.description
    parts = [text(0, 20, "Cumulet and QEMU's TCG: what a guest costs without virtualization hardware", 17,
                  weight="bold"),
             text(0, 38, f"{about['host']['cpu']}; commit {about['commit'][:12]}; "
                         f"{about['versions'].get('qemu', 'no QEMU')}", 11),
             *legend(50)]
    top = 78
    for panel in panels(result):
        drawn, height = panel.draw(top)
        parts += drawn
        top += height + 14
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 20}" height="{top}" '
            f'viewBox="-10 0 {WIDTH + 20} {top}" font-family="sans-serif">\n'
            f'<rect x="-10" width="{WIDTH + 20}" height="{top}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")
