"""train, eval and predict from end to end on a little made data."""

import csv
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest
import zlib

import program
from program import BAD_DATA, BAD_MODEL, DEVICE, DISK, DONE, NON_FINITE, STOPPED, USAGE, ProgramTest, shcnn, trains_for_long

RUN_FILES = ["config.toml", "confusion.csv", "curves.csv", "report.html", "results.json", "run.lock", "state-prev.safetensors",
             "state.safetensors", "weights-last.safetensors", "weights.safetensors"]
CLASSES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def write_gray_png(path, rows):
    """A PNG from rows of gray levels, without any library."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


class TrainTest(ProgramTest):
    """All tests share one set of made faces and one short finished run; each has its own folder beside."""

    @classmethod
    def setUpClass(cls):
        if "shared" not in vars(TrainTest):  # once for all classes of a file
            TrainTest.make_shared()

    @classmethod
    def make_shared(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="shcnn-train-"))
        unittest.addModuleCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.faces, cls.trained = cls.shared / "faces", cls.shared / "run"
        for arguments in (["data", "synth", "faces", "--out", cls.faces, "--count", "140"],
                          cls.train_arguments(cls.trained)):
            result = shcnn(*arguments)
            assert result.code == DONE, result.err
        cls.weights = cls.trained / "weights.safetensors"

    @classmethod
    def train_arguments(cls, out, *more):
        """6 steps of 56 samples: one image's center crop each, two steps an epoch, three epochs."""
        return ["train", "--dataset", "fer2013", "--data", cls.faces, "--out", out, "--batch", "56", "--augment", "center",
                "--epochs", "3", "--val-split", "public-test", *more]

    def same_files(self, one, other, names):
        for name in names:
            self.assertEqual((one / name).read_bytes(), (other / name).read_bytes(), name)


