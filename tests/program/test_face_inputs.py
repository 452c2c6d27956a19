"""Faces as users have them: folders with other names, photos, half-readable folders, archives, weights out of range."""

import array
import contextlib
import csv
import gzip
import json
import pathlib
import shutil
import struct
import zipfile
import zlib

import program
from program import BAD_DATA, DISK, NON_FINITE, USAGE, ProgramTest, shcnn

CLASSES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def write_png(path, rows, channels=1):
    """A PNG from rows of bytes, gray or RGB, without any library."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", len(rows[0]) // channels, len(rows), 8, 0 if channels == 1 else 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def gray(level, width=48, height=48):
    return [[level] * width] * height


def write_weights(path, classes, value=0.0, favourite=None, variant="static", scale=1 / 255):
    """Weights that are `value` everywhere, in the layout of docs/formats.md; without images' help class `favourite` wins."""
    micro, n = variant == "micro", len(classes)
    inputs = 17248 if micro else 3168
    shapes = {"conv1.weight": (44, 3 if micro else 1, 5, 5), "conv1.bias": (44,), "conv2.weight": (44, 44, 3, 3), "conv2.bias": (44,),
              "conv3.weight": (88, 44, 5, 5), "conv3.bias": (88,), "fc1.weight": (2048, inputs), "fc1.bias": (2048,),
              "fc2.weight": (1024, 2048), "fc2.bias": (1024,), "fc3.weight": (n, 1024), "fc3.bias": (n,)}
    metadata = {"format": "shcnn-weights-1", "variant": variant, "class_names": json.dumps(classes),
                "pool": "average" if micro else "max", "slope": "0.02", "input_scale": repr(scale), "augment": "center",
                "recipe": "paper", "dataset": "faces", "epoch": "1"}
    header, content, at = {"__metadata__": metadata}, [], 0
    for name, shape in shapes.items():
        count = 1
        for extent in shape:
            count *= extent
        values = array.array("f", [value]) * count
        if name == "fc3.bias" and favourite is not None:
            values[classes.index(favourite)] = 1
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * count]}
        content.append(values.tobytes())
        at += 4 * count
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(content))
    return path


class FaceTest(ProgramTest):
    def made(self, count=140):
        folder = self.folder / "made"
        self.done("data", "synth", "faces", "--out", folder, "--count", count)
        return folder

    def constant(self, favourite="happy", classes=None):
        """Weights that take every face for one class."""
        return write_weights(self.folder / f"{favourite}.safetensors", classes or CLASSES, favourite=favourite)


class Convert(FaceTest):
    def renamed(self, rename):
        """Made faces in folders whose classes have been renamed; their csv file."""
        source, pictures = self.made() / "fer2013.csv", self.folder / "pictures"
        self.done("data", "convert", "--from", source, "--to", pictures)
        for folder in [f for f in pictures.glob("*/*") if f.is_dir()]:
            folder.rename(folder.parent / rename(folder.name))
        return source, pictures

    def labels(self, path):
        with open(path, encoding="ascii", newline="") as file:
            return {row["pixels"]: row["emotion"] for row in csv.DictReader(file)}

    def test_names_of_either_case_keep_their_numbers(self):
        source, pictures = self.renamed(str.capitalize)
        self.done("data", "convert", "--from", pictures, "--to", self.folder / "back.csv")
        self.assertEqual(self.labels(source), self.labels(self.folder / "back.csv"))

    def test_other_names_are_refused(self):
        _, pictures = self.renamed({c: "\u9ad8\u5174" if c == "happy" else c for c in CLASSES}.get)
        self.refused(USAGE, ["'\u9ad8\u5174'", ", ".join(CLASSES)], "data", "convert", "--from", pictures, "--to",
                     self.folder / "back.csv", "--quiet")
        self.assertFalse((self.folder / "back.csv").exists())


