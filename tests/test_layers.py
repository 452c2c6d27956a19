"""Who may include and link whom: test_layers.py SOURCE.

Each room of the house is listed with the rooms that it may use; docs/architecture.md draws them. An arrow that is not listed
fails, and so does a listed arrow that nothing uses any more, and a folder that is not listed.
"""

import collections
import pathlib
import re
import sys

SOURCE = pathlib.Path(sys.argv[1]).resolve()

# room: the rooms whose headers its files include. Rooms stand below those that use them.
INCLUDES = {
    "kernels/math": "",
    "kernels/host": "kernels",
    "kernels": "kernels/math",
    "kernels/naive": "kernels kernels/math kernels/host",
    "kernels/cpu": "kernels kernels/math kernels/host",
    "kernels/cuda": "kernels kernels/math kernels/simt",  # simt: the same sources for the host
    "kernels/simt": "kernels kernels/cuda kernels/host",
    "models": "kernels",
    "flow/math": "kernels/math",
    "flow/cpu": "flow flow/math kernels/host",
    "flow/cuda": "flow flow/math kernels kernels/cuda kernels/math",
    "flow": "flow/cuda kernels kernels/math kernels/host",
    "io/files": "",
    "io/media": "",
    "io/formats": "io/files",
    "io/images": "io/files io/media",
    "io/faces": "io/files io/formats io/images",
    "io/clips": "io/files io/formats io/images",
    "io/synth": "io/clips io/faces io/files io/formats io/images kernels/math",
    "engine/files": "io/files",
    "engine/net": "kernels kernels/math models",
    "engine/train": "engine/files engine/net io/files io/formats kernels models",
    "engine/explain": "engine/net kernels/math",
    "engine/crossval": "engine/files engine/net engine/train flow io/clips io/files io/formats io/images kernels kernels/math",
    "engine/api": "engine/net engine/train kernels",
}
# library: the libraries of ours that it links
LINKS = {
    "shcnn_host": "",
    "shcnn_naive": "shcnn_host",
    "shcnn_cpu": "shcnn_naive shcnn_host",
    "shcnn_simt": "shcnn_cpu",
    "shcnn_cuda": "",
    "shcnn_backend": "shcnn_cpu shcnn_cuda shcnn_simt",
    "shcnn_kernels": "shcnn_backend shcnn_naive",
    "shcnn_models": "shcnn_kernels",
    "shcnn_flow": "shcnn_flow_cuda shcnn_flow_simt shcnn_kernels",
    "shcnn_io": "",
    "shcnn_synth": "shcnn_io",
    "shcnn_engine": "shcnn_flow shcnn_io shcnn_kernels shcnn_models",
}
# free to use everything: programs, and what tests and measures
PROGRAMS = ("tools", "tests", "bench")


def room_of(path):
    parts = pathlib.PurePosixPath(path).parts[:-1]
    return "/".join(parts[:2])


def included():
    arrows = collections.defaultdict(dict)
    for top in ("kernels", "models", "flow", "io", "engine"):
        for path in sorted((SOURCE / top).rglob("*")):
            name = path.relative_to(SOURCE).as_posix()
            if path.suffix not in (".cpp", ".h", ".cu", ".cuh") or name.startswith("engine/include/"):
                continue
            room = room_of(name)
            arrows[room]
            for header in re.findall(r'^#include "([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE):
                if (SOURCE / header).is_file() and room_of(header) != room:
                    arrows[room].setdefault(room_of(header), f"{name} includes {header}")
    return arrows


def linked():
    arrows = collections.defaultdict(dict)
    for top in ("kernels", "models", "flow", "io", "engine"):
        for path in sorted((SOURCE / top).rglob("CMakeLists.txt")):
            text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
            for call in re.findall(r"target_link_libraries\(([^)]*)\)", text):
                target, *libraries = call.replace("shcnn_${executor}", "shcnn_simt shcnn_cuda").split()
                for library in libraries:
                    if library.startswith("shcnn_") and library in LINKS or library.startswith("shcnn_flow_"):
                        arrows[target].setdefault(library, f"{path.relative_to(SOURCE)} links {library} to {target}")
    return arrows


def compare(kind, allowed, found):
    problems = []
    for name, arrows in found.items():
        if name not in allowed:
            if kind == "room" or name in LINKS:
                problems.append(f"{kind} {name} is not listed")
            continue
        for to, how in arrows.items():
            if to not in allowed[name].split():
                problems.append(f"{how}: {name} may not use {to}")
    for name, names in allowed.items():
        if name not in found and names:
            problems.append(f"{kind} {name} is listed and not there")
        for to in names.split():
            if to not in found.get(name, {}):
                problems.append(f"{kind} {name} is allowed {to} and does not use it")
    return problems


problems = compare("room", INCLUDES, included()) + compare("library", LINKS, linked())
print("\n".join(problems))
print(f"{len(INCLUDES) + len(LINKS)} rooms and libraries, {len(problems)} problems")
sys.exit(1 if problems else 0)
