"""Runs the shcnn program as a user does; shared by the test files of this folder.

The program's path comes from SHCNN_PROGRAM (CTest sets it). A test file is a plain unittest module that ends with
`program.main()`.
"""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

DONE, FAILED, USAGE, BAD_DATA, BAD_MODEL, DEVICE, NON_FINITE, DISK, STOPPED = range(9)
SKIP = 77  # CTest's SKIP_RETURN_CODE


def path():
    return os.environ["SHCNN_PROGRAM"]


def is_sanitized():
    """Whether the program was built with AddressSanitizer, which reserves address space and starts threads of its own."""
    return b"__asan_init" in pathlib.Path(path()).read_bytes()


def trains_for_long(test):
    """Marks a test left out under sanitizers, where a training of seconds takes a minute: the engine's own tests cover its code."""
    @functools.wraps(test)
    def run(self):
        if is_sanitized():
            self.skipTest("trains for long, and the program is built with a sanitizer")
        test(self)
    return run


class Result:
    """What one call of the program left behind."""

    def __init__(self, completed):
        self.code = completed.returncode
        self.out = completed.stdout
        self.err = completed.stderr

    def json(self):
        lines = self.out.splitlines()
        assert len(lines) == 1, f"--json must print one line, printed {len(lines)}: {self.out[:300]}"
        return json.loads(lines[0])


def shcnn(*arguments, timeout=600, **options):
    """Calls the program; options go to subprocess.run."""
    command = [path(), *map(str, arguments)]
    options.setdefault("stdout", subprocess.PIPE)
    return Result(subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=timeout, check=False, **options))


def plain_user(number=65534):
    """Options of subprocess.run that make it a user without rights: root ignores permissions and limits on processes."""
    options = {"user": number, "group": number, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        if shcnn("--version", **options).code == DONE:
            return options
    except PermissionError:
        pass
    raise unittest.SkipTest("a user without rights cannot reach the program")


class ProgramTest(unittest.TestCase):
    """A test with an empty folder of its own, self.folder."""

    maxDiff = None
    place = None  # of the folder; None: where temporary files go

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shcnn-test-", dir=self.place))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def done(self, *arguments, **options):
        """Calls the program and expects success."""
        result = shcnn(*arguments, **options)
        self.assertEqual(result.code, DONE, f"{arguments}: {result.err}")
        return result

    def refused(self, code, message, *arguments, **options):
        """Calls the program and expects exit `code` and ONE line on stderr that holds every part of `message`."""
        result = shcnn(*arguments, **options)
        self.assertEqual(result.code, code, f"{arguments}: {result.err}")
        lines = result.err.splitlines()
        self.assertEqual(len(lines), 1, f"{arguments}: one line was due, got: {result.err}")
        self.assertTrue(lines[0].startswith("shcnn: "), lines[0])
        for part in [message] if isinstance(message, str) else message:
            self.assertIn(part, lines[0])
        return result

    def files(self, folder=None):
        """Relative names of all files below `folder`, hidden and temporary ones included."""
        folder = pathlib.Path(folder or self.folder)
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


class ClipTest(ProgramTest):
    """A test of made clips, in memory where there is such a folder: many files are flushed to disk, which tells nothing here."""

    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

    def made(self, name="clips", layout="casme2", clips=8, *more):
        folder = self.folder / name
        self.done("data", "synth", "clips", "--out", folder, "--layout", layout, "--clips", clips, "--subjects", "3",
                  "--size", "40", "--frames", "4", "5", *more)
        return folder


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
