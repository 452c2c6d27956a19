"""shcnn flow: two frames, folders and videos to .flo, .npy, pictures and numbers; and clips that cannot be used."""

import math
import os
import re
import struct
import subprocess
import zlib

import program
from program import BAD_DATA, DEVICE, DISK, USAGE, ProgramTest

W, H = 64, 48
QUICK = ["--warps", "1", "--scales", "2", "--outer-iterations", "2"]


def texture(dx, dy, width=W, height=H):
    """Gray bytes of a wavy texture that has moved by (dx, dy)."""
    def at(x, y):
        return 127 + 40 * math.sin(0.30 * x + 0.11 * y) + 35 * math.sin(0.13 * x - 0.24 * y + 1) + 20 * math.sin(0.41 * y)
    return bytes(max(0, min(255, round(at(x - dx, y - dy)))) for y in range(height) for x in range(width))


def write_png(path, gray, width=W, height=H):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + gray[y * width:(y + 1) * width] for y in range(height))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def read_png(path):
    """(width, height, rows of RGB bytes); for the pictures that the program writes: 8-bit RGB, not interlaced."""
    data, at, header, body = path.read_bytes(), 8, None, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        content = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", content)
        if kind == b"IDAT":
            body += content
        at += 12 + length
    width, height = header[:2]
    assert header[2:5] == (8, 2, 0), header
    raw, stride, rows, above = zlib.decompress(body), 3 * width, [], bytearray(3 * width)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            left, up, corner = (row[i - 3] if i >= 3 else 0), above[i], (above[i - 3] if i >= 3 else 0)
            if kind == 1:
                add = left
            elif kind == 2:
                add = up
            elif kind == 3:
                add = (left + up) // 2
            elif kind == 4:
                guess = left + up - corner
                add = min((left, up, corner), key=lambda v, g=guess: abs(g - v))
            else:
                add = 0
            row[i] = (row[i] + add) & 255
        rows.append(bytes(row))
        above = row
    return width, height, rows


def write_video(path, count, width=W, height=H):
    """An AVI of uncompressed gray-coloured frames that move by half a pixel a frame and back."""
    def chunk(kind, data):
        return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    def listed(kind, data):
        return chunk(b"LIST", kind + data)
    size = 3 * width * height
    header = struct.pack("<14I", 40000, size * 25, 0, 16, count, 0, 1, size, width, height, 0, 0, 0, 0)
    stream = b"vidsDIB " + struct.pack("<10I4H", 0, 0, 0, 1, 25, 0, count, size, 0, 0, 0, 0, width, height)
    shape = struct.pack("<IiiHHIIiiII", 40, width, -height, 1, 24, 0, size, 0, 0, 0, 0)
    moved = [texture(0.5 * i, 0.2 * i, width, height) for i in range(8)]
    frames = b"".join(chunk(b"00db", bytes(v for v in moved[min(i % 14, 14 - i % 14)] for _ in range(3)))
                      for i in range(count))
    path.write_bytes(chunk(b"RIFF", b"AVI " + listed(b"hdrl", chunk(b"avih", header) +
                                                     listed(b"strl", chunk(b"strh", stream) + chunk(b"strf", shape))) +
                           listed(b"movi", frames)))


def read_flo(path):
    data = path.read_bytes()
    tag, width, height = struct.unpack("<4sii", data[:12])
    assert tag == b"PIEH"
    return width, height, struct.unpack(f"<{2 * width * height}f", data[12:])


class FlowTest(ProgramTest):
    def pair(self, dx=1.5, dy=-0.75):
        first, later = self.folder / "first.png", self.folder / "later.png"
        write_png(first, texture(0, 0))
        write_png(later, texture(dx, dy))
        return first, later

    def clip(self, count=6, name="clip"):
        """Frames 8 .. 8 + count - 1, so that names and numbers sort differently."""
        folder = self.folder / name
        folder.mkdir()
        for i in range(count):
            write_png(folder / f"image{8 + i}.png", texture(0.5 * i, 0.25 * i))
        return folder

    def mean_flow(self, path):
        width, height, values = read_flo(path)
        inside = [(values[2 * (y * width + x)], values[2 * (y * width + x) + 1])
                  for y in range(8, height - 8) for x in range(8, width - 8)]
        return [sum(v[i] for v in inside) / len(inside) for i in (0, 1)]