class Train(TrainTest):
    def test_run_folder(self):
        self.assertEqual([f for f in self.files(self.trained) if not f.startswith("events")], RUN_FILES)
        with open(self.trained / "curves.csv", encoding="ascii", newline="") as file:
            curves = list(csv.DictReader(file))
        self.assertEqual([(row["epoch"], row["step"]) for row in curves], [("1", "2"), ("2", "4"), ("3", "6")])
        for row in curves:
            self.assertGreater(float(row["loss"]), float(row["cross_entropy"]))
        results = json.loads((self.trained / "results.json").read_text(encoding="utf-8"))
        self.assertEqual((results["schema"], results["images"], results["labels"]), (1, 14, CLASSES))
        self.assertEqual(len(results["predictions"]), 14)
        for prediction in results["predictions"]:
            self.assertAlmostEqual(sum(prediction["scores"]), 1, places=5)
            self.assertEqual(prediction["predicted"], CLASSES[prediction["scores"].index(max(prediction["scores"]))])
        with open(self.trained / "confusion.csv", encoding="ascii", newline="") as file:
            rows = list(csv.reader(file))
        self.assertEqual([[int(n) for n in row[1:]] for row in rows[1:]], results["confusion"])

    @trains_for_long
    def test_same_seed_same_bytes_for_any_number_of_threads(self):
        other = self.folder / "run"
        self.done(*self.train_arguments(other, "--threads", "1"))
        self.same_files(self.trained, other, ["weights.safetensors", "weights-last.safetensors", "state.safetensors", "curves.csv",
                                          "results.json"])

    @trains_for_long
    def test_another_seed(self):
        other = self.folder / "run"
        self.done(*self.train_arguments(other, "--seed", "2"))
        self.assertNotEqual((self.trained / "weights.safetensors").read_bytes(), (other / "weights.safetensors").read_bytes())

    def test_nothing_is_overwritten(self):
        before = self.weights.read_bytes()
        self.refused(USAGE, ["--force", "--resume"], *self.train_arguments(self.trained, "--quiet"))
        self.assertEqual(self.weights.read_bytes(), before)

    def test_force_replaces(self):
        other = self.folder / "run"
        shutil.copytree(self.trained, other)
        self.done(*self.train_arguments(other, "--force", "--seed", "5", "--epochs", "1"))
        self.assertEqual(len((other / "curves.csv").read_text(encoding="ascii").splitlines()), 2)

    def test_json(self):
        report = self.done(*self.train_arguments(self.folder / "run", "--epochs", "1", "--json")).json()
        self.assertEqual((report["schema"], report["training_images"], report["steps"]), (1, 112, 2))
        self.assertEqual(report["validation"]["split"], "public-test")

    def test_quiet(self):
        self.assertEqual(self.done(*self.train_arguments(self.folder / "run", "--epochs", "1", "--quiet")).err, "")

    @trains_for_long
    def test_config_of_the_run_repeats_it(self):
        other = self.folder / "run"
        self.done("train", "--config", self.trained / "config.toml", "--out", other)
        self.same_files(self.trained, other, ["weights.safetensors", "curves.csv"])

    def test_recipes(self):
        paper = self.done("train", "--dataset", "ferplus", "--recipe", "paper", "--print-config").out
        code = self.done("train", "--dataset", "ferplus", "--recipe", "code", "--lr", "0.5", "--print-config").out
        for line in ("slope = 0.02", "l2 = 0.0003", "epochs = 31", "dropout = 0.4", "clip-norm = 0", "lr = 0.001"):
            self.assertIn(line + "\n", paper)
        for line in ("slope = 0.01", "l2 = 0", "clip-norm = 4", "lr-decay = 0.995", "input-scale = 1", "lr = 0.5"):
            self.assertIn(line + "\n", code)
        self.assertIn("epochs = 80\n", self.done("train", "--dataset", "fer2013", "--print-config").out)

    def test_config_file_stands_between_flag_and_recipe(self):
        config = self.folder / "c.toml"
        config.write_text("recipe = 'code'\nlr = 0.25\nbatch = 7\n", encoding="ascii")
        text = self.done("train", "--config", config, "--batch", "9", "--print-config").out
        for line in ("lr = 0.25", "batch = 9", "clip-norm = 4"):
            self.assertIn(line + "\n", text)

    @trains_for_long
    def test_activation(self):
        self.assertIn("slope = 0\n", self.done("train", "--activation", "relu", "--print-config").out)

    def test_usage(self):
        out = self.folder / "run"
        self.refused(USAGE, "--dataset", "train", "--data", self.faces, "--out", out)
        self.refused(USAGE, "--data", "train", "--dataset", "fer2013", "--out", out)
        self.refused(USAGE, "--out", "train", "--dataset", "fer2013", "--data", self.faces)
        self.refused(USAGE, "imagenet", "train", "--dataset", "imagenet", "--data", self.faces, "--out", out)
        self.refused(USAGE, "recipe", *self.train_arguments(out, "--recipe", "soup"))
        self.refused(USAGE, "split", *self.train_arguments(out, "--val-split", "holdout"))
        self.refused(USAGE, "dropout", *self.train_arguments(out, "--dropout", "1.5"))
        self.refused(USAGE, "augment", *self.train_arguments(out, "--augment", "eleven"))
        self.assertFalse(out.exists())

    def test_devices(self):
        out = self.folder / "run"
        self.refused(USAGE, "tpu", *self.train_arguments(out, "--device", "tpu", "--quiet"))
        cuda = {d["device"]: d for d in self.done("doctor", "--json").json()["devices"]}["cuda"]
        if not cuda["usable"]:
            self.refused(DEVICE, "cuda", *self.train_arguments(out, "--device", "cuda", "--quiet"))
        self.assertFalse(out.exists())

    def test_nan_keeps_the_last_good_state(self):
        out = self.folder / "run"
        self.refused(NON_FINITE, "step", *self.train_arguments(out, "--lr", "9e5", "--input-scale", "9e5", "--quiet"))
        self.assertIn("state.safetensors", self.files(out))

    def test_full_disk(self):
        out = self.folder / "run"

        def small_files_only():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

        self.refused(DISK, "safetensors", *self.train_arguments(out, "--quiet"), preexec_fn=small_files_only)
        self.assertEqual([f for f in self.files(out) if "safetensors" in f], [])


