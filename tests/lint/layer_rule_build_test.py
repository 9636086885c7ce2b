#!/usr/bin/env python3
"""Proves with real builds that module() enforces the layers: an undeclared include does not compile.

usage: layer_rule_build_test.py REPOSITORY
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = None  # set from the command line

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(layers LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 20)
find_package(Threads REQUIRED)
add_custom_target(unit_tests)
add_custom_target(programs)
include({repository}/cmake/module.cmake)
{modules}
"""


class LayerRuleTest(unittest.TestCase):
    """A project of two modules; upper/one is used by upper/two, declared or not."""

    def build(self, modules, build_type="Debug"):
        """Configures and builds a project with these module() lines; returns (exit status, output)."""
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            (root / "src/upper/one").mkdir(parents=True)
            (root / "src/upper/two").mkdir(parents=True)
            (root / "CMakeLists.txt").write_text(PROJECT.format(repository=REPOSITORY, modules=modules))
            (root / "src/upper/one/one.h").write_text("#pragma once\ninline int one() { return 1; }\n")
            (root / "src/upper/two/two.cpp").write_text('#include "upper/one/one.h"\nint two() { return 2 * one(); }\n')
            status, output = 0, ""
            for command in (["cmake", "-G", "Ninja", f"-DCMAKE_BUILD_TYPE={build_type}", "-S", root, "-B", root / "build"],
                            ["cmake", "--build", root / "build"]):
                done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
                status, output = done.returncode, output + done.stdout + done.stderr
                if status != 0:
                    break
            return status, output

    def test_declared_include_builds(self):
        for build_type in ("Debug", "Release"):
            status, output = self.build("module(upper/one)\nmodule(upper/two DEPS upper/one)", build_type)
            self.assertEqual(status, 0, output)

    def test_undeclared_include_fails_the_build(self):
        for build_type in ("Debug", "Release"):
            status, output = self.build("module(upper/one)\nmodule(upper/two)", build_type)
            self.assertNotEqual(status, 0)
            self.assertIn("upper/one/one.h: No such file or directory", output)

    def test_dependency_on_a_module_below_fails_the_configuration(self):
        status, output = self.build("module(upper/two DEPS upper/one)\nmodule(upper/one)")
        self.assertNotEqual(status, 0)
        self.assertIn("upper/two may not depend on upper/one", output)


if __name__ == "__main__":
    REPOSITORY = pathlib.Path(sys.argv.pop()).resolve()
    unittest.main()
