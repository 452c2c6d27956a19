"""Takes the C++ example out of README.md and makes a program of it: readme_example.py README.md OUT.cpp"""

import pathlib
import re
import sys

def main(readme, out):
    blocks = re.findall(r"```cpp\n(.*?)```", pathlib.Path(readme).read_text(encoding="utf-8"), re.S)
    if len(blocks) != 1:
        sys.exit(f"{readme}: one C++ example was due, found {len(blocks)}")
    include, body = blocks[0].split("\n\n", 1)
    pathlib.Path(out).write_text(
        "// Made from README.md by readme_example.py.\n" + include + "\n\n#include <cstdio>\n#include <vector>\n\n" + body +
        "\nint main() {\n  const std::vector<std::uint8_t> gray(64 * 50, 128);\n"
        "  std::puts(expression(gray.data(), 64, 50).c_str());\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
