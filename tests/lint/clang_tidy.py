#!/usr/bin/env python3
"""Runs clang-tidy over every tracked C++ source of a build, in parallel, and only over what changed since it passed.

usage: clang_tidy.py BUILD_FOLDER      (a folder with compile_commands.json; results are kept in it)
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys

import source_files

ROOT = source_files.ROOT
# What gcc's command line has and clang does not know is no finding.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--quiet"]
REPLACED = {"-mgeneral-regs-only": "-mno-sse -mno-mmx"}  # as cmake/registers.cmake
TIMEOUT_S = 600


def sources(build):
    """Returns the tracked sources that the build compiles, sorted."""
    tracked = {str(ROOT / file.path) for file in source_files.tracked() if file.path.endswith(".cpp")}
    commands = json.loads((build / "compile_commands.json").read_text())
    return sorted({os.path.normpath(os.path.join(one["directory"], one["file"])) for one in commands} & tracked)


def translate_commands(build):
    """Writes the build's compile commands as clang takes them to a folder below it; returns that folder."""
    text = (build / "compile_commands.json").read_text()
    for gcc, clang in REPLACED.items():
        text = text.replace(gcc, clang)
    folder = build / "clang_tidy"
    folder.mkdir(exist_ok=True)
    (folder / "compile_commands.json").write_text(text)
    return folder


def fingerprint(source, common, includes):
    """Returns a digest of all that decides clang-tidy's answer about a source."""
    digest = hashlib.sha256(common)
    for path in [source, *includes.get(source, [])]:
        digest.update(path.encode())
        try:
            digest.update(pathlib.Path(path).read_bytes())
        except OSError:
            digest.update(b"missing")
    return digest.hexdigest()


def project_includes(build):
    """Returns {source: [header of this project…]} as the last build saw them; {} if nothing was built."""
    done = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=False, capture_output=True, text=True)
    result, current = {}, []
    for line in done.stdout.splitlines():
        if line and not line.startswith(" "):
            current = []
            continue
        path = os.path.realpath(os.path.join(build, line.strip()))
        if line.strip() and path.startswith(f"{ROOT}{os.sep}"):
            current.append(path)
            if len(current) == 1:
                result[path] = current
    return result


def check(commands, source):
    """Returns (passed, output) of clang-tidy for one source; `commands` is the folder of the compile commands."""
    command = ["clang-tidy-14", *EXTRA, "-p", commands, source]
    try:
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False, f"{source}: clang-tidy did not end within {TIMEOUT_S} s"
    return done.returncode == 0, (done.stdout + (done.stderr if done.returncode else "")).strip()


def main(build):
    """Checks what changed; returns the exit status."""
    commands = translate_commands(build)
    passed_file = commands / "passed.json"
    passed = json.loads(passed_file.read_text()) if passed_file.exists() else {}
    version = subprocess.run(["clang-tidy-14", "--version"], check=True, capture_output=True).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes() + " ".join(EXTRA).encode()
    includes = project_includes(build)
    keys = {source: fingerprint(source, common, includes) for source in sources(build)}
    todo = [source for source, key in keys.items() if passed.get(source) != key]
    print(f"clang-tidy: {len(todo)} of {len(keys)} sources changed", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = {pool.submit(check, commands, source): source for source in todo}
        for number, future in enumerate(concurrent.futures.as_completed(futures), 1):
            source, (good, output) = futures[future], future.result()
            print(f"[{number}/{len(todo)}] {os.path.relpath(source, ROOT)}", flush=True)
            if good:
                passed[source] = keys[source]
            else:
                failed += 1
                print(output, flush=True)
    passed_file.write_text(json.dumps({source: key for source, key in passed.items() if source in keys}, indent=1))
    print(f"{failed} sources with findings" if failed else "clean")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip().splitlines()[-1])
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
