"""Runs that are stopped, changed, resumed, raced for and taken away: RUN holds what was really run, and nothing is lost."""

import csv
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import time

import program
from program import BAD_MODEL, DISK, DONE, NON_FINITE, STOPPED, USAGE, shcnn
from test_train import TrainTest


def setting(run, key):
    """The value of `key` in RUN/config.toml, as text."""
    for line in (run / "config.toml").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(" = ")
        if name == key:
            return value.strip('"')
    return None


def epochs_of(run):
    path = run / "curves.csv"
    return len(path.read_text(encoding="ascii").splitlines()) - 1 if path.exists() else 0


class RunTest(TrainTest):
    def copy(self):
        out = self.folder / "run"
        shutil.copytree(self.trained, out)
        return out

    def start(self, *arguments, **options):
        """The program, started; it is killed at the end of the test if it still runs."""
        process = subprocess.Popen([program.path(), *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True, **options)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def wait_for(self, condition, process):
        deadline = time.monotonic() + 300
        while not condition() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertTrue(condition())

    def interrupted_at(self, epochs, run, *arguments):
        """Starts a run, asks it to stop once it has so many epochs, and returns the command that it advises."""
        process = self.start(*arguments)
        self.wait_for(lambda: epochs_of(run) >= epochs, process)
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=300)[1]
        self.assertEqual(process.returncode, STOPPED, errors)
        return shlex.split(errors.splitlines()[-1].partition("go on with: shcnn ")[2])


class Settings(RunTest):
    def test_more_epochs(self):
        out = self.copy()
        self.done("train", "--out", out, "--resume", "--epochs", "4", "--quiet")
        self.assertEqual((epochs_of(out), setting(out, "epochs")), (4, "4"))
        before = (out / "state.safetensors").read_bytes()
        self.done("train", "--out", out, "--resume", "--quiet")
        self.assertEqual((out / "state.safetensors").read_bytes(), before)
        self.refused(USAGE, ["epochs", "has finished 8 steps"], "train", "--out", out, "--resume", "--epochs", "3", "--quiet")
        self.assertEqual(setting(out, "epochs"), "4", "a call that was refused changes nothing")

    def test_the_advice_after_an_interruption_works(self):
        out = self.copy()
        advice = self.interrupted_at(4, out, "train", "--out", out, "--resume", "--epochs", "5000", "--save-every", "0")
        self.assertEqual(setting(out, "epochs"), "5000")
        done = epochs_of(out)
        self.interrupted_at(done + 1, out, *advice)

    def test_changed_settings_become_those_of_the_run(self):
        out = self.copy()
        self.refused(USAGE, "lr was 0.001, is 0.01", "train", "--out", out, "--resume", "--lr", "0.01", "--quiet")
        self.assertEqual(setting(out, "lr"), "0.001")
        self.done("train", "--out", out, "--resume", "--lr", "0.01", "--force-resume", "--quiet")
        self.assertEqual(setting(out, "lr"), "0.01")
        self.assertIsNone(setting(out, "force-resume"), "that was for one start")
        self.done("train", "--out", out, "--resume", "--epochs", "4", "--quiet")
        with open(out / "curves.csv", encoding="ascii", newline="") as file:
            rates = [row["learning_rate"] for row in csv.DictReader(file)]
        self.assertEqual(rates, ["0.001", "0.001", "0.001", "0.01"])

    def test_from_another_folder(self):
        shutil.copytree(self.faces, self.folder / "faces")
        (self.folder / "elsewhere").mkdir()
        short = ("--batch", "56", "--augment", "center", "--val-split", "none", "--quiet")
        self.done("train", "--dataset", "fer2013", "--data", "faces", "--out", "run", "--epochs", "1", *short, cwd=self.folder)
        self.assertEqual(setting(self.folder / "run", "data"), str(self.folder / "faces"))
        self.done("train", "--resume", "--out", "../run", "--epochs", "2", "--quiet", cwd=self.folder / "elsewhere")
        self.assertEqual(epochs_of(self.folder / "run"), 2)
        self.done("report", "run", "--quiet", cwd=self.folder)

    def test_no_such_run(self):
        self.refused(USAGE, ["nowhere", "no such run"], "train", "--out", self.folder / "nowhere", "--resume")
        self.refused(USAGE, "--out", "train", "--resume")

    def test_bounds_are_told(self):
        for flag, value, bound in (("--lr", "1e6", "above 0 and below 1e+06, got 1e+06"), ("--lr", "0", "above 0 and below 1e+06"),
                                   ("--l2", "1e6", "at least 0 and below 1e+06"), ("--clip-norm", "1e30", "below 1e+30"),
                                   ("--init-stddev", "1000", "below 1e+03"), ("--input-scale", "1e6", "below 1e+06"),
                                   ("--lr-decay", "1.5", "above 0 and at most 1"), ("--dropout", "1", "below 1"),
                                   ("--batch", "65537", "at most 65536"), ("--conv-bias", "1e300", "below 1e+06"),
                                   ("--conv-bias", "nan", "above -1e+06"), ("--save-every", "-1", "at least 0, got -1")):
            self.refused(USAGE, [flag[2:], bound], *self.train_arguments(self.folder / "run", flag, value))
        self.assertFalse((self.folder / "run").exists())