class Pair(FlowTest):
    def test_known_movement(self):
        first, later = self.pair()
        out = self.folder / "out"
        text = self.done("flow", "--out", out, first, later).out
        self.assertIn("overview.png", text)
        self.assertEqual(self.files(out), ["flow-000001.flo", "flow-000001.png", "magnitudes.csv", "overview.png"])
        u1, u2 = self.mean_flow(out / "flow-000001.flo")
        self.assertAlmostEqual(u1, 1.5, delta=0.1)
        self.assertAlmostEqual(u2, -0.75, delta=0.1)

    def test_json_and_formats(self):
        first, later = self.pair()
        out = self.folder / "out"
        report = self.done("flow", "--out", out, "--format", "both", "--no-images", "--json", first, later).json()
        self.assertEqual((report["schema"], report["pairs"], report["width"], report["height"]), (1, 1, W, H))
        self.assertGreater(report["iterations"], 0)
        self.assertEqual(self.files(out), ["flow-000001.flo", "flow-000001.npy", "magnitudes.csv", "overview.png"])
        _, _, values = read_flo(out / "flow-000001.flo")
        lengths = [math.hypot(values[i], values[i + 1]) for i in range(0, len(values), 2)]
        self.assertAlmostEqual(report["mean_px"], sum(lengths) / len(lengths), places=5)
        self.assertAlmostEqual(report["max_px"], max(lengths), places=5)
        npy = (out / "flow-000001.npy").read_bytes()
        self.assertIn(f"'<f4', 'fortran_order': False, 'shape': ({H}, {W}, 2)".encode(), npy[:128])
        self.assertEqual(npy[-8 * W * H:], (out / "flow-000001.flo").read_bytes()[12:])
        header, row = (out / "magnitudes.csv").read_text(encoding="ascii").splitlines()
        self.assertEqual(header.split(",")[:2], ["frame", "mean_px"])
        self.assertAlmostEqual(float(row.split(",")[1]), report["mean_px"], places=5)

    def test_truth_and_initial(self):
        first, later = self.pair()
        out, again = self.folder / "out", self.folder / "again"
        self.done("flow", "--out", out, "--format", "both", first, later)
        for truth in ("flow-000001.flo", "flow-000001.npy"):
            report = self.done("flow", "--out", again, "--force", "--json", "--truth", out / truth, first, later).json()
            self.assertEqual(report["endpoint_error_px"], 0)
        # one warp from the solution stays near it, one from nothing on one level does not get there
        near = ["--scales", "1", "--warps", "1", "--outer-iterations", "1", "--truth", out / "flow-000001.flo", "--json"]
        kept = self.done("flow", "--out", again, "--force", *near, "--initial", out / "flow-000001.flo", first, later)
        lost = self.done("flow", "--out", again, "--force", *near, first, later)
        self.assertLess(kept.json()["endpoint_error_px"], 0.5 * lost.json()["endpoint_error_px"])
        self.refused(USAGE, "use_initial_flow", "flow", "--out", self.folder / "x", "--order", "resize-then-flow",
                     "--initial", out / "flow-000001.flo", first, later)
        small = self.folder / "small.flo"
        small.write_bytes(struct.pack("<4sii2f", b"PIEH", 1, 1, 0, 0))
        self.refused(BAD_DATA, ["small.flo", "1 x 1"], "flow", "--out", self.folder / "x", "--truth", small, first, later)
        small.write_bytes(b"PIEH")
        self.refused(BAD_DATA, ["small.flo", "4 bytes"], "flow", "--out", self.folder / "x", "--truth", small, first, later)
        self.assertFalse((self.folder / "x").exists())

    def test_identical_frames_are_black(self):
        first, _ = self.pair()
        for order in ("as-is", "resize-then-flow", "flow-then-resize"):
            out = self.folder / order
            report = self.done("flow", "--out", out, "--order", order, "--side", "40", "--json", first, first).json()
            self.assertEqual((report["mean_px"], report["max_px"]), (0, 0))
            width, height, rows = read_png(out / "flow-000001.png")
            self.assertEqual((width, height), (W, H) if order == "as-is" else (40, 40))
            self.assertEqual(set(b"".join(rows)), {0})

    def test_parameters_reach_the_solver(self):
        first, later = self.pair()
        def flow(*more):
            self.done("flow", "--out", self.folder / "out", "--force", *QUICK, *more, first, later)
            return (self.folder / "out" / "flow-000001.flo").read_bytes()
        default = flow()
        for more in (["--tau", "0.2"], ["--lambda", "0.05"], ["--theta", "0.4"], ["--gamma", "0.2"], ["--scales", "1"],
                     ["--warps", "2"], ["--epsilon", "0.2"], ["--inner-iterations", "5"], ["--outer-iterations", "1"],
                     ["--scale-step", "0.5"], ["--median", "3"], ["--fixed-iterations"]):
            self.assertNotEqual(flow(*more), default, more)
        self.assertEqual(flow(), default)

    def test_colours(self):
        first, later = self.pair()
        def picture(*more):
            self.done("flow", "--out", self.folder / "out", "--force", *QUICK, *more, first, later)
            return (self.folder / "out" / "flow-000001.png").read_bytes()
        self.assertEqual(len({picture(), picture("--colors", "hsi"), picture("--full-scale", "5")}), 3)


