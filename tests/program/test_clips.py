"""data synth clips, data lint of clips, and loso: plan, run, merge, kills, mpirun."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import time

import program
from page import PageParser
from program import BAD_DATA, STOPPED, USAGE, ClipTest

# the static network on frames: small enough for tests; the micro network has one test of its own
FAST = ["--input", "frames", "--epochs", "2", "--batch", "4", "--augment", "none", "--threads", "1"]
LONG = ["--epochs", "8"]  # enough to be killed in the middle


def children_of(pid):
    """Process ids whose parent is `pid`."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:
                if int(file.read().rsplit(")", 1)[1].split()[1]) == pid:
                    found.append(int(entry))
        except (OSError, ValueError):
            pass
    return sorted(found)


class LosoTest(ClipTest):
    def loso(self, data, out, *more):
        return ["loso", "run", "--dataset", "clips", "--data", data, "--out", out, *FAST, *more]

    def bytes_of(self, run):
        """Every result file of a run."""
        return {name: (run / name).read_bytes() for name in self.files(run)
                if name.endswith((".json", ".csv", ".png")) and not name.startswith("images")}


class Made(LosoTest):
    def test_seeded_and_in_every_layout(self):
        for layout in ("casme", "casme2", "samm"):
            one, same, other = (self.made(layout + name, layout, 6, *more) for name, more in
                                (("one", []), ("same", ["--threads", "2"]), ("other", ["--seed", "2"])))
            self.assertEqual(self.files(one), self.files(same))
            for name in self.files(one):
                self.assertEqual((one / name).read_bytes(), (same / name).read_bytes(), name)
            self.assertNotEqual((one / "clips.png").read_bytes(), (other / "clips.png").read_bytes())
            facts = self.done("data", "lint", "--json", one).json()["datasets"][0]
            self.assertEqual((facts["dataset"], facts["videos"], facts["subjects"], facts["problems"]),
                             (layout, 6, 3, []))

    def test_lint_tells_counts_beside_the_published_ones_and_every_hole(self):
        folder = self.made("holes", "samm", 12, "--holes")
        with open(folder / "holes.csv", encoding="ascii", newline="") as file:
            holes = list(csv.DictReader(file))
        self.assertGreaterEqual(len(holes), 7)
        facts = self.done("data", "lint", "--json", folder).json()["datasets"][0]
        self.assertEqual(facts["videos"], 12)
        self.assertEqual(facts["expected_videos"], 133)
        for hole in holes:
            found = [p for p in facts["problems"] if hole["clip"] in p["place"] and hole["what"] in p["message"]]
            self.assertTrue(found, hole)
            self.assertTrue(all(p["mend"] for p in found))
        text = self.done("data", "lint", folder).out
        self.assertIn("12 videos (published: 133)", text)

    def test_bad_data_is_one_line(self):
        folder = self.made()
        sheet = folder / "CASME2-coding-20140508.xlsx"
        sheet.write_bytes(sheet.read_bytes()[:300])
        self.refused(BAD_DATA, "CASME2-coding-20140508.xlsx: the zip archive is damaged", "data", "lint", folder)
        sheet.write_bytes(b"")
        self.refused(BAD_DATA, "is empty", "data", "lint", folder)
        self.refused(USAGE, "is no class map", "data", "lint", self.made("b"), "--classes", "most")
        self.refused(BAD_DATA, "there is no such folder", *self.loso(self.folder / "none", self.folder / "run", "--dataset", "casme"))


