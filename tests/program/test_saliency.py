"""saliency, attack and reproduce from end to end on a little made data."""

import pathlib
import shutil
import struct
import tempfile
import unittest

import program
from program import BAD_DATA, BAD_MODEL, DONE, USAGE, ProgramTest, shcnn

CLASSES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def read_npy(path):
    """(shape, type, values) of a .npy file, by its published layout."""
    data = path.read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + length].decode("latin1"), {"__builtins__": {}}, {})  # a literal dict of our own test
    assert (10 + length) % 64 == 0 and data[9 + length:10 + length] == b"\n"
    assert header["fortran_order"] is False
    kind = {"<f4": "f", "<f8": "d"}[header["descr"]]
    count = 1
    for extent in header["shape"]:
        count *= extent
    return header["shape"], kind, struct.unpack(f"<{count}{kind}", data[10 + length:])


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


class SaliencyTest(ProgramTest):
    """All tests share made faces and weights of a few steps."""

    @classmethod
    def setUpClass(cls):
        if "shared" not in vars(SaliencyTest):  # once for all classes of a file
            SaliencyTest.make_shared()

    @classmethod
    def make_shared(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="shcnn-saliency-"))
        unittest.addModuleCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.faces, cls.pictures = cls.shared / "faces", cls.shared / "pictures"
        cls.weights = cls.shared / "run" / "weights.safetensors"
        for arguments in (["data", "synth", "faces", "--out", cls.faces, "--count", "140"],
                          ["data", "convert", "--from", cls.faces / "fer2013.csv", "--to", cls.pictures, "--split", "private-test"],
                          ["train", "--dataset", "fer2013", "--data", cls.faces, "--out", cls.shared / "run", "--batch", "56",
                           "--augment", "center", "--epochs", "3", "--val-split", "public-test"]):
            result = shcnn(*arguments)
            assert result.code == DONE, result.err
        cls.images = sorted(cls.pictures.rglob("*.png"))[:3]


class Saliency(SaliencyTest):
    def test_panel_maps_and_numbers(self):
        out = self.folder / "maps"
        report = self.done("saliency", "--weights", self.weights, "--out", out, "--json", *self.images).json()
        self.assertEqual((report["schema"], report["images"], report["precision"]), (1, 3, "float32"))
        self.assertEqual(len(report["maps"]), 3)
        self.assertEqual(len(self.files(out)), 12)
        for image, one in zip(self.images, report["maps"]):
            self.assertEqual(one["input"], str(image))
            self.assertEqual(one["label"], max(one["scores"], key=one["scores"].get))
            self.assertEqual((one["map_of"], one["status"]), (one["label"], "ok"))
            for scores in (one["scores"], one["improved_scores"]):
                self.assertEqual(list(scores), CLASSES)
                self.assertAlmostEqual(sum(scores.values()), 1, places=5)
            self.assertGreater(png_size(pathlib.Path(one["files"]["panel"]))[0], 1000)
            self.assertEqual(png_size(pathlib.Path(one["files"]["overlay"])), (384, 384))
            for kind in ("original", "improved"):
                shape, dtype, values = read_npy(pathlib.Path(one["files"][kind]))
                self.assertEqual((shape, dtype), ((1, 48, 48), "f"))
                self.assertEqual(max(map(abs, values)), one[kind]["largest"])
                self.assertEqual(sum(v == 0 for v in values), one[kind]["zeros"])
            self.assertGreater(one["improved"]["largest"], 1e-8)
        self.assertEqual(report["improved"]["largest_below_1e-8"], 0)

    def test_float64_agrees(self):
        largest = {}
        for precision in ("float32", "float64"):
            report = self.done("saliency", "--weights", self.weights, "--precision", precision, "--json", self.images[0]).json()
            largest[precision] = report["maps"][0]["improved"]["largest"]
        self.assertAlmostEqual(largest["float32"] / largest["float64"], 1, places=3)

    def test_a_class_that_is_asked_for(self):
        report = self.done("saliency", "--weights", self.weights, "--class", "sad", "--json", *self.images).json()
        self.assertEqual({one["map_of"] for one in report["maps"]}, {"sad"})
        self.refused(USAGE, ["--class", "'glad'", "angry"], "saliency", "--weights", self.weights, "--class", "glad",
                     self.images[0])

    def test_a_data_set(self):
        common = ("--weights", self.weights, "--dataset", "fer2013", "--data", self.faces, "--quiet")
        report = self.done("saliency", *common, "--split", "private-test", "--limit", "5", "--json").json()
        self.assertEqual(report["images"], 5)
        out = self.folder / "maps"
        text = self.done("saliency", *common, "--pictures", "2", "--out", out).out
        self.assertIn("of 14 maps", text)
        self.assertEqual(len(self.files(out)), 8)

    def test_refusals(self):
        self.refused(USAGE, "--weights", "saliency", self.images[0])
        self.refused(USAGE, "needs images, or a data set", "saliency", "--weights", self.weights)
        self.refused(USAGE, "needs images, or a data set", "saliency", "--weights", self.weights, "--dataset", "fer2013",
                     "--data", self.faces, self.images[0])
        self.refused(USAGE, "float16", "saliency", "--weights", self.weights, "--precision", "float16", self.images[0])
        self.refused(USAGE, "cpu alone", "saliency", "--weights", self.weights, "--precision", "float64", "--device", "simt",
                     self.images[0])
        self.refused(BAD_DATA, "does not exist", "saliency", "--weights", self.weights, self.folder / "none.png")
        bad = self.folder / "bad.safetensors"
        bad.write_bytes(b"not weights")
        self.refused(BAD_MODEL, "bad.safetensors", "saliency", "--weights", bad, self.images[0])
        full = self.folder / "full"
        full.mkdir()
        (full / "file").write_text("here first")
        self.refused(USAGE, "--force", "saliency", "--weights", self.weights, "--out", full, self.images[0])
        self.assertEqual(self.files(full), ["file"])


