// AtomicFile with every single system call failing in turn: afterwards the path has the complete old or new content, no
// temporary file is left, and the error is a disk error that names the file.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>

#include "io/files/atomic_file.h"
#include "io_support.h"
#include "support/system_faults.h"

namespace shcnn::io {
namespace {

using shcnn::test::call_log;
using shcnn::test::faults;
using shcnn::test::Faults;
using test::error_text;
using test::get;
using test::put;
using test::TemporaryFolder;

const std::string kOld = "the old content";

std::string new_content() {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += std::to_string(i) + "\n";  // several times the internal buffer
  return text;
}

void write_in_pieces(const std::filesystem::path& path, const std::string& text, Overwrite overwrite) {
  AtomicFile file(path, overwrite);
  const std::string_view view = text;
  for (size_t at = 0; at < view.size(); at += 4097) file.write(view.substr(at, 4097));
  file.commit();
}

}  // namespace

TEST_CASE("a written file holds what was written", "[io][atomic_file]") {
  faults = {};
  TemporaryFolder folder;
  const std::string text = new_content();
  write_in_pieces(folder / "pieces", text, Overwrite::kNo);
  CHECK(get(folder / "pieces") == text);
  write_file(folder / "whole", text, Overwrite::kNo);
  CHECK(get(folder / "whole") == text);
  write_file(folder / "empty", "", Overwrite::kNo);
  CHECK(get(folder / "empty").empty());
  CHECK(folder.entries() == 3);
}

TEST_CASE("a file that is there stays unless overwriting is asked for", "[io][atomic_file]") {
  faults = {};
  TemporaryFolder folder;
  const auto path = folder / "a";
  put(path, kOld);
  ErrorKind kind{};
  CHECK(error_text([&] { write_file(path, "new", Overwrite::kNo); }, &kind) ==
        path.string() + ": the file is already there; allow overwriting or choose another name");
  CHECK(kind == ErrorKind::kUsage);
  CHECK(get(path) == kOld);
  write_file(path, "new", Overwrite::kYes);
  CHECK(get(path) == "new");

  // a file that appears between opening and committing is kept as well
  AtomicFile file(folder / "b", Overwrite::kNo);
  file.write("mine");
  put(folder / "b", "theirs");
  CHECK_THAT(error_text([&] { file.commit(); }), Catch::Contains("b: the file is already there"));
  CHECK(get(folder / "b") == "theirs");
  CHECK(folder.entries() == 2);
}

TEST_CASE("places that cannot be written to are named", "[io][atomic_file]") {
  faults = {};
  TemporaryFolder folder;
  ErrorKind kind{};
  CHECK(error_text([&] { write_file(folder / "no/a", "x", Overwrite::kNo); }, &kind) ==
        (folder / "no/a").string() +
            ": cannot make a file in its folder: No such file or directory; make the folder first");
  CHECK(kind == ErrorKind::kDisk);
  CHECK_THAT(error_text([&] { write_file(folder.path(), "x", Overwrite::kYes); }), Catch::Contains("is a folder"));
  CHECK_THAT(error_text([&] { write_file("/proc/shcnn", "x", Overwrite::kNo); }), Catch::Contains("/proc/shcnn: "));
}

TEST_CASE("every failure of every call leaves the old or the new file and nothing else", "[io][atomic_file]") {
  const std::string text = new_content();
  int injected = 0;
  for (const Overwrite overwrite : {Overwrite::kYes, Overwrite::kNo}) {
    for (const int error : {ENOSPC, EIO, EDQUOT, EFBIG, EROFS}) {
      for (const bool for_ever : {false, true}) {
        for (int n = 1;; ++n) {
          TemporaryFolder folder;
          const auto path = folder / "file";
          const bool old = overwrite == Overwrite::kYes;
          if (old) put(path, kOld);
          ErrorKind kind{};
          faults = {.fail_at = n, .error = error, .for_ever = for_ever};
          const std::string message = error_text([&] { write_in_pieces(path, text, overwrite); }, &kind);
          const Faults happened = std::exchange(faults, {});
          if (happened.failing.empty()) break;
          ++injected;
          INFO("call " << n << ", " << happened.failing << ", errno " << error << ", for ever " << for_ever);
          const bool is_new = std::filesystem::exists(path) && get(path) == text;
          if (message == "no error") {
            CHECK(is_new);
            // A failing flock is no error, because the lock only helps to remove stale temporaries; a failing close is
            // an error only for the file, not for the folder.
            CHECK((happened.failing == "flock" || happened.failing == "close"));
          } else {
            CHECK(kind == ErrorKind::kDisk);
            CHECK_THAT(message, Catch::StartsWith(path.string() + ": "));
            CHECK((is_new || (old ? get(path) == kOld : !std::filesystem::exists(path))));
          }
          CHECK(folder.entries() == (is_new || old ? 1 : 0));
        }
      }
    }
  }
  CHECK(injected > 100);
}

TEST_CASE("interrupted calls and short writes are carried on", "[io][atomic_file]") {
  const std::string text = new_content();
  for (const int error : {EINTR, 0}) {
    for (int n = 1;; ++n) {
      TemporaryFolder folder;
      faults = {.fail_at = n, .error = error};
      if (error == 0) faults.only = "write";
      const std::string message = error_text([&] { write_in_pieces(folder / "file", text, Overwrite::kNo); });
      const Faults happened = std::exchange(faults, {});
      INFO("call " << n << ", " << happened.failing << ", errno " << error);
      CHECK(message == "no error");
      CHECK(get(folder / "file") == text);
      CHECK(folder.entries() == 1);
      if (happened.failing.empty()) break;
    }
  }
}

TEST_CASE("bytes reach the disk before the name does, and the name before commit returns", "[io][atomic_file]") {
  faults = {};
  TemporaryFolder folder;
  call_log.clear();
  write_file(folder / "file", "content", Overwrite::kYes);
  // open and lock the temporary, write, fsync, rename, close, then open the folder, fsync, close
  CHECK(call_log == "ofwsrcosc");
}

TEST_CASE("the message of a full disk names byte and remedy", "[io][atomic_file]") {
  TemporaryFolder folder;
  faults = {.fail_at = 2, .error = ENOSPC, .only = "write"};
  const std::string message = error_text([&] { write_in_pieces(folder / "file", new_content(), Overwrite::kNo); });
  faults = {};
  CHECK_THAT(message, Catch::Matches(".*/file: byte [1-9][0-9]*: cannot write it: No space left on device; "
                                     "free some space or write elsewhere"));
}

TEST_CASE("temporaries of dead writers are removed, of living ones not", "[io][atomic_file]") {
  faults = {};
  TemporaryFolder folder;
  const auto path = folder / "file";
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file(path, Overwrite::kNo);
    file.write("never finished");
    ::_exit(0);  // like a kill: no destructor runs
  }
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(folder.entries() == 1);  // the temporary of the terminated child
  put(folder / ".other.1.1.shcnn-tmp", "belongs to another file");

  AtomicFile living(path, Overwrite::kNo);
  CHECK(folder.entries() == 2);  // the child's temporary was removed
  living.write("living");
  write_file(path, "first", Overwrite::kNo);
  CHECK(folder.entries() == 3);  // the temporary of `living` still exists
  CHECK_THAT(error_text([&] { living.commit(); }), Catch::Contains("already there"));
  CHECK(get(path) == "first");
  CHECK(folder.entries() == 2);
}

}  // namespace shcnn::io
