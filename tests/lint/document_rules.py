"""Rules about the documents: links that lead somewhere, and an architecture page short enough to be read."""

import posixpath
import re

MAX_ARCHITECTURE_LINES = 200
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
CODE_FENCE = "```"


def documents(files):
    """Every relative link names a tracked file or folder, and ARCHITECTURE.md has at most 200 lines."""
    known = {file.path for file in files}
    known |= {folder for path in known for folder in _parents(path)}
    for file in files:
        if not file.path.endswith(".md"):
            continue
        if file.path == "ARCHITECTURE.md" and len(file.lines) > MAX_ARCHITECTURE_LINES:
            yield f"{file.path}:{MAX_ARCHITECTURE_LINES}: more than {MAX_ARCHITECTURE_LINES} lines"
        yield from _broken_links(file, known)


def _broken_links(file, known):
    in_code = False
    for number, line in enumerate(file.lines, 1):
        if line.startswith(CODE_FENCE):
            in_code = not in_code
        if in_code:
            continue
        for match in LINK.finditer(line):
            target = match.group(1)
            if "://" in target or target.startswith("mailto:"):
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), target))
            if path not in known:
                yield f"{file.path}:{number}: a link to {target}, which does not exist"


def _parents(path):
    while path := posixpath.dirname(path):
        yield path