class Classes(FaceTest):
    def faces(self, *images):
        """A folder of splits with one plain image for each path."""
        folder = self.folder / "faces"
        for number, image in enumerate(images):
            write_png(folder / image, gray(10 + number))
        return folder

    def test_means_over_the_classes_that_occur(self):
        """4 faces, 3 happy and 1 sad, all taken for happy: F1 6/7 and 0, recall 1 and 0, of two classes."""
        faces = self.faces("test/happy/1.png", "test/happy/2.png", "test/happy/3.png", "test/sad/4.png")
        result = self.done("eval", "--weights", self.constant(), "--dataset", "faces", "--data", faces, "--split",
                           "private-test", "--json")
        report = result.json()
        self.assertEqual(report["labels"], CLASSES)
        self.assertAlmostEqual(report["accuracy"], 3 / 4)
        self.assertAlmostEqual(report["uf1"], (6 / 7 + 0) / 2)
        self.assertAlmostEqual(report["uar"], (1 + 0) / 2)
        absent = [c for c in CLASSES if c not in ("happy", "sad")]
        self.assertEqual(report["absent"], absent)
        self.assertIn(f"means over 2 of 7 classes: no image is, or was taken for, {', '.join(absent)}", result.err)

    def test_training_says_it_too(self):
        faces = self.faces(*[f"train/{c}/{i}.png" for c in ("happy", "sad") for i in range(5)], "val/happy/1.png")
        run = self.folder / "run"
        result = self.done("train", "--dataset", "faces", "--data", faces, "--out", run, "--epochs", "1", "--batch", "10",
                           "--augment", "center", "--val-split", "public-test")
        self.assertIn("of 7 classes: no image is, or was taken for,", result.err)
        results = json.loads((run / "results.json").read_text(encoding="utf-8"))
        self.assertIn("angry", results["absent"])
        self.assertNotIn("happy", results["absent"])
        # what each class's F1 is, by hand from the matrix; the mean is over those that occur
        matrix, n = results["confusion"], range(7)
        f1 = [2 * matrix[c][c] / (sum(matrix[c]) + sum(row[c] for row in matrix)) for c in n
              if sum(matrix[c]) + sum(row[c] for row in matrix)]
        self.assertAlmostEqual(results["uf1"], sum(f1) / len(f1))

    def test_one_class_whatever_the_case(self):
        faces = self.faces("train/joy/1.png", "train/grief/2.png", "test/Joy/3.png", "test/grief /4.png")
        report = self.done("data", "lint", "--json", faces).json()["datasets"][0]
        names = list(report["splits"]["training"]["classes"])
        self.assertEqual(sorted(n.lower() for n in names), ["grief", "joy"])
        self.assertEqual(list(report["splits"]["private-test"]["classes"].values()), [1, 1])
        self.assertEqual(len([p for p in report["problems"] if "is taken for class" in p["message"]]), 2)
        result = self.done("data", "convert", "--from", faces, "--to", self.folder / "copy")
        self.assertIn("is taken for class 'Joy'", result.err)

    def test_known_classes_whatever_the_case(self):
        faces = self.faces("train/happy/1.png", "train/sad/2.png", "test/Happy/3.png", "test/sad /4.png")
        report = self.done("data", "lint", "--json", faces).json()["datasets"][0]
        self.assertEqual(list(report["splits"]["training"]["classes"]), CLASSES)
        self.assertEqual(report["splits"]["private-test"]["classes"]["happy"], 1)

    def test_names_that_differ_from_the_weights(self):
        faces = self.faces(*[f"test/{c.capitalize()}/{c}.png" for c in CLASSES])
        call = ("eval", "--weights", self.constant(), "--dataset", "faces", "--data", faces, "--split", "private-test", "--quiet")
        self.refused(USAGE, [", ".join(CLASSES), "Angry, Disgust", "name the folders as the weights"], *call)
        shutil.move(faces / "test" / "Sad", faces / "test" / "Grief")
        self.refused(USAGE, ["Grief", "name the --dataset"], *call)

    def test_batch_changes_no_digit(self):
        """Every score, not only the totals; on the cpu and on the CUDA kernels."""
        made = self.made(40)  # 4 images of ten crops are scored
        run = self.folder / "run"
        self.done("train", "--dataset", "fer2013", "--data", made, "--out", run, "--batch", "32", "--epochs", "1", "--steps", "2",
                  "--augment", "center", "--val-split", "none")
        for device in ("cpu", "simt"):
            outs = []
            for batch in ("10", "60"):
                outs.append(self.folder / f"{device}-{batch}.json")
                self.done("eval", "--weights", run / "weights-last.safetensors", "--dataset", "fer2013", "--data", made, "--split",
                          "public-test", "--batch", batch, "--device", device, "--out", outs[-1])
            self.assertEqual(outs[0].read_bytes(), outs[1].read_bytes(), device)


