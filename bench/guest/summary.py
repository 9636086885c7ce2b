"""What samples come to: medians, ratios turn by turn, geometric means of groups."""

import math
import statistics

# The means, and which groups of rows each is over. The issue that asks for them names some together.
MEANS = {
    "integer and branch": ("integer",),
    "scalar FP": ("scalar_fp",),
    "SIMD, AES, strings": ("vector",),
    "scalar FP, SIMD, AES, strings": ("scalar_fp", "vector"),
    "memory": ("memory",),
    "rep movs/stos": ("rep",),
    "kernel-bound": ("kernel",),
    "JIT and self-modifying": ("code",),
    "real programs": ("program",),
}
MEANS_GROUPS = frozenset(group for groups in MEANS.values() for group in groups)
# Natively `cpuid` leaves the host's own virtual machine, QEMU drops `lock` with one processor, and the others
# of this group are single instructions or calls: shown, but in no mean.
LEFT_OUT = "single"
# What the loops of one and of two processors are called: nanoseconds per iteration of all loops together.
LOOPS = {1: "1 loop on 1 processor", 2: "2 loops on 2 processors"}


def geometric_mean(values):
    """Returns the geometric mean of positive numbers, None of none."""
    values = list(values)
    if not values:
        return None
    if any(value <= 0 for value in values):
        raise ValueError("a geometric mean is of positive numbers")
    return math.exp(statistics.fmean(math.log(value) for value in values))


def median(measure, machine):
    """Returns the median of a machine's samples, None where it has none."""
    values = measure.samples.get(machine)
    return statistics.median(values) if values else None


def ratios(measure, machine, base):
    """Returns how many times as much a machine takes as another, turn by turn."""
    return [a / b for a, b in zip(measure.samples.get(machine, []), measure.samples.get(base, []))]


def ratio(measure, machine, base):
    """Returns the median of those ratios: what slows a whole turn down does not change it. None without any."""
    values = ratios(measure, machine, base)
    return statistics.median(values) if values else None


def group_ratio(measures, groups, machine, base):
    """Returns the geometric mean of the ratios of all measures of these groups that have one."""
    values = [ratio(measure, machine, base) for measure in measures if measure.group in groups]
    return geometric_mean(value for value in values if value is not None)


def means(measures):
    """Yields (title, number of rows, QEMU ×, ours ×, ours against QEMU) of each mean that has rows."""
    for title, groups in MEANS.items():
        count = sum(1 for measure in measures if measure.group in groups)
        if count:
            pairs = (("qemu", "native"), ("cumulet", "native"), ("cumulet", "qemu"))
            yield title, count, *(group_ratio(measures, groups, *pair) for pair in pairs)


def throughputs(measures):
    """Returns {machine: how many times the work of one processor two do}."""
    found = {measure.name: measure.samples for measure in measures}
    one, two = (found.get(name, {}) for name in LOOPS.values())
    return {machine: statistics.median(x / y for x, y in zip(one[machine], two[machine]))
            for machine in one if two.get(machine)}
