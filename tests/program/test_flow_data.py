"""shcnn flow on real pairs with known flow: needs SHCNN_TEST_DATA."""

import os
import sys

import program
from program import SKIP, ProgramTest


class GroundTruth(ProgramTest):
    def test_endpoint_errors(self):
        """Those of the table in docs/flow.md."""
        for name, published in (("Dimetrodon", 0.1792), ("Grove2", 0.1565), ("Venus", 0.3039)):
            pair = os.path.join(os.environ["SHCNN_TEST_DATA"], "flow", name)
            report = self.done("flow", "--out", self.folder / name, "--json", "--truth", os.path.join(pair, "flow10.flo"),
                               os.path.join(pair, "frame10.png"), os.path.join(pair, "frame11.png")).json()
            self.assertAlmostEqual(report["endpoint_error_px"], published, delta=0.001)


if __name__ == "__main__":
    if not os.environ.get("SHCNN_TEST_DATA"):
        print("SHCNN_TEST_DATA is not set")
        sys.exit(SKIP)
    program.main()
