"""report: one self-contained page about a run."""

import csv
import html.parser
import pathlib
import shutil
import struct
import tempfile

import program
from program import BAD_DATA, DONE, USAGE, ProgramTest, shcnn


class PageParser(html.parser.HTMLParser):
    """Text, and what a page holds: tags in balance, sources, pictures."""

    VOID = {"meta", "img", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.sources, self.tags = [], [], [], []
        self.feed(text)
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data):
        self.words.append(data)

    def text(self):
        return " ".join(" ".join(self.words).split())


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
        self.assertNotIn("script", page.tags)
        self.assertTrue(all(s.startswith("data:image/png;base64,") for s in page.sources), page.sources)
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
        self.refused(USAGE, "holds no finished epoch", "report", self.folder)
        run = self.folder / "run"
        shutil.copytree(self.trained, run)
        (run / "results.json").write_text("{")
        self.refused(BAD_DATA, ["results.json", "damaged"], "report", run)
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
                if name in ("epoch", "step"):
                    continue
                value = struct.unpack("<f", struct.pack("<f", float(text)))[0]
                self.assertEqual(scalars[name, int(row["step"])], value, name)
                seen.add((name, int(row["step"])))
        self.assertEqual(seen, set(scalars))
        self.assertGreater(len(seen), 30)


if __name__ == "__main__":
    program.main()
