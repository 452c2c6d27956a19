"""report.html as a browser shows it: in light, in dark, on paper."""

import shutil
import struct
import subprocess
import sys
import zlib

import program
from program import ProgramTest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
WIDE, HIGH = 1000, 1560


def pixels_of(path):
    """(width, height, rows of (r, g, b)) of an 8-bit RGB or RGBA PNG."""
    data = path.read_bytes()
    at, body = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        chunk = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunk)
            assert depth == 8 and colour in (2, 6) and interlace == 0
            step = 3 if colour == 2 else 4
        elif kind == b"IDAT":
            body += chunk
        at += 12 + length
    raw, rows, before = zlib.decompress(body), [], bytearray(width * step)
    for y in range(height):
        filter_type = raw[y * (width * step + 1)]
        line = bytearray(raw[y * (width * step + 1) + 1:(y + 1) * (width * step + 1)])
        if filter_type == 2:
            for i, up in enumerate(before):
                line[i] = (line[i] + up) & 255
        elif filter_type:
            for i, value in enumerate(line):
                left = line[i - step] if i >= step else 0
                up, corner = before[i], before[i - step] if i >= step else 0
                if filter_type == 1:
                    guess = left
                elif filter_type == 3:
                    guess = (left + up) // 2
                else:
                    p = left + up - corner
                    guess = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner))[2]
                line[i] = (value + guess) & 255
        before = line
        rows.append([tuple(line[x * step:x * step + 3]) for x in range(width)])
    return width, height, rows


class Screenshot(ProgramTest):
    def train(self):
        faces, run = self.folder / "faces", self.folder / "run"
        self.done("data", "synth", "faces", "--out", faces, "--count", "140")
        self.done("train", "--dataset", "fer2013", "--data", faces, "--out", run, "--batch", "56", "--augment", "center", "--epochs",
                  "2", "--val-split", "public-test")
        return run / "report.html"

    def cross_validate(self):
        clips, run = self.folder / "clips", self.folder / "loso"
        self.done("data", "synth", "clips", "--out", clips, "--layout", "casme2", "--clips", "8", "--subjects", "3", "--size", "40",
                  "--frames", "4", "5")
        self.done("loso", "run", "--dataset", "casme2", "--data", clips, "--out", run, "--input", "frames", "--epochs", "2",
                  "--batch", "4", "--augment", "none")
        self.done("report", run)
        return run / "report.html"

    def browse(self, *arguments):
        subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                        f"--user-data-dir={self.folder / 'profile'}", *arguments, self.page.as_uri()],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300, check=True)

    def test_training(self):
        self.page = self.train()
        self.light_dark_and_paper()

    def test_cross_validation(self):
        self.page = self.cross_validate()
        self.light_dark_and_paper()

    def light_dark_and_paper(self):
        backgrounds = {}
        for scheme, number in (("light", 1), ("dark", 0)):
            picture = self.folder / f"{scheme}.png"
            self.browse(f"--blink-settings=preferredColorScheme={number}", f"--window-size={WIDE},{HIGH}",
                        f"--screenshot={picture}")
            width, height, rows = pixels_of(picture)
            self.assertEqual((width, height), (WIDE, HIGH))
            backgrounds[scheme] = rows[2][2]
            # something is drawn in every part, and nothing runs out of the page to the right
            for top in range(0, HIGH, 520):
                colours = {p for row in rows[top:top + 520] for p in row[60:WIDE - 60:3]}
                self.assertGreater(len(colours), 20, f"{scheme}, from line {top}")
            self.assertEqual({row[WIDE - 3] for row in rows}, {rows[2][2]}, scheme)
        self.assertEqual(backgrounds["light"], (255, 255, 255))
        self.assertLess(max(backgrounds["dark"]), 60)
        paper = self.folder / "page.pdf"
        self.browse(f"--print-to-pdf={paper}")
        self.assertTrue(paper.read_bytes().startswith(b"%PDF"))


if __name__ == "__main__":
    if not BROWSER:
        print("skipped: there is no chromium (tools/setup test installs it)")
        sys.exit(program.SKIP)
    program.main()
