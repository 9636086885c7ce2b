"""Tests of bench/guest: results parsed, means, comparisons of two results, and bad input refused in one line."""

import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

GUEST = pathlib.Path(__file__).resolve().parents[2] / "bench" / "guest"
sys.path.insert(0, str(GUEST))

import boot_part  # noqa: E402  (found through the path set above)
import comparison  # noqa: E402
import console  # noqa: E402
import load  # noqa: E402
import markdown  # noqa: E402
import memory  # noqa: E402
import plot  # noqa: E402
import programs_part  # noqa: E402
import results  # noqa: E402
import rows_part  # noqa: E402
import summary  # noqa: E402
import table  # noqa: E402
from errors import BenchError  # noqa: E402


def measure(name, group, native, qemu, ours):
    """Returns a measure with these samples."""
    return results.Measure("rows", name, group, "ns", {"native": native, "qemu": qemu, "cumulet": ours})


def result(*measures):
    """Returns a result of some host."""
    about = {"commit": "0123456789abcdef", "modified": False, "when": "2026-01-01T00:00:00Z",
             "host": {"cpu": "some", "cpus": 2, "kernel": "6.1"}, "versions": {"qemu": "7.2"}, "kernel_sha256": "00"}
    return results.Result(about, list(measures))


class ParseTest(unittest.TestCase):
    def test_the_best_round_is_taken(self):
        lines = ["[    1.0] a kernel's line", "RESULT int_mix best_ns 12.50 median_ns 13.00 unit iteration"]
        self.assertEqual(rows_part.parse(lines, "int_mix"), 12.5)

    def test_another_rows_result_is_none(self):
        with self.assertRaisesRegex(BenchError, "int_mix printed no result: RESULT fib"):
            rows_part.parse(["RESULT fib best_ns 1.0 median_ns 1.0 unit call"], "int_mix")

    def test_no_output_and_no_time_are_refused(self):
        for lines in ([], ["RESULT a best_ns 0.0000 median_ns 0.0000 unit x"], ["RESULT a best_ns x"]):
            with self.assertRaises(BenchError):
                rows_part.parse(lines, "a")

    def test_a_row_that_the_processor_cannot_run_has_no_time(self):
        self.assertIsNone(rows_part.parse(["SKIPPED avx2_int_64k: no avx2"], "avx2_int_64k"))

    def test_rows_are_selected_by_name(self):
        rows = [("chase_16K", "memory", "load"), ("rdtsc", "single", "operation")]
        self.assertEqual(rows_part.select(rows, "^chase"), rows[:1])
        with self.assertRaisesRegex(BenchError, "no row matches"):
            rows_part.select(rows, "nothing")
        with self.assertRaisesRegex(BenchError, "not a regular expression"):
            rows_part.select(rows, "(")


class MeansTest(unittest.TestCase):
    def test_geometric_mean(self):
        self.assertAlmostEqual(summary.geometric_mean([2, 8]), 4)
        self.assertIsNone(summary.geometric_mean([]))
        with self.assertRaises(ValueError):
            summary.geometric_mean([1, 0])

    def test_ratios_are_of_the_same_turn(self):
        # The second turn ran at half the speed throughout; the ratio does not see it.
        slow_turn = measure("a", "integer", [10, 20], [60, 120], [15, 30])
        self.assertEqual(summary.ratios(slow_turn, "cumulet", "native"), [1.5, 1.5])
        self.assertEqual(summary.ratio(slow_turn, "qemu", "cumulet"), 4)

    def test_rows_left_out_are_in_no_mean(self):
        rows = [measure("a", "integer", [1], [4], [2]), measure("cpuid", summary.LEFT_OUT, [1], [100], [100])]
        self.assertEqual([line[:2] for line in summary.means(rows)], [("integer and branch", 1)])
        text = "\n".join(table.whole(result(*rows)))
        self.assertLess(text.index("in no mean:"), text.index("cpuid"))

    def test_groups_named_together_have_one_mean(self):
        rows = [measure("x87", "scalar_fp", [1], [2], [2]), measure("sse", "vector", [1], [8], [8])]
        together = {line[0]: line[1:] for line in summary.means(rows)}["scalar FP, SIMD, AES, strings"]
        self.assertEqual(together[0], 2)
        self.assertAlmostEqual(together[2], 4)

    def test_without_qemu_its_columns_are_empty(self):
        alone = results.Measure("rows", "a", "integer", "ns", {"native": [1.0], "cumulet": [2.0]})
        self.assertEqual(next(iter(summary.means([alone])))[2:], (None, 2, None))
        self.assertIn("-", table.row_line(alone))

    def test_throughput_is_of_the_machines_that_have_both(self):
        names = list(summary.LOOPS.values())
        one = results.Measure("smp", names[0], "smp", "ns", {"native": [10.0, 10.0], "qemu": [80.0], "cumulet": [20.0]})
        two = results.Measure("smp", names[1], "smp", "ns", {"native": [5.0, 10.0], "cumulet": [10.0]})
        self.assertEqual(summary.throughputs([one, two]), {"native": 1.5, "cumulet": 2})
        self.assertEqual(summary.throughputs([one]), {})


