"""data synth, lint and convert; and every way in which a data set on disk can be bad."""

import csv
import resource

import program
from program import BAD_DATA, DISK, USAGE, ProgramTest

COUNT = 140
SPLITS = {"training": 112, "public-test": 14, "private-test": 14}
CLASSES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


class DataTest(ProgramTest):
    def made(self, name="faces", *more):
        folder = self.folder / name
        self.done("data", "synth", "faces", "--out", folder, "--count", COUNT, *more)
        return folder


class Synth(DataTest):
    def test_layout_and_counts(self):
        folder = self.made()
        self.assertEqual(self.files(folder), ["faces.png", "fer2013.csv", "fer2013new.csv"])
        with open(folder / "fer2013.csv", encoding="ascii", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0]), ["emotion", "pixels", "Usage"])
        usages = [row["Usage"] for row in rows]
        self.assertEqual([usages.count(u) for u in ("Training", "PublicTest", "PrivateTest")], list(SPLITS.values()))
        for row in rows:
            self.assertIn(int(row["emotion"]), range(7))
            pixels = [int(p) for p in row["pixels"].split()]
            self.assertEqual(len(pixels), 48 * 48)
            self.assertTrue(all(0 <= p <= 255 for p in pixels))
            self.assertGreater(max(pixels) - min(pixels), 50, "a face has light and dark")
        with open(folder / "fer2013new.csv", encoding="ascii", newline="") as file:
            votes = list(csv.reader(file))
        self.assertEqual(len(votes), COUNT + 1)
        self.assertEqual(votes[0][:3], ["Usage", "Image name", "neutral"])
        for row in votes[1:]:
            self.assertEqual(sum(int(v) for v in row[2:]), 10)

    def test_seeded(self):
        """Same seed, same bytes, for any number of threads; another seed, other faces."""
        one, same, other = self.made("one"), self.made("same", "--threads", "3"), self.made("other", "--seed", "2")
        for name in self.files(one):
            self.assertEqual((one / name).read_bytes(), (same / name).read_bytes(), name)
        self.assertNotEqual((one / "fer2013.csv").read_bytes(), (other / "fer2013.csv").read_bytes())

    def test_json(self):
        report = self.done("data", "synth", "faces", "--out", self.folder / "a", "--count", COUNT, "--json").json()
        self.assertEqual((report["schema"], report["images"]), (1, COUNT))

    def test_nothing_is_overwritten(self):
        folder = self.made()
        before = (folder / "fer2013.csv").read_bytes()
        arguments = ["data", "synth", "faces", "--out", folder, "--count", COUNT, "--seed", "2"]
        self.refused(USAGE, ["--force", str(folder)], *arguments)
        self.assertEqual((folder / "fer2013.csv").read_bytes(), before)
        self.done(*arguments, "--force")
        self.assertNotEqual((folder / "fer2013.csv").read_bytes(), before)

    def test_usage(self):
        self.refused(USAGE, "--out", "data", "synth", "faces")
        self.refused(USAGE, "--layout", "data", "synth", "faces", "--out", self.folder / "x", "--layout", "hdf5")

    def test_full_disk(self):
        """No file is left where the disk has no room for it."""
        out = self.folder / "full"

        def small_files_only():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

        self.refused(DISK, "fer2013.csv", "data", "synth", "faces", "--out", out, "--count", COUNT,
                     preexec_fn=small_files_only)
        self.assertEqual(self.files(out), [])


class Lint(DataTest):
    def test_counts(self):
        report = self.done("data", "lint", "--json", self.made()).json()
        self.assertEqual(report["schema"], 1)
        self.assertEqual([(d["dataset"], d["rule"]) for d in report["datasets"]],
                         [("fer2013", "all"), ("ferplus", "strict"), ("ferplus", "soft")])
        kaggle = report["datasets"][0]["splits"]
        self.assertEqual({split: counts["rows"] for split, counts in kaggle.items()}, SPLITS)
        for split, counts in kaggle.items():
            self.assertEqual(list(counts["classes"]), CLASSES)
            self.assertEqual(sum(counts["classes"].values()), SPLITS[split])
        strict, soft = (report["datasets"][i]["splits"]["training"]["kept"] for i in (1, 2))
        self.assertLessEqual(strict, soft)

    def test_text(self):
        self.assertIn("112 of 112 rows", self.done("data", "lint", self.made()).out)

    def test_missing(self):
        self.refused(BAD_DATA, "no-such-place", "data", "lint", self.folder / "no-such-place")
        self.refused(USAGE, "folder", "data", "lint")


