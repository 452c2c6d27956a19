"""Runs every command that README.md shows, in the order shown, on made data in the formats it speaks of.

The names of data in README.md are created in an empty folder: fer2013.csv, ferplus/, DIR/, face.png, party.jpg, CASME2/,
onset.png, apex.png. Training commands get a few steps of a small batch instead of a recipe's epochs. The C++ example is compiled by CMake
(SHCNN_README_EXAMPLE) and run beside the weights of such a training.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess

import program
from program import ProgramTest, shcnn

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SMALL = {"train": ["--batch", "40", "--steps", "3"],
         "loso": ["--batch", "2", "--epochs", "1", "--images", "1", "--no-inner"]}


def commands():
    for block in re.findall(r"```sh\n(.*?)```", README, re.S):
        for line in block.splitlines():
            if line.strip():
                yield shlex.split(line, comments=True)


class Readme(ProgramTest):
    def make_data(self):
        self.done("data", "synth", "faces", "--out", "ferplus", "--count", "140", cwd=self.folder)
        shutil.copy(self.folder / "ferplus/fer2013.csv", self.folder)
        self.done("data", "convert", "--from", "fer2013.csv", "--to", "DIR", cwd=self.folder)
        picture = sorted((self.folder / "DIR").rglob("*.png"))[0]
        for name in ("face.png", "party.jpg", "onset.png", "apex.png"):  # the content tells the format
            shutil.copy(picture, self.folder / name)
        self.done("data", "synth", "clips", "--out", "CASME2", "--layout", "casme2", "--subjects", "3", "--clips", "12",
                  "--frames", "4", "5", cwd=self.folder)

    def test_commands(self):
        self.make_data()
        ran = 0
        for command in commands():
            self.assertEqual(command[0], "shcnn", command)
            arguments = command[1:]
            arguments += SMALL.get(arguments[0], [])
            result = shcnn(*arguments, cwd=self.folder)
            if "opencv-data" in result.err:
                continue  # --detect on a machine without the face cascade
            self.assertEqual(result.code, program.DONE, f"{command}: {result.err}")
            ran += 1
        self.assertGreaterEqual(ran, 10)
        resume = re.search(r"`shcnn (train [^`]*--resume)`", README).group(1).split()
        self.done(*resume, cwd=self.folder)

        shutil.copy(self.folder / "runs/own/weights.safetensors", self.folder)
        example = subprocess.run([os.environ["SHCNN_README_EXAMPLE"]], cwd=self.folder, capture_output=True, text=True, check=True)
        self.assertIn(example.stdout.strip(), ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"])

    def test_files(self):
        """What README.md links to and the scripts it names are there."""
        for path in re.findall(r"\]\(([^)]+)\)", README) + ["tools/demo", "tools/test"]:
            self.assertTrue((ROOT / path).exists(), path)
        for script in ("tools/demo", "tools/test"):
            self.assertTrue(os.access(ROOT / script, os.X_OK), script)


if __name__ == "__main__":
    program.main()