class MemoryTest(unittest.TestCase):
    SMAPS = """\
7f0000000000-7f0040000000 rw-s 00000000 00:01 57 /memfd:guest-ram (deleted)
Size:            1048576 kB
Pss:               90000 kB
7f0050000000-7f0050001000 r-xp 00000000 fe:00 11 /usr/bin/some
Size:                  4 kB
Pss:                   2 kB
"""

    def test_our_guests_ram_is_known_by_its_name(self):
        self.assertEqual(memory.guest_ram_kib(self.SMAPS, 1024), (90002, 90000))

    def test_qemus_guests_ram_is_known_by_its_size(self):
        smaps = self.SMAPS.replace("rw-s", "rw-p").replace("00:01 57 /memfd:guest-ram (deleted)", "00:00 0 ")
        self.assertEqual(memory.guest_ram_kib(smaps, 1024), (90002, 90000))
        self.assertEqual(memory.guest_ram_kib(smaps, 2048), (90002, None))

    def test_a_mapped_initramfs_is_page_cache(self):
        self.assertEqual(memory.guest_ram_kib(self.SMAPS, 1024, {"/usr/bin/some"}), (90000, 90000))

    def test_a_code_buffer_of_that_size_is_not_ram(self):
        smaps = self.SMAPS.replace("rw-s", "rwxp").replace("00:01 57 /memfd:guest-ram (deleted)", "00:00 0 ")
        self.assertEqual(memory.guest_ram_kib(smaps, 1024), (90002, None))


class ProgramsTest(unittest.TestCase):
    def test_checksums_are_parsed(self):
        self.assertEqual(programs_part.checksum(["noise", "CHECKSUM xz 77 18"], "xz"), "77 of 18 characters")
        with self.assertRaisesRegex(BenchError, "xz printed no checksum: bash: xz"):
            programs_part.checksum(["bash: xz: command not found"], "xz")

    def test_programs_are_selected_by_name(self):
        self.assertEqual(programs_part.select(["bash", "dash", "xz"], "sh$"), ["bash", "dash"])
        for wrong in ("nothing", "("):
            with self.assertRaises(BenchError):
                programs_part.select(["bash"], wrong)

    def test_every_program_has_a_name(self):
        listed = subprocess.run(["bash", "-c", '. "$0"; list_programs', GUEST / "debian" / "programs.sh"],
                                capture_output=True, text=True, timeout=60, check=True).stdout.split()
        self.assertGreaterEqual(len(listed), 12)
        self.assertIn("gcc", listed)


class MarkdownTest(unittest.TestCase):
    def test_means_and_boots_are_in_it(self):
        boot = results.Measure("boot", "boot to the first line", "boot", "s", {"qemu": [2.0], "cumulet": [0.5]})
        text = "\n".join(markdown.lines(result(measure("a", "integer", [1.0], [6.0], [1.5]), boot)))
        self.assertIn("| integer and branch (1), × native | 6 | 1.5 | 4 × |", text)
        self.assertIn("| boot to the first line | 2 s | 0.5 s | 4 × |", text)


