#!/usr/bin/env python3
"""Runs one lint over the tracked files of the repository, or all.

usage: lint.py [RULE…]
"""

import functools
import statistics
import subprocess
import sys

import document_rules
import function_rules
import layer_rules
import source_files
import text_rules


def formatting(files):
    """Every C++ file is as clang-format 14 writes it."""
    paths = [file.path for file in files if file.is_cpp]
    for start in range(0, len(paths), 50):
        done = subprocess.run(["clang-format-14", "--dry-run", *paths[start:start + 50]], cwd=source_files.ROOT,
                              check=True, capture_output=True, text=True)
        wrong = {line.split(":")[0] for line in done.stderr.splitlines() if "[-Wclang-format-violations]" in line}
        yield from (f"{path}:1: not formatted; ./dev fmt does it" for path in sorted(wrong))


def shell(files):
    """shellcheck has nothing to say about any shell script."""
    scripts = [file.path for file in files if _is_shell(file)]
    done = subprocess.run(["shellcheck", "--external-sources", "--format=gcc", *scripts], cwd=source_files.ROOT,
                          check=False, capture_output=True, text=True)
    yield from done.stdout.splitlines()
    if done.returncode > 1:
        yield f"shellcheck:1: {done.stderr.strip()}"


def _is_shell(file):
    first = file.lines[0] if file.lines else ""
    return file.path.endswith(".sh") or (first.startswith("#!") and first.rstrip().endswith("sh"))


def rules():
    """Returns {name: rule} of every lint."""
    every = [*text_rules.RULES, layer_rules.layers, document_rules.documents, formatting, shell]
    named = {rule.__name__: rule for rule in every}
    named["function_size"] = functools.partial(function_rules.function_size, root=source_files.ROOT)
    return named


def report_sizes(files):
    """Prints what the C++ files' lengths are like."""
    lengths = sorted(len(file.lines) for file in files if file.is_cpp)
    if lengths:
        print(f"{len(lengths)} C++ files: median {statistics.median(lengths):.0f} lines, "
              f"p90 {lengths[len(lengths) * 9 // 10]}, longest {lengths[-1]}")


def main(names):
    """Runs the named rules, or all; returns the exit status."""
    known = rules()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"lint: no rule {unknown[0]}; there are: {' '.join(known)}", file=sys.stderr)
        return 2
    files = source_files.tracked()
    failed = 0
    for name in names or known:
        violations = list(known[name](files))
        failed += len(violations)
        for violation in violations:
            print(f"{violation} [{name}]")
        if name == "file_size":
            report_sizes(files)
    print(f"{failed} violations" if failed else "clean")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
