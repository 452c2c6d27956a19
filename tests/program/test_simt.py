"""Training with the CUDA kernels on a machine without a GPU, as a user runs it: --device simt."""

import csv
import shutil

import program
from program import ProgramTest


class Simt(ProgramTest):
    def test_learns(self):
        """Two kinds of made faces, some 320 of them, twice. A kernel that is wrong anywhere leaves the network at chance."""
        whole, faces, out = (self.folder / name for name in ("whole", "faces", "run"))
        self.done("data", "synth", "faces", "--out", whole, "--count", "1400")
        self.done("data", "convert", "--from", whole / "fer2013.csv", "--to", self.folder / "folders")
        for split in ("Training", "PublicTest"):
            for kind in ("happy", "surprise"):
                shutil.copytree(self.folder / "folders" / split / kind, faces / split / kind)
        self.done("train", "--device", "simt", "--dataset", "faces", "--data", faces, "--out", out, "--recipe", "code",
                  "--dropout", "0", "--augment", "none", "--batch", "16", "--epochs", "2", "--input-scale", "0.02",
                  "--val-split", "public-test")
        with open(out / "curves.csv", encoding="ascii", newline="") as file:
            first, *_, last = csv.DictReader(file)
        self.assertLess(float(last["cross_entropy"]), 0.3 * float(first["cross_entropy"]))
        self.assertGreater(float(last["training_accuracy"]), 0.6)
        # what the kernels trained, the CPU reads and uses
        score = self.done("eval", "--weights", out / "weights-last.safetensors", "--dataset", "faces", "--data", faces,
                          "--split", "public-test", "--json").json()
        self.assertGreater(score["accuracy"], 0.65)


if __name__ == "__main__":
    program.main()
