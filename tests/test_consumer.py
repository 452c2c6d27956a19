"""A project outside the tree adds shcnn by add_subdirectory and keeps its own flags: test_consumer.py SOURCE.

Its warnings stay warnings, its build type stays its own, an assert in its Debug build fires.
"""

import json
import pathlib
import signal
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(sys.argv[1]).resolve()


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)


def configure(build, *settings):
    configured = run("cmake", "-G", "Ninja", "-S", SOURCE / "tests/consumer", "-B", build, f"-DSHCNN_SOURCE={SOURCE}",
                     "-DSHCNN_CUDA=OFF", *settings)
    assert configured.returncode == 0, configured.stdout + configured.stderr


def build_type(build):
    return run("cmake", "-N", "-LA", build).stdout.split("CMAKE_BUILD_TYPE:STRING=")[1].splitlines()[0]


def flags_of_main(build):
    commands = json.loads((build / "compile_commands.json").read_text())
    [command] = [entry["command"] for entry in commands if entry["file"].endswith("consumer/main.cpp")]
    return [part for part in command.split()[1:command.split().index("-o")] if part != "/usr/bin/c++"]


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    configure(folder / "untyped")
    assert build_type(folder / "untyped") == "", "shcnn chose the build type of the project that adds it"

    build = folder / "debug"
    configure(build, "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0")
    flags = flags_of_main(build)
    expected = [f"-I{SOURCE}/engine/include", "-O0", "-std=c++20", "-Wall"]
    assert flags == expected, f"main.cpp of the consumer is compiled with {flags}, expected {expected}"
    built = run("cmake", "--build", build, "--target", "consumer")
    assert built.returncode == 0, built.stdout + built.stderr
    assert "unused variable" in built.stdout, "the consumer's own warning is gone:\n" + built.stdout

    ran = run(build / "consumer", "absent.safetensors")
    assert ran.stderr.startswith("refused: absent.safetensors"), ran.stderr
    assert ran.returncode == -signal.SIGABRT, f"the assert did not fire: {ran.returncode}"
print("1 passed, 0 failed")
