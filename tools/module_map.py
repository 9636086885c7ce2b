#!/usr/bin/env python3
"""Prints the modules of src/modules.cmake with their dependencies, or draws them as an SVG file.

usage: module_map.py [FILE.svg]
"""

import html
import pathlib
import re
import sys

MODULES_FILE = pathlib.Path(__file__).resolve().parent.parent / "src" / "modules.cmake"
KEYWORDS = ("DEPS", "LIBS", "SOURCES")
BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 170, 34, 18, 56, 24
PLANE_COLORS = {"base": "#dddddd", "hypervisor": "#cfe3f7", "store": "#f7e6c4", "control": "#d5edd0", "node": "#f3d4dc",
                "api": "#e2d7f3", "program": "#ffffff"}


def parse(text):
    """Returns {name: [dependency…]} in declaration order; a program's name is in angle brackets."""
    text = re.sub(r"#.*", "", text)
    graph = {}
    for kind, arguments in re.findall(r"\b(module|program)\(([^)]*)\)", text):
        words = arguments.split()
        section, dependencies = "", []
        for word in words[1:]:
            if word in KEYWORDS:
                section = word
            elif section == "DEPS":
                dependencies.append(word)
        graph[words[0] if kind == "module" else f"<{words[0]}>"] = dependencies
    return graph


def reachable(graph, name):
    """Returns everything that `name` depends on, directly or not."""
    seen, todo = set(), list(graph.get(name, []))
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo.extend(graph.get(one, []))
    return seen


def reduced(graph):
    """Returns the graph without the arrows that other arrows imply: what a picture needs."""
    result = {}
    for name, dependencies in graph.items():
        implied = set().union(*(reachable(graph, one) for one in dependencies)) if dependencies else set()
        result[name] = [one for one in dependencies if one not in implied]
    return result


def depths(graph):
    """Returns {name: length of its longest chain of dependencies}."""
    result = {}
    for name in graph:  # declaration order: dependencies come first
        result[name] = 1 + max((result.get(one, 0) for one in graph[name]), default=-1)
    return result


def as_text(graph):
    """Returns one line a module: its name and its direct dependencies."""
    width = max((len(name) for name in graph), default=0)
    return "\n".join(f"{name:<{width}}  {' '.join(graph[name]) or '-'}" for name in graph)


def as_svg(graph):
    """Returns a drawing: a row per depth, arrows from a module to what it uses."""
    rows = {}
    for name, depth in depths(graph).items():
        rows.setdefault(depth, []).append(name)
    columns = max((len(row) for row in rows.values()), default=1)
    width = 2 * MARGIN + columns * (BOX_WIDTH + GAP_X)
    place = {}
    for depth, row in sorted(rows.items()):
        start = (width - len(row) * (BOX_WIDTH + GAP_X) + GAP_X) / 2
        for column, name in enumerate(row):
            place[name] = (start + column * (BOX_WIDTH + GAP_X), MARGIN + depth * (BOX_HEIGHT + GAP_Y))
    height = 2 * MARGIN + len(rows) * (BOX_HEIGHT + GAP_Y)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
             'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="#ffffff"/>']
    for name, dependencies in reduced(graph).items():
        for one in dependencies:
            if one in place:
                (x1, y1), (x2, y2) = place[name], place[one]
                parts.append(f'<line x1="{x1 + BOX_WIDTH / 2:.0f}" y1="{y1:.0f}" x2="{x2 + BOX_WIDTH / 2:.0f}" '
                             f'y2="{y2 + BOX_HEIGHT:.0f}" stroke="#888888"/>')
    for name, (x, y) in place.items():
        plane = "program" if name.startswith("<") else name.split("/")[0]
        parts.append(f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="5" '
                     f'fill="{PLANE_COLORS.get(plane, "#eeeeee")}" stroke="#555555"/>')
        parts.append(f'<text x="{x + BOX_WIDTH / 2:.0f}" y="{y + BOX_HEIGHT / 2 + 4:.0f}" text-anchor="middle">'
                     f'{html.escape(name.strip("<>"))}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main(arguments):
    """Runs the command line; returns the exit status."""
    graph = parse(MODULES_FILE.read_text())
    if not arguments:
        print(as_text(graph))
    elif len(arguments) == 1 and arguments[0].endswith(".svg"):
        pathlib.Path(arguments[0]).write_text(as_svg(graph))
        print(f"drew {len(graph)} modules and programs in {arguments[0]}")
    else:
        print(__doc__.strip().splitlines()[-1], file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