class PlotTest(unittest.TestCase):
    def test_every_measure_has_its_bars(self):
        boot = results.Measure("boot", "boot to the first line", "boot", "s", {"qemu": [2.0], "cumulet": [0.5]})
        drawn = plot.svg(result(measure("a <b>", "integer", [1.0], [6.0], [0.5]), boot))
        root = xml.etree.ElementTree.fromstring(drawn)
        texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        for wanted in ("a <b>", "6", "0.5", "2 s", "0.5 s", "integer and branch (1)"):
            self.assertIn(wanted, texts)

    def test_without_qemu_and_without_measures_it_draws_what_there_is(self):
        alone = results.Measure("rows", "a", "integer", "ns", {"native": [1.0], "cumulet": [2.0]})
        for drawn in (plot.svg(result(alone)), plot.svg(result())):
            self.assertTrue(xml.etree.ElementTree.fromstring(drawn).tag.endswith("svg"))


class FileTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "guest.json"

    def test_what_is_saved_is_loaded(self):
        saved = result(measure("a", "integer", [1.5], [9.0], [3.0]))
        saved.measures[0].add("cumulet", 3.5, 0.1)
        saved.save(self.path)
        loaded = results.load(self.path)
        self.assertEqual(loaded.measures, saved.measures)
        self.assertEqual(loaded.description, saved.description)

    def refused(self, content, reason):
        self.path.write_text(content)
        with self.assertRaisesRegex(BenchError, reason):
            results.load(self.path)

    def test_other_files_are_refused(self):
        self.refused("not JSON", "cannot read")
        self.refused("[]", "not a result of bench/guest")
        self.refused('{"benchmark": "boot"}', "not a result of bench/guest")
        self.refused('{"benchmark": "guest", "format": 99}', "format 99; this program reads 1")

    def test_measures_that_make_no_sense_are_refused(self):
        good = {"part": "rows", "name": "a", "group": "integer", "unit": "ns", "samples": {"native": [1]}}
        bad = [{}, {**good, "samples": {"native": []}}, {**good, "samples": {"native": [0]}},
               {**good, "samples": {"elsewhere": [1]}}, {**good, "samples": {"native": ["1"]}},
               {**good, "samples": 1}, {**good, "more": 1}, 5]
        for one in bad:
            content = {"benchmark": "guest", "format": results.FORMAT, "measures": [one]}
            self.refused(json.dumps(content), "a measure is not as it should be")
        with self.assertRaisesRegex(BenchError, "cannot read"):
            results.load(self.path.with_name("none.json"))


class CompareTest(unittest.TestCase):
    def test_only_ranges_that_do_not_touch_are_a_change(self):
        self.assertEqual(comparison.changed([2.0, 2.2], [1.0, 1.1]), "faster")
        self.assertEqual(comparison.changed([1.0, 1.1], [2.0, 2.2]), "slower")
        self.assertEqual(comparison.changed([1.0, 2.0], [1.9, 3.0]), "")
        self.assertEqual(comparison.changed([1.0], [1.01]), "")

    def test_ours_is_compared_in_units_of_native(self):
        # The second host is twice as slow in everything: nothing changed.
        before = result(measure("a", "integer", [10.0], [60.0], [20.0]))
        after = result(measure("a", "integer", [20.0], [120.0], [40.0]))
        lines, slower = comparison.compare(before, after)
        self.assertEqual(slower, [])
        self.assertRegex("\n".join(lines), r"a +2\.00 +2\.00 +1\.00\n")

    def test_what_became_slower_is_named_and_what_is_missing(self):
        before = result(measure("a", "integer", [1.0], [6.0], [2.0]), measure("b", "integer", [1.0], [6.0], [2.0]))
        after = result(measure("a", "integer", [1.0], [6.0], [3.0]), measure("c", "integer", [1.0], [6.0], [2.0]))
        lines, slower = comparison.compare(before, after)
        self.assertEqual(slower, ["a"])
        self.assertIn("only in the first: b", lines)
        self.assertIn("only in the second: c", lines)

    def test_another_host_is_noted(self):
        other = result()
        other.description["host"] = {"cpu": "other"}
        self.assertEqual(len(comparison.differences(result(), other)), 1)
        self.assertEqual(comparison.differences(result(), result()), [])


