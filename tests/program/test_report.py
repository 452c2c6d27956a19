"""report: one self-contained page about a run."""

import csv
import json
import pathlib
import re
import shutil
import struct
import tempfile

import program
from page import PageParser
from program import BAD_DATA, DONE, USAGE, ProgramTest, shcnn


def read_events(path):
    """{(tag, step): value} of a TensorBoard event file, by its published layout."""
    def varint(data, at):
        value = shift = 0
        while True:
            byte = data[at]
            value |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                return value, at

    def fields(data):
        at = 0
        while at < len(data):
            key, at = varint(data, at)
            if key & 7 == 0:
                value, at = varint(data, at)
            else:
                length = {1: 8, 5: 4}.get(key & 7)
                if length is None:
                    length, at = varint(data, at)
                value, at = data[at:at + length], at + length
            yield key >> 3, value

    data, at, scalars = path.read_bytes(), 0, {}
    while at < len(data):
        length = struct.unpack("<Q", data[at:at + 8])[0]
        event = dict(fields(data[at + 12:at + 12 + length]))
        at += 16 + length
        if 5 in event:
            value = dict(fields(dict(fields(event[5]))[1]))
            scalars[value[1].decode(), event.get(2, 0)] = struct.unpack("<f", value[2])[0]
    return scalars


class Report(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="shcnn-report-"))
        cls.faces, cls.trained = cls.shared / "faces", cls.shared / "run"
        for arguments in (["data", "synth", "faces", "--out", cls.faces, "--count", "140"],
                          ["train", "--dataset", "fer2013", "--data", cls.faces, "--out", cls.trained, "--batch", "56",
                           "--augment", "center", "--epochs", "3", "--val-split", "public-test"]):
            result = shcnn(*arguments)
            assert result.code == DONE, result.err

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.shared, ignore_errors=True)

    def test_training_writes_it(self):
        text = (self.trained / "report.html").read_text(encoding="utf-8")
        page = PageParser(text)
        self.assertTrue(page.stands_alone(), page.sources)
        self.assertNotIn("http", text.lower())
        self.assertNotIn("url(", text)
        words = page.text()
        for part in ("Curves", "Beside the paper", "0.6910", "Confusion matrix", "Classes", "surprise", "Best predictions",
                     "Worst predictions", "Saliency", "Configuration", "fer2013", "Versions and timings", "an epoch"):
            self.assertIn(part, words)
        self.assertEqual(page.tags.count("svg"), 4)
        self.assertEqual(page.tags.count("img"), 14 + 1)  # every validation image, and the panels

    def test_without_data_or_pictures(self):
        run = self.folder / "run"
        shutil.copytree(self.trained, run)
        (run / "config.toml").write_text((run / "config.toml").read_text().replace(str(self.faces), str(self.folder / "gone")))
        report = self.done("report", run, "--json").json()
        self.assertEqual(report, {"schema": 1, "report": str(run / "report.html")})
        page = PageParser((run / "report.html").read_text(encoding="utf-8"))
        self.assertEqual(page.tags.count("img"), 0)
        self.assertIn("No pictures: the validation images cannot be read", page.text())
        self.done("report", run, "--data", self.faces, "--out", self.folder / "page.html")
        self.assertEqual(PageParser((self.folder / "page.html").read_text(encoding="utf-8")).tags.count("img"), 15)
        self.refused(USAGE, "--force", "report", run, "--out", self.folder / "page.html")
        self.done("report", run, "--no-pictures", "--out", self.folder / "none.html")
        self.assertEqual(PageParser((self.folder / "none.html").read_text(encoding="utf-8")).tags.count("img"), 0)
        (run / "results.json").unlink()
        self.done("report", run)
        self.assertIn("results.json is missing", PageParser((run / "report.html").read_text(encoding="utf-8")).text())

    def test_names_are_text(self):
        run = self.folder / "run"
        shutil.copytree(self.trained, run)
        results = (run / "results.json").read_text()
        (run / "results.json").write_text(results.replace('"angry"', '"<b>angry & co"'))
        self.done("report", run, "--no-pictures")
        page = PageParser((run / "report.html").read_text(encoding="utf-8"))
        self.assertIn("<b>angry & co", page.text())

    def test_refusals(self):
        self.refused(USAGE, ["holds no run", "curves.csv", "plan.json", "name the --out"], "report", self.folder)
        self.refused(USAGE, "there is no such folder", "report", self.folder / "none")
        run = self.folder / "run"
        shutil.copytree(self.trained, run)
        (run / "results.json").write_text("{")
        self.refused(BAD_DATA, ["results.json", "is no valid JSON"], "report", run)
        shutil.copy(self.trained / "results.json", run)
        (run / "curves.csv").write_text("epoch,step,loss\n1,2,many\n")
        self.refused(BAD_DATA, ["curves.csv", "line 2", "many"], "report", run)
        shutil.copy(self.trained / "curves.csv", run)
        log = next(run.glob("events*"))
        data = bytearray(log.read_bytes())
        data[20] ^= 1
        log.write_bytes(bytes(data))
        self.refused(BAD_DATA, ["events", "check sum"], "report", run)

    def test_events_hold_the_curves_of_the_csv(self):
        scalars = read_events(next(self.trained.glob("events*")))
        with open(self.trained / "curves.csv", encoding="ascii", newline="") as file:
            rows = list(csv.DictReader(file))
        seen = set()
        for row in rows:
            for name, text in row.items():
                if name in ("epoch", "step") or not text:
                    continue
                value = struct.unpack("<f", struct.pack("<f", float(text)))[0]
                self.assertEqual(scalars[name, int(row["step"])], value, name)
                seen.add((name, int(row["step"])))
        self.assertEqual(seen, set(scalars))
        self.assertGreater(len(seen), 30)


