"""Rows of the table, and how they are shown."""

import json

NUMBERS = ("ours", "peer", "limit", "ratio_to_peer", "ratio_to_limit")


def row(work, ours, unit, *, peer=None, limit=None, more_is_better=False, target="",
        at_least_times_peer=None, at_most_times_limit=None, at_most=None, at_least=None):
    """One object of results.json. `ratio_to_peer`: how many times better than the peer we are;
    `ratio_to_limit`: how many times worse than the limit. `met`: whether all that was asked for was
    measured and holds; null when something of it was not measured."""
    better = (lambda a, b: a / b) if more_is_better else (lambda a, b: b / a)
    to_peer = better(ours, peer) if peer and ours else None
    to_limit = better(limit, ours) if limit and ours else None
    held = []
    for asked, holds in ((at_least_times_peer, lambda a: to_peer is not None and to_peer >= a),
                         (at_most_times_limit, lambda a: to_limit is not None and to_limit <= a),
                         (at_most, lambda a: ours <= a), (at_least, lambda a: ours >= a)):
        if asked is not None:
            held.append(holds(asked))
    unmeasured = ((at_least_times_peer is not None and to_peer is None)
                  or (at_most_times_limit is not None and to_limit is None))
    met = None if not held or unmeasured else all(held)
    return {"work": work, "ours": ours, "unit": unit, "peer": peer, "limit": limit,
            "ratio_to_peer": to_peer, "ratio_to_limit": to_limit, "target": target, "met": met}


def _number(value):
    if value is None:
        return "-"
    if value == 0:
        return "0"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def text(rows):
    """work | ours | peer | limit | ratio to peer | ratio to limit, and what was asked for."""
    head = ["work", "ours", "peer", "limit", "ratio to peer", "ratio to limit", "target", "met"]
    lines = [head]
    for one in rows:
        cells = [f"{_number(one[key])} {one['unit']}" if key == "ours" else _number(one[key])
                 for key in NUMBERS]
        met = {None: "", True: "yes", False: "NO"}[one["met"]]
        lines.append([one["work"], *cells, one["target"], met])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    shown = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
             for line in lines]
    shown.insert(1, "-+-".join("-" * width for width in widths))
    return "\n".join(shown)


def write(rows, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
        file.write("\n")