class ConsoleTest(unittest.TestCase):
    """Machines are shells here."""

    def machine(self, script):
        opened = console.Console("some machine", ["sh", "-c", script])
        self.addCleanup(opened.close)
        return opened

    def test_commands_are_asked(self):
        shell = self.machine("echo UP; sh")
        shell.expect("UP", 30)
        self.assertEqual(shell.ask("echo one; echo two", 30), ["one", "two"])

    def test_a_machine_that_ends_is_one_clear_error(self):
        with self.assertRaisesRegex(BenchError, "some machine: the machine ended before UP(?s:.*)Kernel panic"):
            self.machine("echo Kernel panic; exit 1").expect("UP", 30)

    def test_no_wait_is_endless(self):
        with self.assertRaisesRegex(BenchError, r"no UP within 0\.1 s; it printed nothing"):
            self.machine("sleep 1000").expect("UP", 0.1)

    def test_a_status_that_is_not_zero_is_an_error(self):
        with self.assertRaisesRegex(BenchError, "ended with status 3"):
            self.machine("exit 3").wait(30)


class Shell:
    """A machine that is a shell; one that keeps translations says so by arguments."""

    def __init__(self, name, arguments):
        self.name = self.title = name
        self._arguments = arguments
        self.asked = []

    def empty_cache(self):
        return contextlib.nullcontext(self._arguments)

    def command(self, guest, *arguments):
        self.asked.append(arguments)
        return ["sh", "-c", f"echo {guest}"]


class BootsTest(unittest.TestCase):
    def turn(self, *machines):
        boots = boot_part.Boots("boot", ("to the line", "to the end"), "UP", 30)
        boots.turn(machines, "UP", load.Patience(0))
        return [(one.name, sorted(one.samples)) for one in boots.measures if one.samples], boots.measures

    def test_what_keeps_translations_boots_cold_and_warm(self):
        keeps = Shell("cumulet", ["--translation-cache", "folder"])
        found, measures = self.turn(Shell("qemu", []), keeps)
        self.assertEqual([name for name, _ in found], ["to the line", "to the end", "to the line, warm",
                                                       "to the end, warm"])
        self.assertEqual(keeps.asked, [("--translation-cache", "folder")] * 2)
        # The other machine's times stand beside the warm ones.
        self.assertEqual(measures[0].samples["qemu"], measures[2].samples["qemu"])

    def test_what_keeps_nothing_boots_once(self):
        found, _ = self.turn(Shell("qemu", []), Shell("cumulet", []))
        self.assertEqual(found, [("to the line", ["cumulet", "qemu"]), ("to the end", ["cumulet", "qemu"])])


class CommandLineTest(unittest.TestCase):
    def fails(self, status, reason, *command):
        done = subprocess.run(["/usr/bin/python3", "-B", *command], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(reason, done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_bad_options_are_refused(self):
        run = GUEST / "run"
        self.fails(2, "there is no part 'all'", run, "--parts", "all")
        self.fails(2, "must be at least 1", run, "--repeats", "0")
        self.fails(2, "is not a file", run, "--kernel", "/nonexistent")
        self.fails(1, "run ./dev build first", run, "--cumulet", "/nonexistent/cumulet")

    def test_compare_refuses_what_is_no_result(self):
        self.fails(1, "bench/guest/compare: cannot read", GUEST / "compare", "/nonexistent", "/nonexistent")


if __name__ == "__main__":
    unittest.main()
