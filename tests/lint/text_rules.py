"""Rules about the text of one file: its first line, its size, words and casts that must not be there.

Each rule takes the files and returns its violations as "path:line: what is wrong".
"""

import re

MAX_FILE_LINES = 800
MAX_P90_LINES = 400

FIRST_LINE_SUFFIXES = (".h", ".cpp", ".S", ".py", ".sh", ".cmake", "CMakeLists.txt")
COMMENT_START = re.compile(r'(//|#|"""|/\*)\s*\S')
SENTENCE_END = re.compile(r'\.($| |""")')

# A cast to bytes or characters looks at memory without giving it a meaning, and the sockets API is made of
# casts to sockaddr; every other reinterpret_cast is a claim about bytes that somebody else wrote.
DANGEROUS = [
    (re.compile(r"\breinterpret_cast<(?!\s*(const\s+)?(char|unsigned char|uint8_t|std::byte|(struct\s+)?sockaddr)\s*\*\s*>"
                r"|\s*(u?intptr_t|uint64_t)\s*>)"), "reinterpret_cast"),
    (re.compile(r"\bPROT_EXEC\b"), "an executable mapping"),
    (re.compile(r"(\.|->)unsafe_host_pointer\("), "a raw pointer into guest memory"),
    (re.compile(r"__attribute__\(\(packed\)\)|#pragma pack"), "a packed struct"),
]
# Split, so that this file does not hold the words that it looks for.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(work|farm)/|/tmp/(brief|anchors)|\." r"library\b|/(root|home)/\w+/(?!\.\.\.)")
PARENT_INCLUDE = re.compile(r'^\s*#\s*include\s+["<][^">]*\.\./')


def first_line(files):
    """A file (below a script's first line) begins with a comment: a sentence, of two lines at most, that says what it is."""
    for file in files:
        if not (file.path.endswith(FIRST_LINE_SUFFIXES) or file.is_script):
            continue
        number = 1 if file.is_script else 0
        first, second = [*file.lines[number:number + 2], "", ""][:2]
        if not COMMENT_START.match(first) or not (SENTENCE_END.search(first) or _ends_sentence(first, second)):
            yield f"{file.path}:{number + 1}: not a comment with one sentence that says what the file is"


def _ends_sentence(first, second):
    continues = first.startswith('"""') or second.startswith(("//", "#"))
    return continues and SENTENCE_END.search(second)


def file_size(files):
    """No source file is over 800 lines, and nine in ten C++ files are not over 400."""
    lengths = []
    for file in files:
        if file.path.endswith((*FIRST_LINE_SUFFIXES, ".ts", ".tsx")) or file.is_script:
            if len(file.lines) > MAX_FILE_LINES:
                yield f"{file.path}:{MAX_FILE_LINES}: {len(file.lines)} lines, more than {MAX_FILE_LINES}"
        if file.is_cpp:
            lengths.append(len(file.lines))
    if len(lengths) >= 10:
        p90 = sorted(lengths)[len(lengths) * 9 // 10]
        if p90 > MAX_P90_LINES:
            yield f"src:1: one C++ file in ten has more than {MAX_P90_LINES} lines (p90 is {p90})"


def dangerous_code(files):
    """Casts of foreign bytes, guest pointers and executable mappings are only in *_unsafe files and tests."""
    for file in files:
        if not file.is_cpp or file.is_unsafe or file.path.endswith("_test.cpp"):
            continue
        for number, line in enumerate(file.lines, 1):
            code = line.split("//")[0]
            for pattern, what in DANGEROUS:
                if pattern.search(code):
                    yield f"{file.path}:{number}: {what} outside a *_unsafe file"


def parent_includes(files):
    """Headers are included by module path, never through a parent folder."""
    for file in files:
        if file.is_cpp:
            for number, line in enumerate(file.lines, 1):
                if PARENT_INCLUDE.match(line):
                    yield f"{file.path}:{number}: include by module path, not through a parent folder"


def unfinished(files):
    """Nothing is left for later in a comment."""
    for file in files:
        for number, line in enumerate(file.lines, 1):
            if UNFINISHED.search(line):
                yield f"{file.path}:{number}: a note of unfinished work"


def machine_paths(files):
    """No file names a folder of the machine on which it was written."""
    for file in files:
        for number, line in enumerate(file.lines, 1):
            if MACHINE_PATH.search(line):
                yield f"{file.path}:{number}: a path of one machine"


RULES = [first_line, file_size, dangerous_code, parent_includes, unfinished, machine_paths]
