"""Tests that every lint can fail, and passes what it should pass."""

import pathlib
import sys
import tempfile
import unittest
from xml.etree import ElementTree

import document_rules
import function_rules
import layer_rules
import lint
import source_files
import text_rules
from source_files import SourceFile

sys.path.insert(0, str(source_files.ROOT / "tools"))
import module_map  # noqa: E402  (found through the path set above)


def found(rule, path, text):
    """Returns the lines of the violations that a rule finds in one file."""
    return [int(one.split(":")[1]) for one in rule([SourceFile(path, text)])]


class TextRulesTest(unittest.TestCase):
    def test_first_line(self):
        good = ["// A thing.\nint a;\n", "// A thing. And more of it\n", "// A thing of\n// two lines.\n"]
        bad = ["int a;\n", "", "// Not ended\n", "\n// A thing.\n", "// A\n// B\n// C.\n", "// A\nint b = 1.;\n"]
        for text in good:
            self.assertEqual(found(text_rules.first_line, "src/a.cpp", text), [], text)
        for text in bad:
            self.assertEqual(found(text_rules.first_line, "src/a.cpp", text), [1], text)
        self.assertEqual(found(text_rules.first_line, "dev", "#!/bin/sh\n# Does it.\n"), [])
        self.assertEqual(found(text_rules.first_line, "dev", "#!/bin/sh\necho\n"), [2])
        self.assertEqual(found(text_rules.first_line, "a.py", '"""Does it."""\n'), [])
        self.assertEqual(found(text_rules.first_line, "a.json", "{}\n"), [])

    def test_file_size(self):
        self.assertEqual(found(text_rules.file_size, "src/a.cpp", "\n" * 800), [])
        self.assertEqual(found(text_rules.file_size, "src/a.cpp", "\n" * 801), [800])
        self.assertEqual(found(text_rules.file_size, "data.txt", "\n" * 801), [])

    def test_file_size_p90(self):
        files = [SourceFile(f"src/{i}.cpp", "\n" * (500 if i < 2 else 10)) for i in range(10)]
        self.assertEqual(len(list(text_rules.file_size(files))), 1)
        self.assertEqual(list(text_rules.file_size(files[1:])), [])

    def test_dangerous_code(self):
        cast = "auto* p = reinterpret_cast<Header*>(bytes);\n"
        self.assertEqual(found(text_rules.dangerous_code, "src/a.cpp", "\n" + cast), [2])
        self.assertEqual(found(text_rules.dangerous_code, "src/a_unsafe.cpp", cast), [])
        self.assertEqual(found(text_rules.dangerous_code, "src/a_test.cpp", cast), [])
        for text in ("mmap(0, n, PROT_READ | PROT_EXEC);", "memory.unsafe_host_pointer(0, 1);",
                     "reinterpret_cast<const uint32_t*>(p);", "reinterpret_cast<charming*>(p);"):
            self.assertEqual(found(text_rules.dangerous_code, "src/a.h", text), [1], text)
        for text in ("reinterpret_cast<const char*>(p);", "reinterpret_cast<sockaddr*>(&a);", "// PROT_EXEC",
                     "reinterpret_cast<uintptr_t>(p);"):
            self.assertEqual(found(text_rules.dangerous_code, "src/a.h", text), [], text)

    def test_parent_includes(self):
        self.assertEqual(found(text_rules.parent_includes, "src/a.h", '#include "../b.h"\n'), [1])
        self.assertEqual(found(text_rules.parent_includes, "src/a.h", '#include "base/b.h"\n'), [])

    def test_unfinished(self):
        self.assertEqual(found(text_rules.unfinished, "src/a.h", "int a;  // TO" "DO: more\n"), [1])
        self.assertEqual(found(text_rules.unfinished, "src/a.h", "int todos;  // to do\n"), [])

    def test_machine_paths(self):
        for path in ("/wo" "rk/main", "/tmp/br" "ief/x", "/ro" "ot/me/x", "/ho" "me/me/x"):
            self.assertEqual(found(text_rules.machine_paths, "README.md", f"see {path}\n"), [1], path)
        for path in ("/tmp/x", "build/work/", "~/.local/state", "/usr/bin"):
            self.assertEqual(found(text_rules.machine_paths, "README.md", f"see {path}\n"), [], path)


