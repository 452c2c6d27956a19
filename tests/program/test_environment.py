"""What surrounds the program: streams that are closed, full or broken; signals; limits on processes and memory; places that
cannot be written; configuration files and numbers that make no sense."""

import os
import resource
import signal
import struct
import subprocess
import time

import program
from program import BAD_DATA, DEVICE, DISK, DONE, STOPPED, USAGE, ProgramTest, plain_user, shcnn
from test_flow import QUICK, texture, write_png

LARGEST_SEED = 2**63 - 1


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

        if shcnn("--version", **user, preexec_fn=no_processes).code != DONE:
            self.skipTest("this build starts a thread of its own (a sanitizer)")
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


class Numbers(EnvironmentTest):
    def printed(self, *arguments):
        return self.done("data", "synth", "faces", "--out", "x", *arguments, "--print-config").out

    def test_seeds(self):
        for bad in (2**63, 2**64 - 1, 2**64, 2**64 + 1, -1, -2**63, -2**64 + 1, "1e3", "0x10", "010", "1.5", "", "one"):
            with self.subTest(seed=bad):
                self.refused(USAGE, "seed", "data", "synth", "faces", "--out", "x", f"--seed={bad}", "--print-config")
        for good in (0, 1, LARGEST_SEED):
            text = self.printed("--seed", good)
            self.assertIn(f"seed = {good}\n", text)
            config = self.folder / "config.toml"
            config.write_text(text)
            self.assertEqual(self.printed("--config", config), text)

    def test_whole_numbers(self):
        for bad in ("0x10", "010", "+5", "5 ", "1e2", "5.0", str(2**63), "-9223372036854775809"):
            with self.subTest(count=bad):
                self.refused(USAGE, "count", "data", "synth", "faces", "--out", "x", f"--count={bad}", "--print-config")

    def test_bounds_are_said(self):
        for flag, bad, said in (("--lr", "1e6", "below 1e+06"), ("--lr", "0", "above 0 and below 1e+06"), ("--l2", "1e6", "below 1e+06"),
                                ("--clip-norm", "1e30", "below 1e+30"), ("--conv-bias", "nan", "above -1e+06 and below 1e+06"),
                                ("--save-every", "-1", "save-every")):
            with self.subTest(flag=flag, value=bad):
                self.refused(USAGE, said, "train", f"{flag}={bad}", "--print-config")

    def test_flow_parameters(self):
        frames = self.frames()
        for flag, bad, said in (("--gamma", "1e30", "gamma = 1e+30, must be 0 to 1000"), ("--tau", "1e30", "tau = 1e+30, must be"),
                                ("--lambda", "1e300", "lambda = 1e+300, must be"), ("--theta", "1e-300", "theta = 1e-300, must be"),
                                ("--epsilon", "1e30", "epsilon = 1e+30, must be 0 to 1000"),
                                ("--scales", "2147483647", "scales = 2147483647, must be 1 to 100"),
                                ("--warps", "2147483647", "warps = 2147483647, must be 1 to"),
                                ("--scale-step", "0.999999", "scale_step = 0.999999, must be 0.01 to 0.99"),
                                ("--full-scale", "1e-300", "full_scale = 1e-300, must be 0"),
                                ("--full-scale", "1e300", "full_scale = 1e+300, must be 0")):
            with self.subTest(flag=flag, value=bad):
                self.refused(USAGE, said, "flow", "--out", self.folder / "out", f"{flag}={bad}", *frames)
        self.assertFalse((self.folder / "out").exists())


class ConfigFiles(EnvironmentTest):
    def config(self, text):
        path = self.folder / "config.toml"
        path.write_text(text)
        return path

    def test_empty_arrays(self):
        for verb in (["train"], ["doctor"], ["flow"], ["loso", "run"]):
            printed = self.done(*verb, "--print-config").out
            keys = [line.split(" = ")[0] for line in printed.splitlines() if " = " in line]
            self.assertTrue(keys)
            for key in keys:
                self.refused(USAGE, [f"config.toml:1: key '{key}'", "needs a value"], *verb, "--config", self.config(f"{key} = []\n"))

    def test_several_values_for_one(self):
        self.refused(USAGE, ["config.toml:1: key 'lr'", "takes one value, not 2"], "train", "--config", self.config("lr = [1, 2]\n"))

    def test_nesting(self):
        deep = 200_000
        for name, text in (("table", "[" + ".".join(["a"] * deep) + "]\n"), ("key", ".".join(["a"] * deep) + " = 1\n"),
                           ("quoted", ".".join(['"a"'] * deep) + " = 1\n"), ("array", "a = " + "[" * deep + "\n"),
                           ("inline", "a = " + "{a = " * deep + "1" + "}" * deep + "\n")):
            with self.subTest(text=name):
                text = "threads = 1\n# a comment [[[[ with \" a quote\n" + text
                expected = "config.toml:3: is nested more than 16 deep" if len(text) < 1 << 20 else "config.toml: has"
                self.refused(USAGE, expected, "doctor", "--config", self.config(text))
        run = self.folder / "run"
        run.mkdir()
        (run / "curves.csv").write_text("epoch,step\n1,1\n")
        (run / "config.toml").write_text("[" + ".".join(["a"] * deep) + "]\n")
        self.refused(BAD_DATA, "config.toml:1: is nested more than 16 deep", "report", run)

    def test_texts_with_brackets_and_dots(self):
        """What looks like nesting within strings and comments is none."""
        text = ".".join(["a"] * 40) + "[" * 40 + "{" * 40
        for quoted in (f'"{text}"', f"'{text}'", f'"\\"{text}"', f'"""\n{text}"""', f"'''\n{text}'''"):
            config = self.config(f"# {text}\ndevice = {quoted} # {text}\nthreads = 3\n")
            self.assertIn("threads = 3", self.done("doctor", "--config", config, "--print-config").out)

    def test_empty_file(self):
        self.assertIn("threads", self.done("doctor", "--config", self.config(""), "--print-config").out)

    def test_no_regular_file(self):
        pipe = self.folder / "pipe.toml"
        os.mkfifo(pipe)
        self.refused(USAGE, ["pipe.toml", "not a regular file"], "doctor", "--config", pipe, timeout=60)
        self.refused(USAGE, ["is a folder"], "doctor", "--config", self.folder)


if __name__ == "__main__":
    program.main()
