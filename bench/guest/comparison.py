"""Compares two results, of two commits say: measure by measure, and the means."""

import summary
from table import number

# What moved by less than this is not called a change, however narrow the spreads are.
NOISE = 0.03


def key(measure):
    """Returns what makes a measure the same in both results."""
    return measure.part, measure.name


def levels(measure):
    """Returns the samples that stand for ours: against native, turn by turn, where there is a native time."""
    return summary.ratios(measure, "cumulet", "native") or measure.samples.get("cumulet", [])


def changed(before, after):
    """Returns 'faster' or 'slower' where the ranges of the samples do not even touch, else ''."""
    if max(after) < min(before) * (1 - NOISE):
        return "faster"
    if min(after) > max(before) * (1 + NOISE):
        return "slower"
    return ""


def compare(first, second):
    """Returns the lines of a table, and the names of what became slower."""
    others = {key(measure): measure for measure in second.measures}
    pairs = [(measure, others[key(measure)]) for measure in first.measures if key(measure) in others]
    lines, slower = [f"{'':40} {'before':>10} {'after':>10} {'after:before':>13}"], []
    for a, b in pairs:
        before, after = levels(a), levels(b)
        if not before or not after:
            continue
        verdict = changed(before, after)
        if verdict == "slower":
            slower.append(a.name)
        old, new = summary.statistics.median(before), summary.statistics.median(after)
        lines.append(f"{a.name:40} {number(old, 10)} {number(new, 10)} {number(new / old, 13)}  {verdict}".rstrip())
    lines += ["", *_means([a for a, _ in pairs], [b for _, b in pairs])]
    lines += _missing(first, second, {key(a) for a, _ in pairs})
    return lines, slower


def _means(first, second):
    yield f"{'geometric mean of ours × native (rows)':40} {'before':>10} {'after':>10} {'after:before':>13}"
    for (title, count, _, old, _), (_, _, _, new, _) in zip(summary.means(first), summary.means(second)):
        if old is not None and new is not None:
            yield f"{title + f' ({count})':40} {number(old, 10)} {number(new, 10)} {number(new / old, 13)}"


def _missing(first, second, both):
    for name, result in (("first", first), ("second", second)):
        only = [measure.name for measure in result.measures if key(measure) not in both]
        if only:
            yield f"only in the {name}: {' '.join(only)}"


def differences(first, second):
    """Returns what else differs and makes a comparison doubtful: host, kernel, versions of others."""
    a, b = first.description, second.description
    notes = [f"{name} differs: {a.get(name)} and {b.get(name)}" for name in ("host", "kernel_sha256")
             if a.get(name) != b.get(name)]
    return notes
