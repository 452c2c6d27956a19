"""Arguments, configuration files, help and exit codes, for verbs that need no data."""

import program
from program import DISK, USAGE, ProgramTest


class Arguments(ProgramTest):
    def test_help_begins_with_examples(self):
        for verb in [[], ["doctor"]]:
            result = self.done(*verb, "--help")
            self.assertTrue(result.out.startswith("Examples:\n  shcnn "), result.out[:200])
            self.assertEqual(result.err, "")

    def test_version(self):
        self.assertRegex(self.done("--version").out, r"^shcnn \d+\.\d+\.\d+\n$")

    def test_usage_errors(self):
        self.refused(USAGE, "--help", "no-such-verb")
        self.refused(USAGE, "--help")
        self.refused(USAGE, "--no-such-flag", "doctor", "--no-such-flag")
        self.refused(USAGE, ["--threads", "0 to 4096"], "doctor", "--threads", "-1")

    def test_full_standard_output(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            self.refused(DISK, "standard output", "doctor", stdout=full)


class ConfigFile(ProgramTest):
    def write(self, text):
        path = self.folder / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def test_round_trip(self):
        """What --print-config prints, --config reads back to the same."""
        first = self.done("doctor", "--threads", "3", "--device", 'a "strange\\name', "--print-config").out
        second = self.done("doctor", "--config", self.write(first), "--print-config").out
        self.assertEqual(first, second)
        self.assertIn("threads = 3", first)

    def test_flag_beats_config(self):
        config = self.write('threads = 3\ndevice = "simt"\n')
        text = self.done("doctor", "--config", config, "--threads", "5", "--print-config").out
        self.assertIn("threads = 5", text)
        self.assertIn('device = "simt"', text)

    def test_tables(self):
        """A table named after the verb is the verb's; tables of other verbs are not its business."""
        config = self.write("[doctor]\nthreads = 7\n[train]\nepochs = 3\n")
        self.assertIn("threads = 7", self.done("doctor", "--config", config, "--print-config").out)

    def test_errors_name_file_and_line(self):
        self.refused(USAGE, ["config.toml:2", "'epochs'"], "doctor", "--config", self.write("threads = 1\nepochs = 3\n"))
        self.refused(USAGE, ["config.toml:1", "TOML"], "doctor", "--config", self.write("threads = \n"))
        self.refused(USAGE, ["config.toml:1", "threads"], "doctor", "--config", self.write('threads = "many"\n'))
        self.refused(USAGE, ["config.toml:1"], "doctor", "--config", self.write("threads = 1979-05-27\n"))
        self.refused(USAGE, ["missing.toml", "no such file"], "doctor", "--config", self.folder / "missing.toml")


class Doctor(ProgramTest):
    def test_json(self):
        report = self.done("doctor", "--json").json()
        self.assertEqual(report["schema"], 1)
        self.assertGreaterEqual(report["cores"], 1)
        devices = {device["device"]: device for device in report["devices"]}
        self.assertEqual(set(devices), {"cpu", "simt", "cuda"})
        self.assertTrue(devices["cpu"]["usable"])
        for device in devices.values():
            self.assertTrue(device["name"] if device["usable"] else device["reason"])
        parameters = {network["variant"]: network["parameters"] for network in report["networks"]}
        self.assertEqual(parameters, {"static": 8_710_963, "micro": 37_546_953})

    def test_text(self):
        out = self.done("doctor", "--threads", "1").out
        self.assertIn("1 thread", out)


if __name__ == "__main__":
    program.main()
