"""The table that a run prints."""

import summary

HEADER = f"{'':24} {'native':>12} {'QEMU ×':>8} {'ours ×':>8} {'ours:QEMU':>10}   spread of ours ×"


def number(value, width, digits=2):
    """Returns a number right-aligned, or a dash where there is none."""
    return f"{'-':>{width}}" if value is None else f"{value:{width},.{digits}f}"


def spread(measure, base="native"):
    """Returns the range of ours over the turns."""
    values = summary.ratios(measure, "cumulet", base)
    return f"{min(values):.2f}-{max(values):.2f}" if values else ""


def row_line(measure):
    """Returns the line of a measure that has a native time."""
    ratios = [summary.ratio(measure, *pair)
              for pair in (("qemu", "native"), ("cumulet", "native"), ("cumulet", "qemu"))]
    native = number(summary.median(measure, "native"), 12)
    columns = f"{number(ratios[0], 8)} {number(ratios[1], 8)} {number(ratios[2], 10)}"
    return f"{measure.name:24} {native} {columns}   {spread(measure)}"


def rows_table(measures, unit):
    """Yields the lines of measures that have a native time, those in no mean last."""
    yield HEADER.replace("      native", f"{'native ' + unit:>12}")
    inside = [measure for measure in measures if measure.group != summary.LEFT_OUT]
    yield from map(row_line, inside)
    outside = [measure for measure in measures if measure.group == summary.LEFT_OUT]
    if outside:
        yield "in no mean:"
        yield from map(row_line, outside)


def means_table(measures):
    """Yields the lines of the geometric means."""
    yield f"{'geometric mean (rows)':36} {'QEMU ×':>8} {'ours ×':>8} {'ours:QEMU':>10}"
    for title, count, qemu, ours, against in summary.means(measures):
        yield f"{title + f' ({count})':36} {number(qemu, 8)} {number(ours, 8)} {number(against, 10)}"


def machines_table(measures):
    """Yields the lines of boots, memory and processors, with their units."""
    yield f"{'':40} {'unit':>5} {'native':>9} {'QEMU':>9} {'ours':>9} {'QEMU:ours':>10}   spread of ours"
    for measure in measures:
        qemu, ours = summary.median(measure, "qemu"), summary.median(measure, "cumulet")
        against = summary.ratio(measure, "qemu", "cumulet")
        values = measure.samples.get("cumulet", [])
        reach = f"{min(values):.2f}-{max(values):.2f}" if values else ""
        native = number(summary.median(measure, "native"), 9)
        yield (f"{measure.name:40} {measure.unit:>5} {native} {number(qemu, 9)} {number(ours, 9)}"
               f" {number(against, 10)}   {reach}")
    scale = summary.throughputs(measures)
    if scale:
        texts = ", ".join(f"{machine} {value:.2f}" for machine, value in scale.items())
        yield f"throughput of 2 processors against 1: {texts}"


def disturbed(measures, limit=0.25):
    """Returns the names of measures during which others kept the processors busy."""
    return sorted({measure.name for measure in measures
                   for values in measure.foreign.values() if max(values) > limit})


def whole(result):
    """Yields the lines of a whole result."""
    about = result.description
    yield f"commit {about['commit'][:12]}{' (modified)' if about['modified'] else ''}, {about['when']}"
    yield f"{about['host']['cpu']}, {about['host']['cpus']} CPUs, Linux {about['host']['kernel']}"
    yield from (f"{name}: {version}" for name, version in about["versions"].items())
    with_native = {"rows": "ns", "programs": "s"}
    for part in dict.fromkeys(measure.part for measure in result.measures):
        measures = [measure for measure in result.measures if measure.part == part]
        yield ""
        yield from rows_table(measures, with_native[part]) if part in with_native else machines_table(measures)
    if list(summary.means(result.measures)):
        yield ""
        yield from means_table(result.measures)
    for failure in about.get("failures", []):
        yield ""
        yield f"FAILED: {failure}"
    names = disturbed(result.measures)
    if names:
        yield ""
        yield f"other processes were busy during: {' '.join(names)}"
