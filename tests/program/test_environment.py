"""What surrounds the program: streams that are closed, full or broken; signals; limits on processes and memory; places that
cannot be written; configuration files and numbers that make no sense."""

import os
import resource
import signal
import struct
import subprocess
import time
import unittest

import program
from program import BAD_DATA, DEVICE, DISK, DONE, STOPPED, USAGE, ProgramTest, shcnn
from test_flow import QUICK, texture, write_png

LARGEST_SEED = 2**63 - 1


def plain_user():
    """Options of subprocess.run that make it a user without rights: root ignores permissions and limits on processes."""
    options = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        if shcnn("--version", **options).code == DONE:
            return options
    except PermissionError:
        pass
    raise unittest.SkipTest("a user without rights cannot reach the program")


class EnvironmentTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o777)  # for plain_user()

    def frames(self):
        paths = [self.folder / "first.png", self.folder / "later.png"]
        for path, moved in zip(paths, (0, 1.5)):
            write_png(path, texture(moved, 0))
        return paths


class Streams(EnvironmentTest):
    def through_shell(self, redirections, *arguments):
        """Exit code of the program with the shell's `redirections`."""
        command = ["sh", "-c", f'exec "$0" "$@" {redirections}', program.path(), *map(str, arguments)]
        return subprocess.run(command, check=False, timeout=300).returncode

    def test_stderr_that_cannot_be_written(self):
        """A training tells of its epochs on stderr: it goes on where that fails."""
        faces = self.folder / "faces"
        self.done("data", "synth", "faces", "--out", faces, "--count", "140")
        for number, redirections in enumerate(("2>/dev/full", "2>&-")):
            run = self.folder / f"run{number}"
            code = self.through_shell(redirections, "train", "--dataset", "fer2013", "--data", faces, "--out", run, "--epochs", "1",
                                      "--batch", "56", "--augment", "center", "--val-split", "none", "--no-report")
            self.assertEqual(code, DONE, redirections)
            self.assertTrue((run / "weights.safetensors").exists())

    def test_errors_where_stderr_fails(self):
        for redirections in ("2>/dev/full", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
            self.assertEqual(self.through_shell(redirections, "no-such-verb"), USAGE, redirections)

    def test_broken_pipe_of_stderr(self):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as broken:
            process = subprocess.run([program.path(), "no-such-verb"], stderr=broken, check=False, timeout=300)
        self.assertEqual(process.returncode, USAGE)

    def test_closed_streams_and_data_files(self):
        """No data file takes the number of a closed stream, and results that cannot be printed are an error."""
        frames = self.frames()
        whole = self.folder / "whole"
        self.done("flow", "--out", whole, *QUICK, *frames)
        for number, (redirections, code) in enumerate(((">&- 2>&-", DISK), ("<&- >&- 2>&-", DISK), ("2>&-", DONE), ("<&-", DONE))):
            out = self.folder / f"flow{number}"
            self.assertEqual(self.through_shell(redirections + (" >/dev/null" if code == DONE else ""), "flow", "--out", out, *QUICK,
                                                *frames), code, redirections)
            self.assertEqual(self.files(out), self.files(whole), redirections)
            for name in self.files(whole):
                self.assertEqual((out / name).read_bytes(), (whole / name).read_bytes(), (redirections, name))

    def test_closed_stdout_is_said(self):
        command = ["sh", "-c", 'exec "$0" doctor >&-', program.path()]
        result = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, timeout=300)
        self.assertEqual(result.returncode, DISK)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertIn("standard output cannot be written", result.stderr)


