"""The layers: modules.cmake lists planes in their order, and a file includes only what its module declares.

The build refuses an include of a module that is not declared at all; this lint refuses also those that
compile only because a declared module passes its own dependencies on. A test may use those: a pure module is
tested on top of something.
"""

import re

# A module may depend on modules of its own plane and of those before it in this order.
PLANES = ["base", "hypervisor", "storage", "network", "store", "control", "node", "api", "connect", "command"]
# An agent serves resources, so the node plane sees control/resource; nothing in control sees the agent.
MODULES_FILE = "src/modules.cmake"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z0-9_]+(?:/[a-z0-9_]+)*)/[A-Za-z0-9_.]+"')
DECLARATION = re.compile(r"\bmodule\(([^)]*)\)")
KEYWORDS = ("DEPS", "LIBS")


def parse(text):
    """Returns {module: [declared dependency…]} in the order of declaration."""
    modules = {}
    for arguments in DECLARATION.findall(re.sub(r"#.*", "", text)):
        words, section = arguments.split(), ""
        modules[words[0]] = []
        for word in words[1:]:
            if word in KEYWORDS:
                section = word
            elif section == "DEPS":
                modules[words[0]].append(word)
    return modules


def layers(files):
    """Dependencies point from a plane to those before it, and includes follow declared dependencies."""
    by_path = {file.path: file for file in files}
    modules = parse(by_path[MODULES_FILE].text)
    yield from _plane_order(modules)
    folders = sorted(modules, key=len, reverse=True)
    for file in files:
        if not file.is_cpp or not file.path.startswith("src/"):
            continue
        folder = file.path.removeprefix("src/").rpartition("/")[0]
        if folder in modules and not file.path.endswith("_test.cpp"):
            yield from _includes(file, folder, modules)
        elif folder not in modules and not folder.startswith("command") and not any(folder.startswith(one + "/") for one in folders):
            yield f"{file.path}:1: src/{folder} is not a module of {MODULES_FILE}"


def _plane_order(modules):
    seen = set()
    for module, dependencies in modules.items():
        plane = module.split("/")[0]
        if plane not in PLANES:
            yield f"{MODULES_FILE}:1: {module} is in no known plane"
            continue
        for one in dependencies:
            other = one.split("/")[0]
            if other in PLANES and PLANES.index(other) > PLANES.index(plane):
                yield f"{MODULES_FILE}:1: {module} depends on {one}, which is in a plane below it"
            if one not in seen:
                yield f"{MODULES_FILE}:1: {module} depends on {one}, which is not declared above it"
        seen.add(module)


def _includes(file, module, modules):
    for number, line in enumerate(file.lines, 1):
        match = INCLUDE.match(line)
        if not match or match.group(1) == module or match.group(1) not in modules:
            continue
        if match.group(1) not in modules[module]:
            yield f"{file.path}:{number}: {module} does not declare the dependency {match.group(1)}"