class Predict(FaceTest):
    def predict(self, *arguments):
        return self.done("predict", "--weights", self.constant(), *arguments)

    def test_scenes(self):
        face, photo = self.folder / "face.png", self.folder / "photo.png"
        write_png(face, gray(100))
        write_png(photo, gray(100, 640, 360))
        self.assertNotIn("--detect", self.predict(face).err)
        self.assertIn("photo.png is 640 x 360", self.predict(face, photo).err)
        self.assertIn("did you mean --detect", self.predict(photo).err)
        write_png(photo, gray(100, 800, 800))
        self.assertIn("did you mean --detect", self.predict(photo).err)

    def test_folder(self):
        """Hidden files are none; links are followed, once; what is no picture is counted; one bad file stops nobody."""
        folder, other = self.folder / "pictures", self.folder / "other"
        write_png(folder / "1.png", gray(10))
        write_png(folder / "2.png", gray(20))
        write_png(other / "3.png", gray(30))
        (folder / "._1.png").write_bytes(b"\0\5\x16\7")
        (folder / "notes.txt").write_text("no picture", encoding="ascii")
        (folder / "linked").symlink_to(other)
        (folder / "again").symlink_to(folder)
        good = self.predict("--json", folder)
        report = good.json()
        self.assertEqual([pathlib.Path(p["input"]).name for p in report["predictions"]], ["1.png", "2.png", "3.png"])
        self.assertEqual([pathlib.Path(p).name for p in report["skipped"]], ["notes.txt"])
        self.assertEqual(report["unread"], [])
        self.assertIn("1 files are no pictures and are skipped: notes.txt", good.err)

        bad = folder / "15.png"
        bad.write_bytes((folder / "1.png").read_bytes()[:-20])
        for arguments in (["--json"], []):
            result = shcnn("predict", "--weights", self.constant(), *arguments, folder, self.folder / "absent.png", other)
            self.assertEqual(result.code, BAD_DATA, result.err)
            last = result.err.splitlines()[-1]
            self.assertIn("2 of 6 inputs could not be read, the others are done", last)
            self.assertIn("15.png: is cut short", last)
            self.assertEqual(result.out.count("3.png"), 2, "linked, and named")
            self.assertIn("absent.png: does not exist", result.err)
        unread = shcnn("predict", "--weights", self.constant(), "--json", folder).json()["unread"]
        self.assertEqual([pathlib.Path(u["input"]).name for u in unread], ["15.png"])

    def test_sheet_is_checked_first(self):
        face = self.folder / "face.png"
        write_png(face, gray(100))
        result = self.refused(USAGE, ["p.jpg", ".png"], "predict", "--weights", self.constant(), "--picture",
                              self.folder / "p.jpg", face, "--quiet")
        self.assertEqual(result.out, "")

    def test_flow_images(self):
        """A network of flow images takes colours (and black: no motion), in predict and in saliency."""
        weights = write_weights(self.folder / "micro.safetensors", ["positive", "negative"], favourite="negative", variant="micro")
        flow, black, face = (self.folder / f"{name}.png" for name in ("flow", "black", "face"))
        write_png(flow, [[(x * y) % 256 for x in range(3 * 112)] for y in range(112)], channels=3)
        write_png(black, gray(0, 112, 112))
        write_png(face, gray(90))
        report = self.done("predict", "--weights", weights, "--json", flow, black).json()
        self.assertEqual([p["label"] for p in report["predictions"]], ["negative"] * 2)
        self.assertEqual(self.done("saliency", "--weights", weights, "--json", flow).json()["images"], 1)
        for verb in ("predict", "saliency"):
            self.refused(BAD_DATA, ["face.png", "gray", "shcnn flow"], verb, "--weights", weights, "--quiet", face)
        self.refused(USAGE, "--detect", "predict", "--weights", weights, "--detect", "--quiet", flow)


class OutOfRange(FaceTest):
    def test_outputs_that_are_no_numbers(self):
        """Weights too large for float32's sums, and an input scale too large: exit 6, and the image's name."""
        face = self.folder / "face.png"
        write_png(face, [[(7 * x + 3 * y) % 256 for x in range(48)] for y in range(48)])
        shutil.copytree(self.made(), self.folder / "set")
        huge = write_weights(self.folder / "huge.safetensors", CLASSES, value=3e38)
        scaled = write_weights(self.folder / "scaled.safetensors", CLASSES, value=1.0, scale=1e38)
        for weights in (huge, scaled):
            for call in (["predict", face], ["saliency", face], ["attack", face]):
                result = self.refused(NON_FINITE, ["face.png", "NaN or infinite"], *call, "--weights", weights, "--quiet")
                self.assertEqual(result.out, "")
            self.refused(NON_FINITE, "NaN or infinite", "eval", "--weights", weights, "--dataset", "fer2013", "--data",
                         self.folder / "set", "--quiet")