class LosoReport(ProgramTest):
    """A cross-validation on frames: three subjects, two seeds."""

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="shcnn-report-"))
        cls.clips, cls.ran = cls.shared / "clips", cls.shared / "run"
        for arguments in (["data", "synth", "clips", "--out", cls.clips, "--layout", "casme2", "--clips", "8", "--subjects",
                           "3", "--size", "40", "--frames", "4", "5"],
                          ["loso", "run", "--dataset", "casme2", "--data", cls.clips, "--out", cls.ran, "--input", "frames",
                           "--epochs", "3", "--batch", "4", "--augment", "none", "--seed", "9", "--seeds", "2", "--images", "3"]):
            result = shcnn(*arguments)
            assert result.code == DONE, result.err
        cls.results = json.loads((cls.ran / "results.json").read_text())

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.shared, ignore_errors=True)

    def copy(self, name):
        run = self.folder / name
        shutil.copytree(self.ran, run)
        return run

    def page(self, run, *more):
        self.done("report", run, *more)
        text = (run / "report.html").read_text(encoding="utf-8")
        page = PageParser(text)
        self.assertTrue(page.stands_alone(), page.sources)
        self.assertNotIn("http", text.lower())
        self.assertNotIn("url(", text)
        return page, text

    def test_whole_run(self):
        page, text = self.page(self.copy("run"))
        words = page.text()
        for part in ("casme2: 8 clips of 3 subjects", "leave one subject out", "ORACLE", "optimistic", "Beside the paper",
                     "A: frames, no pretraining", "55/246", "Confusion matrices", "Training curves", "Folds", "Clips",
                     "Best predictions", "Worst predictions", "Configuration", "Versions and times", str(self.clips)):
            self.assertIn(part, words)
        for absent in ("Incomplete", "Not merged", "not run yet", "No pictures"):
            self.assertNotIn(absent, words)
        scores = self.results["scores"]
        for selection in ("last", "inner", "oracle"):
            first = scores[selection]["majority"]
            tiles = f"{first['accuracy']:.4f} accuracy, {first['correct']}/8 {first['uf1']:.4f} UF1 {first['uar']:.4f} UAR"
            self.assertIn(tiles, words)
            over = first["over_seeds"]
            self.assertIn(f"{over['accuracy']['mean']:.4f} \u00b1 {over['accuracy']['deviation']:.4f} "
                          f"{over['uf1']['mean']:.4f} \u00b1 {over['uf1']['deviation']:.4f}", words)
            for vote in ("majority", "sum-logits", "sum-softmax"):
                one = scores[selection][vote]
                self.assertIn(f"{vote} {one['correct']}/8 {one['accuracy']:.4f} {one['uf1']:.4f} {one['uar']:.4f}", words)
        # two charts over all folds, and one for each fold of the first seed
        self.assertEqual(page.tags.count("svg"), 2 + 3)
        # had every fold stopped at its last epoch: the accuracy of 'last', over both seeds
        left_out = re.search(r"<title>left-out clips: 3, ([0-9.]+)</title>", text).group(1)
        self.assertAlmostEqual(float(left_out), scores["last"]["majority"]["over_seeds"]["accuracy"]["mean"], places=4)
        # a row for each fold with each seed: what is right there adds up
        rows = re.findall(r"<tr><td class=\"n\">\d+</td><td><span class=\"whole\">(sub0\d)</span></td>(.*?)</tr>", text)
        self.assertEqual([name for name, _ in rows], ["sub01", "sub02", "sub03"] * 2)
        cells = [[c for c in re.findall(r"<td[^>]*>(.*?)</td>", row)] for _, row in rows]  # seed, trained on, clips, right ...
        self.assertEqual(sum(int(c[2]) for c in cells[:3]), 8)
        self.assertEqual(sum(int(c[3]) for c in cells[:3]), scores["last"]["majority"]["correct"])
        self.assertEqual(sum(int(c[5]) for c in cells[:3]), scores["oracle"]["majority"]["correct"])
        # six clips of each kind at most are shown, with its first, its apex's and its last frame (two may be one)
        right = scores["last"]["majority"]["correct"]
        shown = [p["name"] for p in self.results["predictions"] if any(alt.startswith(p["name"]) for alt in page.pictures)]
        self.assertEqual(len(set(shown)), min(6, right) + min(6, 8 - right))
        for name in shown:
            self.assertIn(sum(alt.startswith(name) for alt in page.pictures), (2, 3), name)

    def test_what_is_there_of_an_unfinished_run(self):
        run = self.copy("run")
        (run / "results.json").unlink()
        self.assertIn("Not merged yet: all folds have a result", self.page(run)[0].text())
        (run / "folds" / "task-0001.json").unlink()
        page, text = self.page(run)
        words = page.text()
        self.assertIn("Incomplete: 1 of 6 folds are missing: 1 (sub02)", words)
        self.assertEqual(words.count("not run yet"), 1)
        clips = sum(p["name"].startswith("sub02/") and p["seed"] == 9 for p in self.results["predictions"])
        self.assertRegex(words, rf"accuracy, \d/{8 - clips} ")
        self.assertIn("1 of 2 seeds have all of their folds", words)
        for file in (run / "folds").glob("*.json"):
            file.unlink()
        page, text = self.page(run)
        words = page.text()
        self.assertIn("No fold has a result yet", words)
        self.assertEqual(words.count("not run yet"), 6)
        self.assertNotIn("accuracy", words)
        self.assertEqual(page.pictures, [])

    def test_clips_that_are_gone_or_others(self):
        run = self.copy("run")
        config = (run / "config.toml").read_text()
        (run / "config.toml").write_text(config.replace(str(self.clips), str(self.folder / "gone")))
        page, _ = self.page(run)
        self.assertEqual(page.pictures, [])
        self.assertIn("No pictures: the clips of the run cannot be read any more", page.text())
        self.assertIn("Worst predictions", page.text())
        self.assertGreater(len(self.page(run, "--data", self.clips)[0].pictures), 8)
        self.done("data", "synth", "clips", "--out", self.folder / "other", "--layout", "casme2", "--clips", "8", "--subjects",
                  "3", "--size", "40", "--frames", "4", "5", "--seed", "2")
        page, _ = self.page(run, "--data", self.folder / "other")
        self.assertEqual(page.pictures, [])
        self.assertIn("other clips than those of the run", page.text())
        self.assertEqual(self.page(run, "--no-pictures")[0].pictures, [])
        (run / "config.toml").unlink()
        self.assertIn("config.toml, which says where they are, is missing", self.page(run)[0].text())

    def test_names_are_text(self):
        classes = self.folder / "classes.csv"
        classes.write_text("emotion,class\nhappiness,<b>glad & co\nothers,rest\nrepression,rest\nsurprise,rest\ndisgust,rest\n")
        self.done("loso", "plan", "--dataset", "casme2", "--data", self.clips, "--out", self.folder / "run", "--classes", classes,
                  "--batch", "4")
        self.assertIn("<b>glad & co", self.page(self.folder / "run")[0].text())

    def test_refusals(self):
        run = self.copy("run")
        (run / "folds" / "task-0001.json").write_text("{")
        self.refused(BAD_DATA, ["task-0001.json", "is no valid JSON", "remove it"], "report", run)
        shutil.copy(self.ran / "folds" / "task-0002.json", run / "folds" / "task-0001.json")
        self.refused(USAGE, ["task-0002.json", "so does task-0001.json"], "report", run)
        (run / "plan.json").write_text("{}")
        self.refused(BAD_DATA, "plan.json", "report", run)
        self.assertFalse((run / "report.html").exists())


if __name__ == "__main__":
    program.main()
