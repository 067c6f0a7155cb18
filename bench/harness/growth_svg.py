"""Curves on logarithmic axes, as SVG."""

import math

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 300, 260, 52, 30, 44
COLOURS = ["#1f5fa8", "#b3541e", "#3a7d44"]


class Panel:
    def __init__(self, title, unit, curves):
        self.title, self.unit, self.curves = title, unit, curves
        xs = [x for _, points in curves for x, _ in points]
        ys = [y for _, points in curves for _, y in points]
        self.x = (math.floor(math.log10(min(xs))), math.ceil(math.log10(max(xs)) or 1))
        self.y = (math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys))))

    def place(self, x, y):
        across = (math.log10(x) - self.x[0]) / max(1, self.x[1] - self.x[0])
        up = (math.log10(y) - self.y[0]) / max(1, self.y[1] - self.y[0])
        return LEFT + across * (WIDTH - LEFT - 12), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    def draw(self, shift):
        parts = [f'<g transform="translate({shift},0)"><text x="{LEFT}" y="18" class="t">{self.title}</text>']
        for e in range(self.y[0], self.y[1] + 1):
            left, y = self.place(10 ** self.x[0], 10 ** e)
            parts.append(f'<path d="M{left:.1f} {y:.1f}H{WIDTH - 12}" class="g"/>'
                         f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="n" text-anchor="end">{_seconds(e)}</text>')
        for e in range(self.x[0], self.x[1] + 1):
            x, bottom = self.place(10 ** e, 10 ** self.y[0])
            parts.append(f'<path d="M{x:.1f} {TOP}V{bottom:.1f}" class="g"/>'
                         f'<text x="{x:.1f}" y="{bottom + 16:.1f}" class="n" text-anchor="middle">{_power(e)}</text>')
        parts.append(f'<text x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 8}" class="n" text-anchor="middle">{self.unit}</text>')
        for i, (name, points) in enumerate(self.curves):
            placed = [self.place(*p) for p in points]
            path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
            colour = COLOURS[i]
            parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
            parts.append(f'<text x="{LEFT + 8}" y="{TOP + 14 + 15 * i}" class="n" fill="{colour}">{name}</text>')
        return "".join(parts) + "</g>"


def _seconds(e):
    return {-6: "1 us", -5: "10 us", -4: "0.1 ms", -3: "1 ms", -2: "10 ms", -1: "0.1 s", 0: "1 s", 1: "10 s",
            2: "100 s"}[e]


def _power(e):
    return f"{10 ** e}" if 0 <= e < 4 else f"10<tspan dy='-4' font-size='8'>{e}</tspan>"


def draw(figures):
    def curve(name, x):
        return [(p[x], p["seconds"]) for p in figures[name]]
    panels = [Panel("seconds a round, by sites", "sites",
                    [("model of 10 KB", curve("sites, 10 KB", "sites")),
                     ("model of 1 MB", curve("sites, 1 MB", "sites"))]),
              Panel("by the size of the model", "bytes, two sites", [("two sites", curve("model, 2 sites", "bytes"))]),
              Panel("by the round", "round of one run, two sites, 10 KB",
                    [("one run", curve("rounds, 2 sites", "round"))])]
    width = WIDTH * len(panels)
    style = ("<style>text{font:11px sans-serif;fill:#222}.t{font-weight:bold}.g{stroke:#ddd;fill:none}"
             "text[fill]{fill:attr(fill)}</style>")
    body = "".join(panel.draw(WIDTH * i) for i, panel in enumerate(panels))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" '
            f'viewBox="0 0 {width} {HEIGHT}">{style}<rect width="100%" height="100%" fill="white"/>{body}</svg>\n')
