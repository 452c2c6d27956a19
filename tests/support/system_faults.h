// System calls that fail when a test asks for it. The linker redirects them here: a program that uses this links with
// shcnn_test_faults (tests/CMakeLists.txt).
#pragma once

#include <string>

namespace shcnn::test {

/// The call number `fail_at` (counted from 1) fails with `error`; with `for_ever`, all later ones of the same name do
/// as well. Calls: open, write, fsync, rename (and renameat2), close, flock.
struct Faults {
  int fail_at = 0;
  int error = 0;  ///< 0: a write moves only half of what it was asked to
  bool for_ever = false;
  std::string only{};  ///< the one call to count; empty: all
  int calls = 0;
  std::string failing{};  ///< the name of the call that failed
};
extern Faults faults;
extern std::string call_log;  ///< names of the calls, one letter each: o w s r c f

}  // namespace shcnn::test