class Hangup(EnvironmentTest):
    def started(self, run, **options):
        faces = self.folder / "faces"
        if not faces.exists():
            self.done("data", "synth", "faces", "--out", faces, "--count", "140")
        command = [program.path(), "train", "--dataset", "fer2013", "--data", faces, "--out", run, "--epochs", "2000", "--batch", "56",
                   "--augment", "center", "--val-split", "none", "--save-every", "0"]
        process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(process.stderr.close)
        deadline = time.monotonic() + 300
        while not (run / "curves.csv").exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        return process

    def test_closed_terminal_saves_the_state(self):
        run = self.folder / "run"
        process = self.started(run)
        process.send_signal(signal.SIGHUP)
        errors = process.stderr.read()
        self.assertEqual(process.wait(timeout=300), STOPPED, errors)
        self.assertTrue((run / "state.safetensors").exists())

    def test_nohup(self):
        run = self.folder / "run"
        process = self.started(run, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        epochs = len((run / "curves.csv").read_text(encoding="ascii").splitlines())
        deadline = time.monotonic() + 300
        while len((run / "curves.csv").read_text(encoding="ascii").splitlines()) < epochs + 2 and time.monotonic() < deadline:
            self.assertIsNone(process.poll())
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        errors = process.stderr.read()
        self.assertEqual(process.wait(timeout=300), STOPPED, errors)


class Limits(EnvironmentTest):
    def test_no_threads(self):
        """Where no thread can be started, one does the work, with the same result."""
        user = plain_user()
        frames = self.frames()
        for path in frames:
            path.chmod(0o644)

        def no_processes():
            resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))

        results = {}
        for name, options in (("many", {}), ("one", {"preexec_fn": no_processes})):
            result = self.done("flow", "--json", "--out", self.folder / name, *QUICK, "--threads", "7", *frames, **user, **options)
            results[name] = result.json()["device"]
        self.assertIn("7 threads", results["many"])
        self.assertIn("1 thread)", results["one"])
        for name in self.files(self.folder / "many"):
            self.assertEqual((self.folder / "many" / name).read_bytes(), (self.folder / "one" / name).read_bytes(), name)

    def test_memory_for_a_file(self):
        """The line names the file that is too large, and its exit code is that of memory."""
        limits = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))}
        if shcnn("--version", **limits).code != DONE:
            self.skipTest("this build does not start in 2 GiB of address space (AddressSanitizer)")
        frames = self.frames()
        side = 20000
        large = self.folder / "large.flo"
        with open(large, "wb") as file:
            file.write(b"PIEH" + struct.pack("<ii", side, side))
            file.truncate(12 + 8 * side * side)  # 3.2 GB, none of it on the disk
        self.refused(DEVICE, ["large.flo", "needs more memory"], "flow", "--out", self.folder / "out", "--initial", large, *frames,
                     **limits)


class OutputPlaces(EnvironmentTest):
    """Places that cannot be written are found out before any work: the inputs named here are not even looked at."""

    def setUp(self):
        super().setUp()
        self.user = plain_user()
        self.locked = self.folder / "locked"
        self.locked.mkdir(mode=0o755)
        if os.geteuid() != 0:
            self.locked.chmod(0o555)

    def verbs(self, out):
        some = self.folder / "none.safetensors"
        return [["flow", "--out", out, "a.png", "b.png"],
                ["saliency", "--weights", some, "--out", out, "a.png"],
                ["attack", "--weights", some, "--out", out, "a.png"],
                ["reproduce", "fig13", "--weights", some, "--out", out],
                ["train", "--dataset", "fer2013", "--data", some, "--out", out],
                ["eval", "--weights", some, "--dataset", "fer2013", "--data", some, "--out", out],
                ["report", self.folder, "--out", out],
                ["data", "synth", "faces", "--out", out],
                ["data", "synth", "clips", "--out", out],
                ["data", "convert", "--from", some, "--to", out]]

    def test_read_only(self):
        for out in (self.locked / "new", self.locked / "new" / "newer"):
            for arguments in self.verbs(out):
                with self.subTest(arguments=arguments[:2], out=out.name):
                    self.refused(DISK, ["locked: the folder cannot be written: Permission denied", "choose a place"], *arguments,
                                 **self.user)

    def test_below_a_file(self):
        (self.folder / "file").write_text("")
        for arguments in self.verbs(self.folder / "file" / "new"):
            with self.subTest(arguments=arguments[:2]):
                self.refused(DISK, ["file/new: cannot be made", "file is no folder"], *arguments)

    def test_files_need_their_folder(self):
        (self.folder / "curves.csv").write_text("epoch,step\n1,1\n")
        out = self.folder / "missing" / "result"
        some = self.folder / "none.safetensors"
        for arguments in (["eval", "--weights", some, "--dataset", "fer2013", "--data", some, "--out", out],
                          ["report", self.folder, "--out", out], ["data", "convert", "--from", some, "--to", f"{out}.csv"]):
            with self.subTest(arguments=arguments[:2]):
                self.refused(DISK, ["missing: there is no such folder", "make it"], *arguments)

    def test_data_of_a_report(self):
        (self.folder / "curves.csv").write_text("epoch,step\n1,1\n")
        for data in ("nowhere", "casme2=nowhere"):
            self.refused(USAGE, [data, "no such file or folder"], "report", self.folder, "--data", data)


if __name__ == "__main__":
    program.main()