class Clip(FlowTest):
    def test_folder_in_counting_order(self):
        out = self.folder / "out"
        report = self.done("flow", "--out", out, "--json", self.clip()).json()
        self.assertEqual(report["pairs"], 5)
        means = report["frames"]["mean_px"]
        self.assertEqual(means, sorted(means))  # the texture moves on and on: image9 comes before image10
        self.assertEqual(report["strongest_frame"], 5)
        self.assertEqual(len([f for f in self.files(out) if re.fullmatch(r"flow-00000[1-5]\.(flo|png)", f)]), 10)
        u1, _ = self.mean_flow(out / "flow-000002.flo")
        self.assertAlmostEqual(u1, 1.0, delta=0.1)

    def test_as_the_network_sees_them(self):
        out = self.folder / "out"
        report = self.done("flow", "--out", out, "--order", "resize-then-flow", "--json", *QUICK, self.clip(3)).json()
        self.assertEqual((report["width"], report["height"]), (112, 112))
        self.assertEqual(read_png(out / "flow-000001.png")[:2], (112, 112))

    def test_threads_and_batches_leave_every_byte(self):
        clip, outs = self.clip(12), []
        for threads in ("1", "2", "3"):
            out = self.folder / threads
            self.done("flow", "--out", out, "--threads", threads, *QUICK, clip)
            outs.append({name: (out / name).read_bytes() for name in self.files(out)})
        self.assertEqual(outs[0], outs[1])
        self.assertEqual(outs[0], outs[2])

    def test_named_frames_are_a_clip(self):
        clip = self.clip(4)
        names = [clip / f"image{i}.png" for i in (8, 9, 11)]  # a hole is no matter where frames are named
        self.assertEqual(self.done("flow", "--out", self.folder / "out", "--json", *QUICK, *names).json()["pairs"], 2)

    def test_video(self):
        video, out = self.folder / "clip.avi", self.folder / "out"
        write_video(video, 8)
        report = self.done("flow", "--out", out, "--json", video).json()
        self.assertEqual(report["pairs"], 7)
        u1, u2 = self.mean_flow(out / "flow-000003.flo")
        self.assertAlmostEqual(u1, 1.5, delta=0.1)
        self.assertAlmostEqual(u2, 0.6, delta=0.1)

    def test_memory_does_not_grow_with_length(self):
        """Peak memory of a long video within 10 % of a short one's."""
        peaks = []
        for count in (30, 400):
            video = self.folder / f"{count}.avi"
            write_video(video, count, 32, 32)
            with subprocess.Popen([program.path(), "flow", "--out", str(self.folder / f"out{count}"), "--no-images",
                                   "--format", "none", "--scales", "1", "--warps", "1", "--outer-iterations", "1",
                                   "--threads", "1", str(video)], stdout=subprocess.DEVNULL) as process:
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            peaks.append(usage.ru_maxrss)
        self.assertLess(peaks[1], 1.1 * peaks[0], peaks)

    def test_force_leaves_no_earlier_results(self):
        out, clip = self.folder / "out", self.clip()
        self.done("flow", "--out", out, *QUICK, clip)
        (out / "notes.txt").write_text("mine", encoding="ascii")
        first, later = self.pair()
        self.refused(USAGE, [str(out), "--force"], "flow", "--out", out, *QUICK, first, later)
        self.assertEqual(len(self.files(out)), 13)
        self.done("flow", "--out", out, "--force", *QUICK, first, later)
        self.assertEqual(self.files(out),
                         ["flow-000001.flo", "flow-000001.png", "magnitudes.csv", "notes.txt", "overview.png"])