class Lint(FaceTest):
    def test_what_is_no_csv_text(self):
        source = self.made() / "fer2013.csv"
        text = source.read_text(encoding="ascii")
        place = self.folder / "odd"
        place.mkdir()

        def refused(name, content, *message):
            path = place / name
            path.write_bytes(content)
            self.refused(BAD_DATA, [name, *message], "data", "lint", path, "--quiet")
            path.unlink()

        refused("fer2013.tar.gz", gzip.compress(text.encode()), "is a gzip archive", "unpack it")
        with zipfile.ZipFile(place / "a.zip", "w") as archive:
            archive.writestr("fer2013.csv", text)
        zipped = (place / "a.zip").read_bytes()
        self.refused(BAD_DATA, ["a.zip", "unpack"], "data", "lint", place, "--quiet")
        (place / "a.zip").unlink()
        refused("fer2013.zip", zipped, "is a zip archive", "unpack it")
        refused("fer2013.csv", text.encode("utf-16"), "is UTF-16 text", "save it as UTF-8")
        refused("fer2013.csv", text.replace("\n", "\r").encode(), "lines end with CR alone")
        refused("fer2013.csv", (text + "Kaggle's fer2013\n\nthe end\n").encode(), "line 142", "delete lines 142 to 144")

    def test_semicolons(self):
        source = self.made() / "fer2013.csv"
        counts = self.done("data", "lint", "--json", source).json()["datasets"][0]["splits"]
        source.write_text(source.read_text(encoding="ascii").replace(",", ";"), encoding="ascii")
        self.assertEqual(self.done("data", "lint", "--json", source).json()["datasets"][0]["splits"], counts)

    def test_one_level_up(self):
        self.made()
        result = self.done("data", "lint", "--json", self.folder)
        self.assertEqual([d["dataset"] for d in result.json()["datasets"]], ["fer2013", "ferplus", "ferplus"])
        self.assertIn(f"one level down, in {self.folder / 'made'}", result.err)
        two = self.folder / "up" / "archive"
        write_png(two / "train" / "happy" / "1.png", gray(1))
        self.assertEqual(self.done("data", "lint", "--json", two.parent).json()["datasets"][0]["dataset"], "faces")

    def test_published_counts(self):
        folder = self.made()
        training = self.done("data", "lint", "--json", folder / "fer2013.csv").json()["datasets"][0]["splits"]["training"]
        self.assertEqual((training["published"], training["published_classes"]["disgust"]), (28709, 436))
        self.assertIn("112 of 112 rows (published: 28709)", self.done("data", "lint", folder / "fer2013.csv").out)

    def test_training_without_validation_rows(self):
        path = self.made() / "fer2013.csv"
        lines = [line for line in path.read_text(encoding="ascii").splitlines() if not line.endswith("PrivateTest")]
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        self.refused(BAD_DATA, ["private-test", "--val-split none"], "train", "--dataset", "fer2013", "--data", path, "--out",
                     self.folder / "run", "--quiet")


class Permissions(FaceTest):
    """As root nothing is forbidden, so the program runs as another user there."""

    def setUp(self):
        super().setUp()
        self.folder.chmod(0o777)
        self.user = program.plain_user()

    def forbidden(self, code, message, *arguments):
        result = shcnn(*arguments, **self.user)
        self.assertEqual(result.code, code, result.err)
        lines = result.err.splitlines()
        self.assertEqual(len(lines), 1, result.err)
        for part in [*message, "ermission"]:
            self.assertIn(part, lines[0])

    @contextlib.contextmanager
    def closed(self, path, mode=0o000):
        path.chmod(mode)
        try:
            yield
        finally:
            path.chmod(0o755)

    def test_folders_and_files(self):
        weights = self.constant()
        faces = self.folder / "faces"
        for split in ("train", "test"):
            write_png(faces / split / "happy" / "1.png", gray(1))
            write_png(faces / split / "sad" / "2.png", gray(2))
        closed = faces / "train" / "happy"
        for path in (faces, closed):
            for mode in (0o000, 0o444):  # 444: its names may be read, what they name not
                with self.closed(path, mode):
                    self.forbidden(DISK, [str(path)], "data", "lint", "--no-cache", faces)
                    self.forbidden(DISK, [str(path)], "saliency", "--weights", weights, "--quiet", faces)
        with self.closed(closed):
            self.forbidden(BAD_DATA, [str(closed)], "predict", "--weights", weights, "--quiet", faces, faces / "test")
        image = closed / "1.png"
        with self.closed(image):
            self.forbidden(DISK, [str(image)], "data", "lint", "--no-cache", faces)


if __name__ == "__main__":
    program.main()
