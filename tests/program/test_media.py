"""Images and videos as users have them: what is loaded for them, what is missing from them, and what must not block."""

import os
import resource
import struct

import program
from program import BAD_DATA, DONE, USAGE, shcnn
from test_flow import QUICK, texture, write_png, write_video
from test_train import TrainTest

CODECS = ("libavcodec", "libavformat", "libgdal", "libgstreamer", "libtiff", "libwebp", "opencv_imgcodecs", "opencv_videoio",
          "opencv_objdetect")


def write_bmp(path, pixels, width=8, height=8, compression=0):
    """An 8-bit bitmap with a gray palette; `pixels` may be anything."""
    palette = b"".join(bytes((v, v, v, 0)) for v in range(256))
    at = 14 + 40 + len(palette)
    path.write_bytes(struct.pack("<2sIII", b"BM", 54, 0, at) +
                     struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, 0, 0, 0, 0, 0) + palette + pixels)


class Media(TrainTest):
    def predict(self, *arguments, **options):
        return shcnn("predict", "--weights", self.weights, *arguments, **options)

    def loaded(self, *arguments):
        """Names of the shared libraries that a call of the program loads, from first to last."""
        log = self.folder / "log"
        log.mkdir(exist_ok=True)
        environment = dict(os.environ, LD_DEBUG="files", LD_DEBUG_OUTPUT=str(log / "libraries"))
        self.done(*arguments, env=environment)
        lines = "".join(path.read_text(encoding="utf-8", errors="replace") for path in log.iterdir())
        for path in log.iterdir():
            path.unlink()
        return {os.path.basename(line.split("calling init: ")[1]) for line in lines.splitlines() if "calling init: " in line}

    def test_only_what_a_file_needs_is_loaded(self):
        first, later, video = self.folder / "a.png", self.folder / "b.png", self.folder / "c.avi"
        write_png(first, texture(0, 0))
        write_png(later, texture(1, 0))
        write_video(video, 3)
        out = self.folder / "out"
        images = self.loaded("flow", "--out", out, *QUICK, first, later)
        self.assertEqual([name for name in images if any(codec in name for codec in CODECS)], [])
        self.assertLess(len(images), 50)
        video_libraries = self.loaded("flow", "--out", out, "--force", *QUICK, video)
        self.assertTrue(any("libavcodec" in name for name in video_libraries))
        self.assertEqual([name for name in video_libraries if "gdal" in name or "gstreamer" in name], [])

    def test_a_video_that_lacks_frames(self):
        video, out = self.folder / "clip.avi", self.folder / "out"
        write_video(video, 20)
        whole = self.done("flow", "--out", out, "--json", *QUICK, video)
        self.assertEqual([whole.json()["frames_" + which] for which in ("announced", "decoded", "damaged")], [20, 20, 0])
        self.assertEqual(whole.err, "")
        data = video.read_bytes()
        video.write_bytes(data[:len(data) // 2])
        for result, object_of in (
                (self.done("flow", "--out", out, "--force", "--json", *QUICK, video), lambda result: result.json()),
                (self.predict("--json", video), lambda result: result.json()["videos"][0])):
            self.assertEqual(result.code, DONE, result.err)
            report = object_of(result)
            self.assertEqual(report["frames_announced"], 20)
            self.assertTrue(8 <= report["frames_decoded"] <= 12, report["frames_decoded"])
            about_frames = [line for line in result.err.splitlines() if "announces" in line]
            self.assertEqual(len(about_frames), 1, result.err)
            self.assertIn(f"clip.avi: announces 20 frames, {report['frames_decoded']} could be decoded", about_frames[0])
        self.assertEqual(self.predict("--quiet", video).err, "")

    def test_decoders_print_nothing(self):
        bitmap, video = self.folder / "cut.bmp", self.folder / "wrong.avi"
        for compression in (0, 1):
            write_bmp(bitmap, b"\x01\x02", compression=compression)
            self.refused(BAD_DATA, ["cut.bmp", "cut short"], "predict", "--weights", self.weights, bitmap)
        write_video(video, 6)
        data = bytearray(video.read_bytes())
        at = data.index(b"DIB ")
        data[at:at + 4] = b"MJPG"
        at = data.index(struct.pack("<HHI", 1, 24, 0))
        data[at + 4:at + 8] = b"MJPG"
        video.write_bytes(data)
        self.refused(BAD_DATA, "wrong.avi", "predict", "--weights", self.weights, video)

    def test_too_many_pixels(self):
        video, out = self.folder / "clip.avi", self.folder / "out"
        write_video(video, 2)
        data = video.read_bytes()
        video.write_bytes(data.replace(struct.pack("<Iii", 40, 64, -48), struct.pack("<Iii", 40, 30000, -30000)))
        for arguments in (["predict", "--weights", self.weights], ["flow", "--out", out]):
            self.refused(BAD_DATA, ["clip.avi", "30000 x 30000", "64 million"], *arguments, video)
        self.assertFalse(out.exists())

    def test_a_pipe_does_not_block(self):
        pipes = [self.folder / name for name in ("pipe.png", "pipe.mp4", "pipe")]
        for pipe in pipes:
            os.mkfifo(pipe)
            for arguments in (["predict", "--weights", self.weights], ["flow", "--out", self.folder / "out"]):
                both = [pipe, pipe] if pipe.suffix == ".png" and arguments[0] == "flow" else [pipe]
                self.refused(BAD_DATA, [pipe.name, "not a regular file"], *arguments, *both, timeout=60)
        self.refused(USAGE, ["pipe", "not a regular file"], "predict", "--weights", self.weights, "--detect", "--cascade",
                     pipes[2], self.faces, timeout=60)

    def test_memory_that_is_refused(self):
        """A limit on memory ends a call with its own line, whatever library meets it."""
        if program.is_sanitized():
            self.skipTest("AddressSanitizer needs the address space that is limited here")
        first, later = self.folder / "a.png", self.folder / "b.png"
        write_png(first, texture(0, 0))
        write_png(later, texture(1, 0))
        least = None
        for megabytes in range(40, 400, 24):
            def limit(megabytes=megabytes):
                resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
            result = shcnn("flow", "--threads", "1", "--out", self.folder / "out", "--force", *QUICK, first, later,
                           preexec_fn=limit, timeout=60)
            if result.code == 127 or "loading shared libraries" in result.err or "pthread_create" in result.err:
                continue  # the loader's word: the program has not begun; or no thread, which is another matter
            self.assertIn(result.code, (0, 5), (megabytes, result.err))
            if result.code == 0:
                least = megabytes
                break
            self.assertEqual(len(result.err.splitlines()), 1, (megabytes, result.err))
            self.assertNotIn("OpenCV", result.err)
        self.assertIsNotNone(least)


if __name__ == "__main__":
    program.main()
