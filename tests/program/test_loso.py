"""loso as a user meets it when something is in the way: caches, runs that are there, arguments, paths, damage."""

import json
import os
import resource
import subprocess
import unittest

import program
from program import BAD_DATA, STOPPED, USAGE
from test_clips import LosoTest

ONE_EPOCH = ["--epochs", "1", "--no-inner"]


class Cache(LosoTest):
    def test_other_files_are_never_removed(self):
        data, cache = self.made(), self.folder / "models"
        cache.mkdir()
        (cache / "mine.safetensors").write_bytes(b"weights" * 5000)
        self.refused(USAGE, ["models: holds 'mine.safetensors', which is no image of a clip", "--cache"],
                     *self.loso(data, self.folder / "run", *ONE_EPOCH, "--cache", cache, "--cache-gb", "0.00002"))
        self.assertEqual(self.files(cache), ["mine.safetensors"])
        self.assertFalse((self.folder / "run").exists(), "nothing was written before it was refused")

    def test_a_cache_that_cannot_be_written_is_gone_without(self):
        data, one, other = self.made(), self.folder / "one", self.folder / "other"
        self.done(*self.loso(data, one, *ONE_EPOCH))
        told = self.done(*self.loso(data, other, *ONE_EPOCH, "--cache", "/proc/shcnn")).err
        self.assertEqual(told.count("are no longer kept here"), 1, told)
        self.assertEqual(self.bytes_of(other), self.bytes_of(one))


class Arguments(LosoTest):
    def test_refused_before_anything_is_written(self):
        data, run = self.made(), self.folder / "run"
        for options, message in ((["--fold", "-1"], "--fold: must be 0 or more, got -1"),
                                 (["--fold", "3"], "--fold: 3 is none of the folds 0 to 2"),
                                 (["--cache-gb", "-1"], "cache-gb: must be 0 to 1e+06 GB, got -1"),
                                 (["--memory-gb", "nan"], "memory-gb: must be 0 to 1e+06 GB, got nan"),
                                 (["--batch", "1000"], "do not fill one batch of 1000"),
                                 (["--steps", "3"], "--steps")):
            self.refused(USAGE, message, *self.loso(data, run, *options))
            self.assertFalse(run.exists(), options)
        for scale in ("1e-300", "1e300", "nan"):
            self.refused(USAGE, "must be 0 (stretched per image) or 0.0001 to 1e+06 px", "loso", "run", "--dataset", "casme2",
                         "--data", data, "--out", run, "--flow-scale", scale)
        self.assertFalse(run.exists())
        self.assertNotIn("--steps", self.done("loso", "run", "--help").out)

    def test_no_such_run(self):
        for verb in ("run", "merge"):
            self.refused(USAGE, "nowhere: no such run", "loso", verb, "--out", self.folder / "nowhere")
        self.assertFalse((self.folder / "nowhere").exists())

    def test_a_run_goes_on_from_another_folder(self):
        self.made()
        self.done(*self.loso("clips", "run", *ONE_EPOCH, "--fold", "1", "--cache", "cache"), cwd=self.folder)
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        self.done("loso", "run", "--out", "../run", cwd=elsewhere)
        self.assertEqual(self.files(elsewhere), [])
        self.assertTrue((self.folder / "run" / "results.json").exists())
        self.done("report", self.folder / "run", cwd="/")


