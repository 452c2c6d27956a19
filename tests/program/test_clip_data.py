"""data lint of clips that arrive damaged, doubled, misnamed, or closed to the user."""

import shutil

import program
from program import BAD_DATA, DISK, DONE, ClipTest


class CodedTest(ClipTest):
    """Made clips of CASME II, with their first clip's frames and their coding file at hand."""

    def setUp(self):
        super().setUp()
        self.data = self.made("clips", "casme2", 8)
        self.sheet = next(self.data.glob("*.xlsx"))
        self.clip = sorted((self.data / "Cropped" / "sub01").iterdir())[0]
        self.frames = sorted(self.clip.iterdir(), key=lambda path: int("".join(filter(str.isdigit, path.stem))))

    def lint(self, *more, code=DONE):
        """The facts of data lint --json, which must end with `code`, and what it said on stderr."""
        result = program.shcnn("data", "lint", "--json", self.data, *more)
        self.assertEqual(result.code, code, result.err)
        return result.json()["datasets"][0], result.err

    def problems(self, facts, text):
        return [f"{p['place']}: {p['message']}; {p['mend']}" for p in facts["problems"] if text in p["message"]]


class Frames(CodedTest):
    def test_lint_decodes_every_frame_and_counts_what_cannot_be_used(self):
        facts, _ = self.lint()
        self.assertEqual(facts["decoded"], {"frames": facts["frames_in_all"], "unreadable": 0, "other_size": 0, "clips": 0})
        whole = self.frames[1].read_bytes()
        self.frames[1].write_bytes(whole[:len(whole) // 2])
        self.frames[2].write_text("this is a text, whatever its name says")
        other = self.made("other", "casme2", 6, "--size", "56")
        other_frame = next((other / "Cropped" / "sub01").rglob("*.jpg"))
        shutil.copy(other_frame, self.frames[-1])
        facts, errors = self.lint(code=BAD_DATA)
        self.assertEqual(facts["decoded"], {"frames": facts["frames_in_all"], "unreadable": 2, "other_size": 1, "clips": 1})
        named = {p["place"]: p["message"] for p in facts["problems"]}
        place = str(self.clip.relative_to(self.data / "Cropped")) + "/"
        self.assertIn("has 56 x 56 pixels, most frames of its clip 40 x 40", named[place + self.frames[-1].name])
        self.assertIn("cut short", named[place + self.frames[1].name])
        self.assertIn("is no", named[place + self.frames[2].name])
        self.assertIn(f"3 of {facts['frames_in_all']} frames in 1 clips cannot be used", errors)
        text = program.shcnn("data", "lint", self.data)
        self.assertEqual(text.code, BAD_DATA)
        self.assertIn("frames decoded: 2 cannot be read, 1 have another size", text.out)

    def test_a_copy_hides_no_missing_frame(self):
        middle = self.frames[1]
        copy = middle.with_name(middle.stem + " (1)" + middle.suffix)
        shutil.copy(middle, copy)
        facts, _ = self.lint()
        self.assertEqual(len(self.problems(facts, "named like copies")), 1)
        self.assertIn(copy.name, self.problems(facts, "named like copies")[0])
        frames = facts["frames_in_all"]
        self.refused(BAD_DATA, [copy.name, "is named like a copy"], "flow", "--out", self.folder / "flow", self.clip)
        middle.unlink()
        facts, _ = self.lint()
        self.assertEqual(facts["frames_in_all"], frames - 1)
        self.assertEqual(len(self.problems(facts, "1 frames between the first and the last are missing")), 1)

    def test_frames_of_a_format_that_is_not_read_are_named(self):
        self.frames[-1].rename(self.frames[-1].with_suffix(".xyz"))
        facts, _ = self.lint()
        self.assertIn(self.frames[-1].stem + ".xyz", "".join(self.problems(facts, "files are left out")))


class Coding(CodedTest):
    def rows(self):
        """The coding file's rows, as a csv file that takes its place."""
        coding = self.data / "CASME2-coding-20140508.csv"
        if not coding.exists():
            made = self.made("csv", "casme2", 8, "--csv")
            shutil.copy(next(made.glob("*coding*.csv")), coding)
            self.sheet.unlink()
        return coding, coding.read_text().splitlines()

    def test_lock_files_are_ignored(self):
        for name in ("~$" + self.sheet.name, "~$CASME2-coding-20990101.xlsx", ".~lock." + self.sheet.name + "#"):
            (self.data / name).write_bytes(b"\x05user" + bytes(160))
        facts, _ = self.lint()
        self.assertEqual((facts["videos"], facts["problems"]), (8, []))

    def test_two_labels_for_one_clip(self):
        coding, lines = self.rows()
        row = lines[1].split(",")
        row[-1] = "fear" if row[-1] != "fear" else "disgust"
        coding.write_text("\n".join([*lines, ",".join(row)]) + "\n")
        self.refused(BAD_DATA, ["rows 2 (", f"and {len(lines) + 1} (", "two labels"], "data", "lint", self.data)
        self.refused(BAD_DATA, "two labels", "loso", "run", "--dataset", "casme2", "--data", self.data, "--out",
                     self.folder / "run")
        self.assertFalse((self.folder / "run").exists())

    def test_labels_that_no_class_has(self):
        coding, lines = self.rows()
        labels = ["高兴", "3"]
        coding.write_text("\n".join([lines[0], *(",".join([*line.split(",")[:-1], labels[i % 2]])
                                                for i, line in enumerate(lines[1:]))]) + "\n", encoding="utf-8")
        self.refused(BAD_DATA, ["the labels found are", "'高兴' (4)", "'3' (4)", "'repression'"], "data", "lint", self.data)

    def test_a_renamed_coding_file(self):
        self.sheet.rename(self.data / "labels.xlsx")
        result = self.refused(BAD_DATA, ["Cropped/sub01/", "'labels.xlsx'", "--dataset casme2"], "data", "lint", self.data)
        self.assertNotIn("folders by class", result.err)
        facts = self.done("data", "lint", "--json", "--dataset", "casme2", self.data).json()["datasets"][0]
        self.assertEqual((facts["videos"], facts["coding_file"]), (8, "labels.xlsx"))
        (self.data / "labels.xlsx").rename(self.data / "labels.xls")
        self.refused(BAD_DATA, ["'labels.xls'", "--dataset casme2"], "data", "lint", self.data)
        self.refused(BAD_DATA, ["'labels.xls'", "save it as .xlsx"], "data", "lint", "--dataset", "casme2", self.data)

    def test_names_of_subjects_and_clips(self):
        for number in (1, 2, 3):
            (self.data / "Cropped" / f"sub0{number}").rename(self.data / "Cropped" / f"s{number}")
        self.assertEqual(self.lint()[0]["videos"], 8)
        samm = self.made("samm", "samm", 6)
        for subject in list((samm / "SAMM").iterdir()):
            for clip in list(subject.iterdir()):
                clip.rename(clip.with_name(clip.name.lstrip("0")))
            subject.rename(subject.with_name(subject.name.lstrip("0")))
        facts = self.done("data", "lint", "--json", samm).json()["datasets"][0]
        self.assertEqual(facts["videos"], 6)


class Permission(CodedTest):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        self.user = program.plain_user()

    def closed(self, path, mode, parts, *more):
        """Lint as a plain user while `path` has `mode`: one line with all parts, which names nothing that is not there."""
        before = path.stat().st_mode
        path.chmod(mode)
        try:
            result = program.shcnn("data", "lint", *more, self.data, **self.user)
        finally:
            path.chmod(before)
        self.assertEqual(len(result.err.splitlines()), 1, result.err)
        for part in parts:
            self.assertIn(part, result.err)
        return result

    def test_closed_folders_and_files_are_named(self):
        denied = "Permission denied"
        for more in ((), ("--dataset", "casme2")):
            for folder in (self.data, self.clip, self.clip.parent, self.clip.parent.parent):
                for mode in (0, 0o444):  # not listed; listed, but nothing in it may be looked at
                    result = self.closed(folder, mode, [str(folder), denied], *more)
                    self.assertEqual(result.code, DISK, result.err)
            result = self.closed(self.sheet, 0, [str(self.sheet), denied], *more)
            self.assertEqual(result.code, DISK)
        frame = self.frames[1]
        result = self.closed(frame, 0, ["1 of ", "cannot be used"])
        self.assertEqual(result.code, BAD_DATA)
        self.assertIn(frame.name, result.out)
        self.assertIn(denied, result.out)


if __name__ == "__main__":
    program.main()
