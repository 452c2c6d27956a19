"""JSON in files that asks for much more memory than the files have bytes: refused at once, in one line."""

import json
import os
import struct
import subprocess

import program
from program import BAD_DATA, BAD_MODEL, ProgramTest

BRACKETS = "[" * (15 << 20)
MOST_MEBIBYTES = 512  # of memory; parsing BRACKETS takes more than 1,200


def run_measured(arguments):
    """Exit code, stderr and peak memory in MiB of one call of the program."""
    process = subprocess.Popen([program.path(), *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    err = process.stderr.read()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, err, usage.ru_maxrss // 1024


class JsonLimits(ProgramTest):
    def refused_small(self, code, parts, *arguments):
        got, err, mebibytes = run_measured(arguments)
        self.assertLess(mebibytes, MOST_MEBIBYTES, err[:500])
        self.assertEqual(got, code, err[:500])
        self.assertEqual(len(err.splitlines()), 1, err[:500])
        for part in parts:
            self.assertIn(part, err)

    def safetensors(self, metadata, tail=""):
        path = self.folder / "weights.safetensors"
        header = json.dumps({"__metadata__": metadata}).encode()[:-1] + tail.encode() + b"}"
        path.write_bytes(struct.pack("<Q", len(header)) + header)
        return path

    def test_metadata_of_weights(self):
        known = {"format": "shcnn-weights-1", "variant": "static", "pool": "max", "augment": "ten", "recipe": "fer2013",
                 "dataset": "fer2013", "slope": "0.02", "input_scale": "1", "epoch": "1", "class_names": '["a","b"]'}
        for key, limit in (("class_names", "longer than"), ("slope", "longer than")):
            weights = self.safetensors(known | {key: BRACKETS})
            self.refused_small(BAD_MODEL, [f"metadata '{key}', byte ", limit], "predict", "--weights", weights, weights)
        weights = self.safetensors(known | {"class_names": "[" * 1000})
        self.refused_small(BAD_MODEL, ["metadata 'class_names', byte 16: is nested more than 16 deep"], "predict", "--weights", weights,
                           weights)

    def test_header_of_weights(self):
        weights = self.safetensors({}, ',"x":' + BRACKETS)
        self.refused_small(BAD_MODEL, ["header, byte ", "is nested more than 16 deep"], "predict", "--weights", weights, weights)

    def test_results_of_a_run(self):
        (self.folder / "curves.csv").write_text("epoch,step\n1,1\n")
        (self.folder / "results.json").write_text(BRACKETS)
        self.refused_small(BAD_DATA, ["results.json: byte 16: is nested more than 16 deep"], "report", self.folder)

    def test_plan_of_loso(self):
        (self.folder / "plan.json").write_text(BRACKETS)
        self.refused_small(BAD_DATA, ["plan.json: byte 16: is nested more than 16 deep"], "loso", "merge", "--out", self.folder)


if __name__ == "__main__":
    program.main()