class Weights(LosoTest):
    def train(self, run, *more):
        faces = self.folder / "faces"
        if not faces.exists():
            self.done("data", "synth", "faces", "--out", faces, "--count", "140")
        self.done("train", "--dataset", "ferplus", "--data", faces, "--out", run, "--batch", "56", "--augment", "center",
                  "--steps", "1", "--val-split", "none", "--no-report", *more)
        return run / "weights.safetensors"

    def test_slope_and_input_scale_are_the_weights(self):
        data, run = self.made(), self.folder / "run"
        weights = self.train(self.folder / "faces-run", "--slope", "0.125", "--input-scale", "0.01")
        lent = ["--weights", weights, "--pretrained", "frozen"]
        self.refused(USAGE, ["were trained with slope 0.125 and input-scale 0.01", "is to have 0.25 and 0.01"],
                     *self.loso(data, run, *ONE_EPOCH, *lent, "--slope", "0.25"))
        self.refused(USAGE, "is to have 0.125 and 1;", *self.loso(data, run, *ONE_EPOCH, *lent, "--input-scale", "1"))
        self.assertFalse(run.exists())
        self.done(*self.loso(data, run, *ONE_EPOCH, *lent, "--fold", "0"))
        config = (run / "config.toml").read_text()
        self.assertIn("slope = 0.125\n", config)
        self.assertIn("input-scale = 0.01\n", config)
        self.done("loso", "run", "--out", run)

        # faces as predict has them are clips as the direct reading has them
        direct = self.folder / "direct"
        self.done(*self.loso(data, direct, "--augment", "ten", "--weights", weights, "--pretrained", "direct"))
        to_clip = {"neutral": "others", "happiness": "happiness", "surprise": "surprise", "disgust": "disgust"}
        clips = {clip["name"]: clip for path in (direct / "folds").glob("*.json") for clip in json.loads(path.read_text())["clips"]}
        labels = json.loads((direct / "plan.json").read_text())["labels"]
        for name, clip in clips.items():
            frames = sorted((data / "Cropped" / name).iterdir())
            faces = self.done("predict", "--weights", weights, "--json", *frames).json()
            for image in faces["predictions"]:
                scores = {to_clip[face]: value for face, value in image["scores"].items() if face in to_clip}
                clip["last"]["counts"][labels.index(max(scores, key=scores.get))] -= 1
            self.assertEqual(set(clip["last"]["counts"]), {0}, name)

    def test_the_wrong_kind_of_weights_leaves_nothing_behind(self):
        data, run = self.made("clips", "casme2", 6), self.folder / "run"
        self.done("loso", "run", "--dataset", "casme2", "--data", data, "--out", self.folder / "micro", *ONE_EPOCH, "--batch", "2",
                  "--images", "1", "--keep-weights", "--fold", "0")
        micro = self.folder / "micro" / "weights" / "task-0000.safetensors"
        self.refused(USAGE, "of the micro variant", *self.loso(data, run, *ONE_EPOCH, "--weights", micro, "--pretrained", "finetune"))
        self.assertFalse(run.exists())


class Runs(LosoTest):
    def test_force_waits_for_nobody_and_removes_nothing_of_a_running_run(self):
        data, run = self.made(), self.folder / "run"
        process = subprocess.Popen([program.path(), *map(str, self.loso(data, run, "--epochs", "4000"))],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            while not (run / "config.toml").exists():
                self.assertIsNone(process.poll())
            for verb in ("run", "plan"):
                command = self.loso(data, run, "--epochs", "1", "--force")
                command[1] = verb
                self.refused(USAGE, "another process runs folds here", *command)
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, STOPPED, errors)
        self.done(*self.loso(data, run, "--epochs", "1", "--no-inner", "--force"))

    def test_a_call_that_failed_is_no_obstacle_to_the_corrected_one(self):
        data, run = self.made(), self.folder / "run"
        frame = sorted(next(data.glob("Cropped/*/*/")).iterdir())[1]
        good = frame.read_bytes()
        frame.write_bytes(good[:40])
        result = program.shcnn(*self.loso(data, run, *ONE_EPOCH))
        self.assertEqual(result.code, BAD_DATA, result.err)
        frame.write_bytes(good)
        self.done(*self.loso(data, run, *ONE_EPOCH))

    def test_damaged_and_older_files_are_named(self):
        data, run = self.made(), self.folder / "run"
        self.done(*self.loso(data, run, *ONE_EPOCH))
        plan, fold = run / "plan.json", run / "folds" / "task-0001.json"
        whole = {path: path.read_text() for path in (plan, fold)}

        def refused(path, before, after, code, message):
            self.assertIn(before, whole[path])
            path.write_text(whole[path].replace(before, after, 1))
            self.refused(code, [str(path), message], "loso", "merge", "--out", run)
            path.write_text(whole[path])

        refused(plan, '"dataset": "casme2"', '"dataset": 7', BAD_DATA, "is no whole plan (type must be string, but is number)")
        refused(plan, '"fold": 1', '"fold": 4294967297', BAD_DATA, "'fold' is no whole number")
        refused(plan, '"schema": 2', '"schema": 1', USAGE, "is of schema 1, made by another version of shcnn")
        refused(fold, '"truth": ', '"truth": 1', BAD_DATA, "its hash does not hold")
        refused(fold, '"tie": false', '"tie": true', BAD_DATA, "its hash does not hold")
        plan.write_text(whole[plan].replace('"dataset": "casme2"', '"dataset": 7'))
        self.refused(USAGE, "is another plan: dataset was 7, is casme2", *self.loso(data, run, *ONE_EPOCH))
        plan.write_text(whole[plan])
        self.done("loso", "merge", "--out", run)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to run as a user of whom nothing else runs")
    def test_fewer_jobs_where_there_are_no_threads(self):
        data, run = self.made(), self.folder / "run"
        uid = 54321
        user = program.plain_user(uid)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, uid, uid)
        result = self.done(*self.loso(data, run, *ONE_EPOCH, "--jobs", "64"),
                           **user, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (4, 4)))
        self.assertIn("select", result.out)


if __name__ == "__main__":
    program.main()