class OneAtATime(RunTest):
    def test_a_running_run_is_left_alone(self):
        out = self.folder / "run"
        process = self.start(*self.train_arguments(out, "--epochs", "5000"))
        self.wait_for((out / "config.toml").exists, process)
        before = (out / "config.toml").read_bytes()
        for flag in ((), ("--force",)):
            result = shcnn(*self.train_arguments(out, "--seed", "7", "--quiet", *flag))
            self.assertEqual(result.code, USAGE, result.err)
            self.assertRegex(result.err, "another process is training here|holds a run already")
        self.assertEqual((out / "config.toml").read_bytes(), before)
        process.send_signal(signal.SIGINT)
        self.assertIn("--resume", process.communicate(timeout=300)[1])
        self.assertEqual(process.returncode, STOPPED)

    def test_of_many_starts_one_trains(self):
        out = self.folder / "run"
        processes = [self.start(*self.train_arguments(out, "--seed", seed, "--epochs", "1", "--no-report")) for seed in range(1, 5)]
        codes = [(p.communicate(timeout=600), p.returncode)[1] for p in processes]
        self.assertEqual(sorted(codes), [DONE, USAGE, USAGE, USAGE])
        self.assertEqual(int(setting(out, "seed")), 1 + codes.index(DONE), "the configuration is that of the run")


class Failures(RunTest):
    def test_a_start_that_failed_does_not_block_the_next(self):
        out = self.folder / "run"

        def small_files_only():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

        self.refused(DISK, "safetensors", *self.train_arguments(out, "--quiet"), preexec_fn=small_files_only)
        self.assertNotIn("config.toml", self.files(out))
        self.done(*self.train_arguments(out, "--epochs", "1", "--quiet"))

    def test_bad_calls_leave_nothing(self):
        out = self.folder / "run"
        for arguments in (("--data", self.folder / "none"), ("--batch", "5000"), ("--lr", "-1"), ("--val-split", "x")):
            self.assertNotEqual(shcnn(*self.train_arguments(out, *arguments, "--quiet")).code, DONE)
            self.assertFalse(out.exists(), arguments)

    def test_what_exists_is_found_before_the_data_are_read(self):
        self.refused(USAGE, "holds a run already", *self.train_arguments(self.trained, "--data", self.folder / "none"))

    def test_a_folder_that_was_removed(self):
        out = self.folder / "run"
        process = self.start(*self.train_arguments(out, "--epochs", "5000", "--quiet"))
        self.wait_for((out / "curves.csv").exists, process)
        while out.exists():
            shutil.rmtree(out, ignore_errors=True)
        errors = process.communicate(timeout=300)[1]
        self.assertEqual(process.returncode, DISK, errors)
        self.assertIn(f"{out}: was removed or replaced while the run was writing to it", errors)

    def test_divergence_leaves_a_state_that_can_be_read(self):
        for name, arguments in (("stop", ("--lr", "100")), ("skip", ("--lr", "1e5", "--on-nan", "skip"))):
            out = self.folder / name
            first = shcnn(*self.train_arguments(out, *arguments, "--quiet"))
            self.assertIn(first.code, (DONE, NON_FINITE), first.err)
            again = shcnn("train", "--out", out, "--resume", "--quiet")
            self.assertEqual(again.code, first.code, again.err)
            os.remove(out / "state.safetensors")
            if (out / "state-prev.safetensors").exists():
                self.assertNotEqual(shcnn("train", "--out", out, "--resume", "--quiet").code, BAD_MODEL)
            if (out / "curves.csv").exists():
                self.done("report", out, "--quiet")

    def test_scores_of_a_diverged_network(self):
        """results.json holds null for NaN; the report shows it."""
        out = self.copy()
        results = json.loads((out / "results.json").read_text(encoding="utf-8"))
        for prediction in results["predictions"]:
            prediction["scores"] = [None] * 7
        (out / "results.json").write_text(json.dumps(results), encoding="utf-8")
        self.done("report", out, "--quiet")


class Curves(RunTest):
    def rows(self, run):
        with open(run / "curves.csv", encoding="ascii", newline="") as file:
            return list(csv.DictReader(file))

    def logged(self, run, tag):
        return any(tag in path.read_bytes() for path in run.glob("events.out.tfevents.*"))

    def test_the_gradient_norm_is_there_only_where_it_is_measured(self):
        self.assertEqual([row["grad_norm"] for row in self.rows(self.trained)], ["", "", ""])
        self.assertFalse(self.logged(self.trained, b"grad_norm"))
        self.assertTrue(self.logged(self.trained, b"l2_term"))
        self.assertNotIn("Global gradient norm", (self.trained / "report.html").read_text(encoding="utf-8"))
        out = self.folder / "run"
        self.done(*self.train_arguments(out, "--clip-norm", "4", "--epochs", "1", "--quiet"))
        self.assertGreater(float(self.rows(out)[0]["grad_norm"]), 0)
        self.assertTrue(self.logged(out, b"grad_norm"))
        self.assertIn("Global gradient norm", (out / "report.html").read_text(encoding="utf-8"))


class Lines(RunTest):
    def test_lines_where_stderr_is_no_terminal(self):
        out, log = self.folder / "run", self.folder / "log"
        line = re.compile(r"^training +\d+ %  [\d.]+ steps/s  [\d:]+ left  epoch \d+/5000  cross-entropy [\d.]+$", re.M)
        with open(log, "w", encoding="utf-8") as file:
            process = subprocess.Popen([program.path(), *map(str, self.train_arguments(out, "--epochs", "5000"))], stderr=file,
                                       stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.wait_for(lambda: line.search(log.read_text(encoding="utf-8")), process)
        self.assertNotIn("\r", log.read_text(encoding="utf-8"))


if __name__ == "__main__":
    program.main()