class Resume(TrainTest):
    def stopped(self, out, signal_number):
        """Starts a long run, asks it to stop, returns what it left."""
        command = [program.path(), *map(str, self.train_arguments(out, "--epochs", "2000", "--save-every", "0"))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 300
            while not (out / "curves.csv").exists() and time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.05)
            process.send_signal(signal_number)
            output, errors = process.communicate(timeout=300)
        return process.returncode, output, errors

    @trains_for_long
    def test_stop_and_go_on(self):
        """Stopped at some step by each signal and resumed, a run ends with the bytes of one that never stopped."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            out = self.folder / f"run{number}"
            code, _, errors = self.stopped(out, number)
            self.assertEqual(code, STOPPED, errors)
            self.assertIn("--resume", errors.splitlines()[-1])
        done = len((out / "curves.csv").read_text(encoding="ascii").splitlines()) - 1
        epochs = str(done + 2)
        self.done("train", "--out", out, "--resume", "--epochs", epochs)
        whole = self.folder / "whole"
        self.done(*self.train_arguments(whole, "--epochs", epochs, "--save-every", "0"))
        self.same_files(out, whole, ["weights-last.safetensors", "weights.safetensors", "curves.csv", "results.json"])

    def test_refusals(self):
        out = self.folder / "run"
        self.refused(USAGE, "resume", *self.train_arguments(out, "--resume", "--quiet"))
        shutil.copytree(self.trained, out)
        self.refused(USAGE, ["lr", "0.5"], "train", "--out", out, "--resume", "--lr", "0.5", "--quiet")
        other = self.folder / "faces"
        self.done("data", "synth", "faces", "--out", other, "--count", "140", "--seed", "9")
        self.refused(USAGE, "data", "train", "--out", out, "--resume", "--data", other, "--quiet")

    def test_damaged_state(self):
        """The state before steps in for a damaged one; with both damaged the run cannot go on."""
        out = self.folder / "run"
        shutil.copytree(self.trained, out)
        state = out / "state.safetensors"
        os.truncate(state, state.stat().st_size // 2)
        result = self.done("train", "--out", out, "--resume")
        self.assertIn("state-prev", result.err)
        self.same_files(self.trained, out, ["weights-last.safetensors", "curves.csv"])
        for name in ("state.safetensors", "state-prev.safetensors"):
            os.truncate(out / name, 1000)
        self.refused(BAD_MODEL, "state", "train", "--out", out, "--resume", "--quiet")


class Eval(TrainTest):
    def arguments(self, *more):
        return ["eval", "--weights", self.weights, "--dataset", "fer2013", "--data", self.faces, *more]

    def test_json(self):
        report = self.done(*self.arguments("--split", "public-test", "--json")).json()
        self.assertEqual(set(report) & {"schema", "images", "rule", "accuracy", "uf1", "uar", "labels", "confusion"},
                         {"schema", "images", "rule", "accuracy", "uf1", "uar", "labels", "confusion"})
        self.assertEqual((report["schema"], report["images"], report["labels"]), (1, 14, CLASSES))
        matrix = report["confusion"]
        n = range(len(matrix))
        self.assertEqual(sum(map(sum, matrix)), 14)
        self.assertAlmostEqual(report["accuracy"], sum(matrix[i][i] for i in n) / 14)

        def share(part, whole):
            return part / whole if whole else 0

        recall = [share(matrix[i][i], sum(matrix[i])) for i in n]
        f1 = [share(2 * matrix[i][i], sum(matrix[i]) + sum(row[i] for row in matrix)) for i in n]
        self.assertAlmostEqual(report["uar"], sum(recall) / 7)
        self.assertAlmostEqual(report["uf1"], sum(f1) / 7)
        stored = json.loads((self.trained / "results.json").read_text(encoding="utf-8"))
        self.assertEqual(stored["confusion"], matrix, "eval of the best weights is the run's best validation")

    @trains_for_long
    def test_batch_changes_nothing(self):
        one, other = (self.done(*self.arguments("--batch", b, "--json", "--split", "training")).json() for b in ("20", "333"))
        self.assertEqual(one, other)

    def test_every_prediction(self):
        out = self.folder / "results.json"
        self.done(*self.arguments("--split", "public-test", "--out", out))
        self.assertEqual(len(json.loads(out.read_text(encoding="utf-8"))["predictions"]), 14)
        self.refused(USAGE, "--force", *self.arguments("--out", out))

    def test_other_classes(self):
        self.refused(USAGE, "contempt", "eval", "--weights", self.weights, "--dataset", "ferplus", "--data", self.faces,
                     "--quiet")

    def test_missing_split(self):
        lines = (self.faces / "fer2013.csv").read_text(encoding="ascii").splitlines()
        path = self.folder / "fer2013.csv"
        path.write_text("\n".join(l for l in lines if not l.endswith("PublicTest")) + "\n", encoding="ascii")
        self.refused(BAD_DATA, "public-test", "eval", "--weights", self.weights, "--dataset", "fer2013", "--data", path,
                     "--split", "public-test", "--quiet")


class BadWeights(TrainTest):
    def refuse(self, path, *message):
        for arguments in (["eval", "--dataset", "fer2013", "--data", self.faces], ["predict", self.faces]):
            self.refused(BAD_MODEL, [path.name, *message], *arguments, "--weights", path, "--quiet")

    def test_truncated(self):
        path = self.folder / "short.safetensors"
        path.write_bytes(self.weights.read_bytes()[:-1])
        self.refuse(path)
        path.write_bytes(self.weights.read_bytes()[:5])
        self.refuse(path)

    def test_one_turned_bit(self):
        path = self.folder / "turned.safetensors"
        content = bytearray(self.weights.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        self.refuse(path)

    def test_foreign(self):
        path = self.folder / "foreign.safetensors"
        path.write_text("not a model\n" * 100, encoding="ascii")
        self.refuse(path)
        header = json.dumps({"layer.weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
        path.write_bytes(struct.pack("<Q", len(header)) + header + struct.pack("<2f", 1, 2))
        self.refuse(path)

    def test_state_is_no_weights(self):
        self.refuse(self.trained / "state.safetensors", "weights")

    def test_absent(self):
        result = shcnn("predict", "--weights", self.folder / "none.safetensors", self.faces)
        self.assertIn(result.code, (BAD_MODEL, DISK))
        self.assertIn("none.safetensors", result.err)


class Predict(TrainTest):
    def pictures(self):
        folder = self.folder / "pictures"
        if not folder.exists():
            self.done("data", "convert", "--from", self.faces / "fer2013.csv", "--to", folder, "--split", "public-test")
        return folder

    def predict(self, *arguments):
        return self.done("predict", "--weights", self.weights, *arguments)

    def test_json(self):
        report = self.predict("--json", self.pictures()).json()
        self.assertEqual(report["schema"], 1)
        self.assertEqual(len(report["predictions"]), 14)
        for one in report["predictions"]:
            self.assertTrue(pathlib.Path(one["input"]).exists())
            self.assertEqual(list(one["scores"]), CLASSES)
            self.assertAlmostEqual(sum(one["scores"].values()), 1, places=5)
            self.assertEqual(one["label"], max(one["scores"], key=one["scores"].get))
            self.assertEqual(one["box"], [0, 0, 48, 48])

    def test_agrees_with_eval(self):
        """The same faces through image files and through the csv get the same labels."""
        report = self.predict("--json", self.pictures()).json()
        counts = {label: 0 for label in CLASSES}
        for one in report["predictions"]:
            counts[one["label"]] += 1
        matrix = self.done("eval", "--weights", self.weights, "--dataset", "fer2013", "--data", self.faces, "--split",
                           "public-test", "--json").json()["confusion"]
        self.assertEqual(list(counts.values()), [sum(row[c] for row in matrix) for c in range(7)])

    def test_text_and_sheet(self):
        sheet = self.folder / "sheet.png"
        result = self.predict("--picture", sheet, self.pictures())
        self.assertEqual(len(result.out.splitlines()), 14)
        self.assertTrue(sheet.read_bytes().startswith(b"\x89PNG"))
        self.refused(USAGE, "--force", "predict", "--weights", self.weights, "--picture", sheet, self.pictures())

    def test_any_size(self):
        path = self.folder / "big.png"
        write_gray_png(path, [[(x * y) % 256 for x in range(90)] for y in range(70)])
        self.assertEqual(self.predict("--json", path).json()["predictions"][0]["box"], [0, 0, 90, 70])

    def test_order_of_numbers(self):
        folder = self.folder / "frames"
        folder.mkdir()
        for n in (100, 9, 46, 10):
            write_gray_png(folder / f"img{n}.png", [[n] * 48] * 48)
        names = [pathlib.Path(p["input"]).name for p in self.predict("--json", folder).json()["predictions"]]
        self.assertEqual(names, ["img9.png", "img10.png", "img46.png", "img100.png"])

    def test_bad_input(self):
        bad = self.folder / "bad.png"
        bad.write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
        text = self.folder / "notes.txt"
        text.write_text("no picture", encoding="ascii")
        video = self.folder / "clip.mp4"
        video.write_bytes(b"no video")
        (self.folder / "empty").mkdir()
        for name in ("bad.png", "notes.txt", "clip.mp4", "empty", "absent.png"):
            self.refused(BAD_DATA, name, "predict", "--weights", self.weights, self.folder / name, "--quiet")
        self.refused(USAGE, "image", "predict", "--weights", self.weights)
        self.refused(USAGE, "--weights", "predict", text)


class Detect(TrainTest):
    def test_no_cascade(self):
        path = self.folder / "cascade.xml"
        path.write_text("<none/>", encoding="ascii")
        self.refused(USAGE, "cascade", "predict", "--weights", self.weights, "--detect", "--cascade", path, self.faces)

    def test_nothing_to_find(self):
        path = self.folder / "gray.png"
        write_gray_png(path, [[128] * 100] * 100)
        result = shcnn("predict", "--weights", self.weights, "--detect", "--json", path)
        if "opencv-data" in result.err:
            self.skipTest("the face cascade (package opencv-data) is not installed")
        self.assertEqual(result.code, DONE, result.err)
        self.assertEqual((result.json()["predictions"], result.json()["without_face"]), ([], 1))


if __name__ == "__main__":
    program.main()
