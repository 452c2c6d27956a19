// RUN folders: only one process at a time, and nothing remains that prevents the next start.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <vector>

#include "engine/train/run_folder.h"
#include "io_support.h"

namespace shcnn {
namespace {

using io::test::error_text;
using io::test::put;
using io::test::TemporaryFolder;
using Open = RunFolder::Open;

/// Opens `run` repeatedly until `end`. Returns the exit status: 0, 1 if another process had it open at the same time, 2
/// after another error than that of the lock, 3 if it was never opened.
int compete(const std::filesystem::path& run, std::chrono::steady_clock::time_point end) {
  int entered = 0;
  while (std::chrono::steady_clock::now() < end) {
    try {
      const RunFolder folder(run, Open::kNew);
      ++entered;
      const int mark = ::open((run / "inside").c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      if (mark < 0) return 1;
      ::usleep(50);
      ::unlink((run / "inside").c_str());
      ::close(mark);
    } catch (const io::Error& error) {
      if (std::string(error.what()).find("another process is training here") == std::string::npos) return 2;
    }
  }
  return entered > 0 ? 0 : 3;
}

}  // namespace

TEST_CASE("Of many processes that open one RUN at once, one is inside at any moment", "[run_folder]") {
  TemporaryFolder folder;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(compete(folder / "run", end));
    children.push_back(child);
  }
  int entered = 0;
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) != 1);  // two processes had it open
    CHECK(WEXITSTATUS(status) != 2);  // another error than that of the lock
    entered += WEXITSTATUS(status) == 0;
  }
  CHECK(entered >= 2);
}

TEST_CASE("A RUN that another process holds is not looked at, let alone written", "[run_folder]") {
  TemporaryFolder folder;
  const RunFolder first(folder / "run", Open::kNew);
  for (const Open open : {Open::kNew, Open::kReplace})
    CHECK_THAT(error_text([&] { RunFolder(folder / "run", open); }), Catch::Contains("another process is training"));
  put(first.config(), "of the first");
  CHECK_THAT(error_text([&] { RunFolder(folder / "run", Open::kNew); }), Catch::Contains("another process"));
  CHECK(io::test::get(first.config()) == "of the first");
}

TEST_CASE("What a start leaves that computed nothing does not stand in the way", "[run_folder]") {
  TemporaryFolder folder;
  const auto run = folder / "run";
  SECTION("it failed") {
    { put(RunFolder(run, Open::kNew).config(), "batch = 1"); }
    CHECK(!std::filesystem::exists(run / "config.toml"));
  }
  SECTION("it was killed") {
    const pid_t child = ::fork();
    if (child == 0) {
      const RunFolder killed(run, Open::kNew);
      put(killed.config(), "batch = 1");
      ::_exit(0);  // like a kill: no destructor runs
    }
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    REQUIRE(std::filesystem::exists(run / "config.toml"));
  }
  CHECK(error_text([&] { RunFolder(run, Open::kNew); }) == "no error");
}

TEST_CASE("Somebody's own config.toml and every result are kept", "[run_folder]") {
  TemporaryFolder folder;
  for (const char* name :
       {"config.toml", "weights.safetensors", "state-prev.safetensors", "curves.csv", "report.html"}) {
    const auto run = folder / (std::string("run of ") + name);
    put(run / name, "mine");
    CHECK_THAT(error_text([&] { RunFolder(run, Open::kNew); }), Catch::Contains("holds a run already"));
    CHECK(io::test::get(run / name) == "mine");
    CHECK(!std::filesystem::exists(run / "run.lock"));
  }
}

TEST_CASE("A folder that goes away under a run is told", "[run_folder]") {
  TemporaryFolder folder;
  const auto run = folder / "run";
  const RunFolder first(run, Open::kNew);
  CHECK_NOTHROW(first.require_in_place());
  std::filesystem::remove_all(run);
  CHECK_THAT(error_text([&] { first.require_in_place(); }), Catch::Contains("was removed or replaced"));
  const RunFolder second(run, Open::kNew);  // of another process, at the path of the first
  CHECK_THAT(error_text([&] { first.require_in_place(); }), Catch::Contains("was removed or replaced"));
  CHECK_NOTHROW(second.require_in_place());
}

TEST_CASE("Only a RUN with a state can be resumed", "[run_folder]") {
  TemporaryFolder folder;
  CHECK_THAT(error_text([&] { RunFolder(folder / "none", Open::kResume); }), Catch::Contains("none: no such run"));
  CHECK(!std::filesystem::exists(folder / "none"));
  put(folder / "empty/notes.txt", "x");
  CHECK_THAT(error_text([&] { RunFolder(folder / "empty", Open::kResume); }), Catch::Contains("holds no state"));
}

}  // namespace shcnn