class Loso(LosoTest):
    def test_whole_run_by_every_way_gives_the_same_bytes(self):
        data, one = self.made(), self.folder / "one"
        result = self.done(*self.loso(data, one, "--json"))
        scores = result.json()["scores"]
        self.assertEqual(list(scores), ["last", "inner", "oracle"])
        self.assertEqual(scores["last"]["videos"], 8)
        self.assertGreaterEqual(scores["oracle"]["correct"], scores["last"]["correct"])
        results = json.loads((one / "results.json").read_text())
        matrix = results["scores"]["last"]["majority"]["confusion"]
        self.assertEqual(sum(map(sum, matrix)), 8)
        self.assertEqual(sum(matrix[i][i] for i in range(5)), scores["last"]["correct"])
        expected = self.bytes_of(one)
        for needed in ("results.json", "confusion-last.csv", "confusion-last.png", "curves.csv", "curves.png",
                       "folds/task-0002.json"):
            self.assertIn(needed, expected)
        text = b"".join(v for k, v in expected.items() if not k.endswith(".png"))
        for foreign in (str(self.folder).encode(), os.uname().nodename.encode(), b"threads"):
            self.assertNotIn(foreign, text)

        jobs = self.folder / "jobs"
        self.done(*self.loso(data, jobs, "--jobs", "2"))
        self.assertEqual(self.bytes_of(jobs), expected)

        single = self.folder / "single"
        self.done("loso", "plan", "--dataset", "clips", "--data", data, "--out", single, *FAST, "--slurm")
        self.assertIn("#SBATCH --array=0-2\n", (single / "loso.sbatch").read_text())
        self.refused(USAGE, "3 of 3 folds are missing", "loso", "merge", "--out", single)
        for fold in (1, 0):
            self.done("loso", "run", "--out", single, "--fold", fold)
        self.refused(USAGE, "1 of 3 folds are missing: 2 (sub03)", "loso", "merge", "--out", single)
        self.done("loso", "run", "--out", single, "--fold", 2)
        self.done("loso", "merge", "--out", single)
        self.assertEqual(self.bytes_of(single), expected)
        self.refused(USAGE, "is none of the folds 0 to 2", "loso", "run", "--out", single, "--fold", 3)
        self.refused(USAGE, "l2 was 0.0003, is 0", "loso", "run", "--out", single, "--l2", "0")
        shutil.copy(single / "folds" / "task-0001.json", single / "folds" / "again.json")
        self.refused(USAGE, "and so does again.json", "loso", "merge", "--out", single)

    def killed_and_run_again(self, command, seed):
        """Kills the command with -9 at random moments until it ends by itself."""
        times = random.Random(seed)
        kills = 0
        while True:
            process = subprocess.Popen([program.path(), *map(str, command)], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE)
            try:
                process.communicate(timeout=times.uniform(0.05, 0.6) if kills < 6 else 300)
                self.assertEqual(process.returncode, 0)
                return kills
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1

    def test_killed_at_any_moment_it_ends_with_the_same_bytes(self):
        data, one = self.made(), self.folder / "one"
        self.done(*self.loso(data, one, *LONG))
        for seed in (1,):
            run = self.folder / f"killed{seed}"
            kills = self.killed_and_run_again(self.loso(data, run, *LONG), seed)
            print(f"killed {kills} times")
            self.assertGreater(kills, 0)
            self.assertEqual(self.bytes_of(run), self.bytes_of(one))

    def test_stopped_on_request(self):
        data, run = self.made(), self.folder / "run"
        process = subprocess.Popen([program.path(), *map(str, self.loso(data, run, "--epochs", "4000"))],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while not (run / "plan.json").exists():
            time.sleep(0.02)
        time.sleep(0.5)
        process.terminate()
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, STOPPED, errors)
        self.assertIn("go on with: shcnn loso run --out", errors.splitlines()[-1])
        self.assertEqual([f for f in self.files(run / "folds") if f.endswith(".json")], [])

    def test_composite_and_other_protocols(self):
        casme2, samm = self.made("a", "casme2", 8), self.made("b", "samm", 9)
        self.done("loso", "run", "--dataset", "composite", "--data", f"casme2={casme2}", "--data", f"samm={samm}",
                  "--out", self.folder / "cde", *FAST, "--no-inner")
        results = json.loads((self.folder / "cde" / "results.json").read_text())
        self.assertEqual(results["dataset"], "casme2+samm")
        self.assertEqual(results["labels"], ["negative", "positive", "surprise"])
        self.assertEqual(results["folds"], 6)
        self.assertEqual(list(results["scores"]), ["last", "oracle"])
        self.done(*self.loso(casme2, self.folder / "kfold", "--protocol", "kfold", "--folds", "2", "--seeds", "2"))
        results = json.loads((self.folder / "kfold" / "results.json").read_text())
        self.assertEqual(results["folds"], 2)
        self.assertEqual(results["scores"]["last"]["majority"]["over_seeds"]["seeds"], 2)

    def test_flow_images_and_the_micro_network(self):
        data, run = self.made("clips", "casme2", 6), self.folder / "run"
        self.done("loso", "run", "--dataset", "casme2", "--data", data, "--out", run, "--epochs", "1", "--batch", "4",
                  "--images", "2", "--protocol", "kfold", "--folds", "2", "--no-inner", "--keep-weights")
        for picture in ("flow.png", "confusion-last.png", "curves.png"):
            self.assertGreater((run / picture).stat().st_size, 3000, picture)
        self.assertEqual(len([f for f in self.files(run / "images") if f.endswith(".safetensors")]), 6)
        for cache in ("kept", "removed"):  # each clip: two frames and its two flow images, from the cache or made anew
            if cache == "removed":
                shutil.rmtree(run / "images")
            self.done("report", run)
            page = PageParser((run / "report.html").read_text(encoding="utf-8"))
            self.assertTrue(page.stands_alone())
            for kind, pictures in (("first frame", 6), ("flow image", 12), ("key of the colours", 1)):
                self.assertEqual(sum(kind in alt for alt in page.pictures), pictures, f"{kind}, cache {cache}")

        # a fold's network maps what it sees: a flow image, in three channels
        frames = sorted(next(data.glob("Cropped/*/*/")).iterdir())
        self.done("flow", "--out", self.folder / "flow", "--order", "resize-then-flow", frames[0], frames[-1])
        image = self.folder / "flow" / "flow-000001.png"
        maps = self.done("saliency", "--weights", run / "weights" / "task-0001.safetensors", "--out", self.folder / "maps",
                         "--json", image).json()
        self.assertEqual(maps["maps"][0]["status"], "ok")
        self.assertGreater(maps["maps"][0]["improved"]["largest"], 0)
        self.assertEqual(maps["maps"][0]["improved"]["values"], 112 * 112 * 3)


