"""The size of functions: none over 70 lines, in C++ (as ctags sees it) and in Python."""

import ast
import json
import subprocess

MAX_FUNCTION_LINES = 70


def function_size(files, root):
    """No function is longer than 70 lines, its signature and closing brace included."""
    cpp = [file.path for file in files if file.is_cpp]
    yield from _too_long(_cpp_functions(cpp, root))
    for file in files:
        if file.path.endswith(".py"):
            yield from _too_long(_python_functions(file))


def _too_long(functions):
    for path, name, first, last in functions:
        if last - first + 1 > MAX_FUNCTION_LINES:
            yield f"{path}:{first}: {name}() has {last - first + 1} lines, more than {MAX_FUNCTION_LINES}"


def _cpp_functions(paths, root):
    """Yields (path, name, first line, last line) of every function definition in the C++ files."""
    if not paths:
        return
    command = ["ctags", "--options=NONE", "--output-format=json", "--fields=+ne", "--language-force=C++",
               "--kinds-C++=f", "-L", "-", "-f", "-"]
    done = subprocess.run(command, input="\n".join(paths), cwd=root, check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        tag = json.loads(line)
        if tag.get("_type") == "tag" and "end" in tag:
            yield tag["path"], tag["name"], tag["line"], tag["end"]


def _python_functions(file):
    for node in ast.walk(ast.parse(file.text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield file.path, node.name, node.lineno, node.end_lineno
