"""The short table of a result for documents: means, boots, memory and processors, as Markdown."""

import summary


def number(value, unit=""):
    """Returns three significant digits, or nothing."""
    if value is None:
        return ""
    return f"{value:.0f}{unit}" if value >= 100 else f"{value:.3g}{unit}"


def lines(result):
    """Yields the lines of the table."""
    yield "| | QEMU TCG | Cumulet | Cumulet is faster by |"
    yield "| --- | --- | --- | --- |"
    for title, count, qemu, ours, against in summary.means(result.measures):
        faster = 1 / against if against else None
        yield f"| {title} ({count}), × native | {number(qemu)} | {number(ours)} | {number(faster, ' ×')} |"
    for measure in result.measures:
        if measure.group in summary.MEANS_GROUPS or measure.unit not in ("s", "MiB"):
            continue
        qemu, ours = summary.median(measure, "qemu"), summary.median(measure, "cumulet")
        unit = f" {measure.unit}"
        times = number(summary.ratio(measure, "qemu", "cumulet"), " ×")
        yield f"| {measure.name} | {number(qemu, unit)} | {number(ours, unit)} | {times} |"
    scale = summary.throughputs(result.measures)
    if scale:
        yield (f"| work of 2 processors against 1 (natively {number(scale.get('native'))}) | {number(scale.get('qemu'))} "
               f"| {number(scale.get('cumulet'))} | |")