class Convert(DataTest):
    def test_there_and_back(self):
        """csv -> folders -> csv keeps every pixel, label and split."""
        folder = self.made()
        pictures, back = self.folder / "pictures", self.folder / "back.csv"
        self.done("data", "convert", "--from", folder / "fer2013.csv", "--to", pictures)
        self.assertEqual(len(self.files(pictures)), COUNT)
        self.done("data", "convert", "--from", pictures, "--to", back)

        def rows(path):
            with open(path, encoding="ascii", newline="") as file:
                return sorted((row["Usage"], row["emotion"], row["pixels"]) for row in csv.DictReader(file))

        self.assertEqual(rows(folder / "fer2013.csv"), rows(back))

    def test_one_split(self):
        pictures = self.folder / "pictures"
        self.done("data", "convert", "--from", self.made() / "fer2013.csv", "--to", pictures, "--split", "private-test")
        self.assertEqual(len(self.files(pictures)), SPLITS["private-test"])

    def test_ferplus_folders(self):
        """Votes and images as FER+ itself lays them out lint to the same counts."""
        folder, layout = self.made(), self.folder / "ferplus"
        self.done("data", "convert", "--from", folder, "--dataset", "ferplus", "--layout", "ferplus", "--to", layout)

        def kept(path):
            report = self.done("data", "lint", "--dataset", "ferplus", "--json", path).json()
            return [{s: c["kept"] for s, c in d["splits"].items()} for d in report["datasets"]]

        self.assertEqual(kept(folder), kept(layout))

    def test_nothing_is_overwritten(self):
        folder = self.made()
        self.refused(USAGE, "--force", "data", "convert", "--from", folder, "--dataset", "fer2013", "--to", folder)


class BadData(DataTest):
    """Each row of the table: what is done to a good fer2013.csv, and what the one line must hold."""

    def lint_changed(self, change, *message):
        folder = self.made(f"faces{len(list(self.folder.iterdir()))}")
        path = folder / "fer2013.csv"
        lines = path.read_text(encoding="ascii").splitlines()
        change(lines)
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        (folder / "fer2013new.csv").unlink()
        self.refused(BAD_DATA, ["fer2013.csv", *message], "data", "lint", folder)
        self.refused(BAD_DATA, ["fer2013.csv", *message], "train", "--dataset", "fer2013", "--data", folder, "--out",
                     self.folder / "run")
        self.assertFalse((self.folder / "run").exists(), "bad data must leave no run behind")

    def test_missing_column(self):
        def change(lines):
            lines[0] = lines[0].replace("pixels", "points")

        self.lint_changed(change, "pixels")

    def test_short_row(self):
        def change(lines):
            label, pixels, usage = lines[5].split(",")
            lines[5] = ",".join([label, pixels.rstrip('"').rsplit(" ", 1)[0] + ('"' if pixels.endswith('"') else ""), usage])

        self.lint_changed(change, "row 4", "2303")

    def test_value_of_256(self):
        def change(lines):
            label, pixels, usage = lines[9].split(",")
            values = pixels.strip('"').split()
            values[17] = "256"
            lines[9] = ",".join([label, '"' + " ".join(values) + '"', usage])

        self.lint_changed(change, "row 8", "256")

    def test_unknown_usage(self):
        def change(lines):
            lines[3] = lines[3].rsplit(",", 1)[0] + ",Trainign"

        self.lint_changed(change, "row 2", "Trainign")

    def test_unknown_emotion(self):
        def change(lines):
            lines[3] = "7," + lines[3].split(",", 1)[1]

        self.lint_changed(change, "row 2", "7")

    def ferplus_changed(self, change, *message):
        folder = self.made()
        path = folder / "fer2013new.csv"
        lines = path.read_text(encoding="ascii").splitlines()
        change(lines)
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        self.refused(BAD_DATA, message, "data", "lint", "--dataset", "ferplus", folder)

    def test_unequal_length(self):
        self.ferplus_changed(lambda lines: lines.pop(), "fer2013", str(COUNT), str(COUNT - 1))

    def test_vote_that_is_no_number(self):
        def change(lines):
            lines[4] = lines[4].rsplit(",", 1)[0] + ",many"

        self.ferplus_changed(change, "fer2013new.csv", "row 3", "many")

    def test_folder_without_images(self):
        (self.folder / "empty").mkdir()
        self.refused(BAD_DATA, "empty", "data", "lint", self.folder / "empty")

    def test_missing_usage(self):
        """A file that lacks one Usage is fine; scoring on it is not."""
        folder = self.made()
        path = folder / "fer2013.csv"
        lines = [line for line in path.read_text(encoding="ascii").splitlines() if not line.endswith("PublicTest")]
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        self.done("data", "lint", path)
        self.refused(BAD_DATA, ["public-test", "another split"], "train", "--dataset", "fer2013", "--data", path, "--out",
                     self.folder / "run", "--val-split", "public-test", "--quiet")


if __name__ == "__main__":
    program.main()