class FunctionSizeTest(unittest.TestCase):
    def found(self, path, text):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / path).write_text(text)
            return list(function_rules.function_size([SourceFile(path, text)], folder))

    def test_cpp(self):
        body = "  f(1);\n"
        self.assertEqual(self.found("a.cpp", "int a::g(int b) {\n" + body * 68 + "}\n"), [])
        self.assertEqual(len(self.found("a.cpp", "int a::g(int b) {\n" + body * 69 + "}\n")), 1)

    def test_python(self):
        body = "    f(1)\n"
        self.assertEqual(self.found("a.py", "def g():\n" + body * 69), [])
        self.assertEqual(len(self.found("a.py", "def g():\n" + body * 70)), 1)


class LayersTest(unittest.TestCase):
    DECLARED = "module(base)\nmodule(store/kv DEPS base)\nmodule(api/http DEPS base LIBS x)\n"

    def found(self, modules, path="src/base/a.h", text=""):
        return list(layer_rules.layers([SourceFile(layer_rules.MODULES_FILE, modules), SourceFile(path, text)]))

    def test_declared_dependencies_pass(self):
        self.assertEqual(self.found(self.DECLARED, "src/api/http/a.h", '#include "base/b.h"\n#include <c.h>\n'), [])

    def test_undeclared_include(self):
        self.assertEqual(len(self.found(self.DECLARED, "src/api/http/a.h", '#include "store/kv/kv.h"\n')), 1)

    def test_undeclared_include_of_a_test(self):
        self.assertEqual(self.found(self.DECLARED, "src/api/http/a_test.cpp", '#include "store/kv/kv.h"\n'), [])

    def test_dependency_on_a_plane_below(self):
        modules = "module(base)\nmodule(api/http)\nmodule(store/kv DEPS api/http)\n"
        self.assertEqual(len(self.found(modules)), 1)

    def test_dependency_not_declared_above(self):
        self.assertEqual(len(self.found("module(base)\nmodule(store/kv DEPS store/x)\n")), 1)

    def test_unknown_plane(self):
        self.assertEqual(len(self.found("module(base)\nmodule(misc/x)\n")), 1)

    def test_source_outside_any_module(self):
        self.assertEqual(len(self.found(self.DECLARED, "src/store/loose/a.cpp", "")), 1)


class DocumentsTest(unittest.TestCase):
    def found(self, text, path="docs/a.md"):
        return found(document_rules.documents, path, text)

    def test_links(self):
        good = "[a](a.md) [b](../docs) [c](https://example.com/x) [d](#part)\n```\n[e](f.md)\n```\n"
        self.assertEqual(self.found(good), [])
        self.assertEqual(self.found("\n[a](b.md)\n"), [2])

    def test_architecture_is_short(self):
        self.assertEqual(self.found("\n" * 201, "ARCHITECTURE.md"), [200])
        self.assertEqual(self.found("\n" * 200, "ARCHITECTURE.md"), [])


class ToolsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.addCleanup(setattr, source_files, "ROOT", source_files.ROOT)
        source_files.ROOT = self.root
        (self.root / ".clang-format").write_text("BasedOnStyle: Google\n")

    def found(self, rule, path, text):
        (self.root / path).write_text(text)
        return list(rule([SourceFile(path, text)]))

    def test_formatting(self):
        self.assertEqual(self.found(lint.formatting, "a.cpp", "int a;\n"), [])
        self.assertEqual(len(self.found(lint.formatting, "b.cpp", "int   a ;\n")), 1)

    def test_shell(self):
        self.assertEqual(self.found(lint.shell, "a.sh", "#!/bin/sh\necho \"$1\"\n"), [])
        self.assertEqual(len(self.found(lint.shell, "b.sh", "#!/bin/sh\necho $1\n")), 1)


class ModuleMapTest(unittest.TestCase):
    TEXT = "module(base LIBS x)  # not module(a)\nmodule(store/kv DEPS base)\nprogram(tool SOURCES a DEPS store/kv base)\n"

    def test_parse(self):
        graph = module_map.parse(self.TEXT)
        self.assertEqual(graph, {"base": [], "store/kv": ["base"], "<tool>": ["store/kv", "base"]})
        self.assertEqual(module_map.reduced(graph)["<tool>"], ["store/kv"])
        self.assertEqual(module_map.depths(graph), {"base": 0, "store/kv": 1, "<tool>": 2})

    def test_drawing_is_xml(self):
        drawing = ElementTree.fromstring(module_map.as_svg(module_map.parse(self.TEXT)))
        self.assertEqual(len(drawing.findall("{http://www.w3.org/2000/svg}text")), 3)


if __name__ == "__main__":
    unittest.main()