class Mpi(LosoTest):
    def setUp(self):
        super().setUp()
        if shutil.which("mpirun") is None:
            self.skipTest("there is no mpirun")
        self.environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")

    def mpirun(self, command):
        return subprocess.Popen(["mpirun", "-n", "2", "--oversubscribe", program.path(), *map(str, command)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment)

    def test_two_ranks_and_two_of_which_one_is_killed(self):
        data, one = self.made(), self.folder / "one"
        self.done(*self.loso(data, one, *LONG))
        expected = self.bytes_of(one)
        run = self.folder / "two"
        process = self.mpirun(self.loso(data, run, *LONG))
        out, errors = process.communicate(timeout=300)
        self.assertEqual(process.returncode, 0, errors)
        self.assertEqual(out.count("select"), 1, "one rank prints the table")
        self.assertEqual(self.bytes_of(run), expected)

        run = self.folder / "killed"
        process = self.mpirun(self.loso(data, run, *LONG))
        while not list((run / "folds").glob("task-*.json")):  # one fold is done, two are not
            self.assertIsNone(process.poll())
            time.sleep(0.005)
        pids = children_of(process.pid)
        self.assertTrue(pids, "mpirun has started its ranks")
        os.kill(pids[-1], signal.SIGKILL)
        process.communicate(timeout=300)
        self.assertNotEqual(process.returncode, 0)
        self.refused(USAGE, "are missing", "loso", "merge", "--out", run)
        self.done(*self.loso(data, run, *LONG))
        self.assertEqual(self.bytes_of(run), expected)
        self.refused_force()

    def refused_force(self):
        process = self.mpirun(self.loso(self.folder / "clips", self.folder / "two", "--force"))
        _, errors = process.communicate(timeout=60)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("shcnn loso plan --force first", errors)


if __name__ == "__main__":
    program.main()