class Attack(SaliencyTest):
    def test_counts_and_pictures(self):
        out = self.folder / "attack"
        report = self.done("attack", "--weights", self.weights, "--dataset", "fer2013", "--data", self.faces, "--split",
                           "private-test", "--out", out, "--json").json()
        self.assertEqual((report["images"], report["step"], report["pixels"], report["with_truth"]), (14, 20, "improved", 14))
        self.assertEqual(report["changed"], sum(a["before"] != a["after"] for a in report["attacks"]))
        self.assertEqual(report["control_changed"], sum(a["before"] != a["control"] for a in report["attacks"]))
        self.assertGreater(report["pixel_share"], 0.2)
        self.assertLess(report["pixel_share"], 0.8)
        attacked = [f for f in self.files(out) if f.endswith("-attacked.png")]
        self.assertEqual([png_size(out / f) for f in attacked], [(48, 48)] * len(attacked))
        again = self.done("attack", "--weights", self.weights, "--dataset", "fer2013", "--data", self.faces, "--split",
                          "private-test", "--json", "--threads", "1").json()
        self.assertEqual(again, report)

    def test_step_0_changes_nothing_and_a_share_takes_fewer_pixels(self):
        common = ("attack", "--weights", self.weights, "--json", *self.images)
        nothing = self.done(*common, "--step", "0").json()
        self.assertEqual((nothing["changed"], nothing["control_changed"]), (0, 0))
        self.assertNotIn("with_truth", nothing)
        whole = self.done(*common, "--pixels", "improved-positive").json()
        tenth = self.done(*common, "--pixels", "improved-positive", "--share", "0.1").json()
        self.assertAlmostEqual(tenth["pixel_share"] / whole["pixel_share"], 0.1, places=2)
        self.refused(USAGE, "'all'", *common, "--pixels", "all")


class Reproduce(SaliencyTest):
    def test_table1(self):
        report = self.done("reproduce", "table1", "--json").json()
        for row, after in zip(report["rows"], report["rows"][1:]):
            for ours, later in zip(row["cases"], after["cases"]):
                self.assertLess(abs(later), abs(ours))
        self.assertLess(max(map(abs, report["rows"][-1]["cases"])), 1e-40)
        self.assertGreater(report["rows"][-1]["improved"], 1e-3)
        self.assertIn("case 4", self.done("reproduce", "table1").out)

    def test_table2_prints_the_papers_digits(self):
        report = self.done("reproduce", "table2", "--json").json()
        self.assertEqual((report["entries"], report["equal"]), (60, 59))
        for example in report["examples"]:
            for key in ("s", "v", "ds", "dv"):
                for ours, paper in zip(example[key]["printed"], example[key]["paper"]):
                    if paper != "0":  # S_3 (1 - S_3) of the second example, which the paper rounds to 0
                        self.assertEqual(ours, paper)
        self.assertIn("59 of 60", self.done("reproduce", "table2").out)

    def test_figures(self):
        for figure in ("fig13", "fig14"):
            out = self.folder / figure
            report = self.done("reproduce", figure, "--weights", self.weights, "--out", out, "--dataset", "fer2013", "--data",
                               self.faces, "--split", "private-test", "--json").json()
            self.assertEqual(report["schema"], 1)
            if report["picture"]:
                self.assertGreater(png_size(pathlib.Path(report["picture"]))[0], 700)
            else:
                self.assertEqual(report["changed"], 0)
        self.assertEqual(len(self.done("reproduce", "fig13", "--weights", self.weights, "--out", self.folder / "own", "--json",
                                       *self.images).json()["examples"]), 3)
        self.refused(USAGE, "--out", "reproduce", "fig13", "--weights", self.weights)


if __name__ == "__main__":
    program.main()