class BadInput(FlowTest):
    def bad(self, message, *inputs):
        """Refused with one line, and nothing written."""
        self.refused(BAD_DATA, message, "flow", "--out", self.folder / "out", *inputs)
        self.assertFalse((self.folder / "out").exists())

    def test_frames(self):
        first, later = self.pair()
        self.bad(["none.png", "no such file"], first, self.folder / "none.png")
        self.bad("none: does not exist", self.folder / "none")
        write_png(later, texture(0, 0, W, H + 1), W, H + 1)
        self.bad(["later.png", f"{W} x {H + 1}", f"{W} x {H}"], first, later)
        later.write_bytes(first.read_bytes()[:-20])
        self.bad(["later.png", "cut short"], first, later)
        later.write_bytes(b"")
        self.bad(["later.png", "empty"], first, later)
        later.write_text("a letter", encoding="ascii")
        self.bad(["later.png", "no PNG"], first, later)

    def test_folders(self):
        clip = self.clip()
        (clip / "image10.png").unlink()
        self.bad(["image10.png", "missing between image9.png and image11.png"], clip)
        write_png(clip / "image10.png", texture(0, 0, 20, 20), 20, 20)
        self.bad(["image10.png", "20 x 20"], clip)
        empty = self.folder / "empty"
        empty.mkdir()
        self.bad(["empty", "no image"], empty)
        write_png(empty / "one.png", texture(0, 0))
        self.bad(["empty", "one frame"], empty)

    def test_videos(self):
        video = self.folder / "clip.avi"
        video.write_bytes(b"RIFF and then nothing")
        self.bad(["clip.avi", "cannot be read as a video"], video)

    def test_usage(self):
        first, later = self.pair()
        out = self.folder / "out"
        self.refused(USAGE, "--out", "flow", first, later)
        self.refused(USAGE, "two images", "flow", "--out", out)
        self.refused(USAGE, ["first.png", "one image"], "flow", "--out", out, first)
        for flag, value, said in (("--tau", "0", "tau"), ("--median", "4", "median"), ("--scale-step", "1", "scale_step"),
                                  ("--epsilon", "nan", "epsilon"), ("--order", "sideways", "as-is"),
                                  ("--colors", "pink", "hsv"), ("--format", "tiff", "npy"), ("--side", "0", "side"),
                                  ("--full-scale", "-1", "full_scale"), ("--device", "tpu", "tpu")):
            self.refused(USAGE, said, "flow", "--out", out, "--order", "flow-then-resize", flag, value, first, later)
        self.assertFalse(out.exists())

    def test_absent_device(self):
        first, later = self.pair()
        self.refused(DEVICE, "cuda", "flow", "--out", self.folder / "out", "--device", "cuda:63", first, later)
        self.assertFalse((self.folder / "out").exists())

    def test_full_disk(self):
        import resource
        first, later = self.pair()

        def small_files_only():
            resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))

        self.refused(DISK, "flow-000001.flo", "flow", "--out", self.folder / "out", *QUICK, first, later,
                     preexec_fn=small_files_only)
        self.assertEqual(self.files(self.folder / "out"), [])


if __name__ == "__main__":
    program.main()
