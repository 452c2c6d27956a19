// System calls that fail on request. The linker redirects them here: programs that use this header link with
// shcnn_test_faults (tests/CMakeLists.txt).
#pragma once

#include <string>

namespace shcnn::test {

/// Call number `fail_at` (counted from 1) fails with `error`; with `for_ever`, so do all later calls of the same name.
/// Calls: open, write, fsync, rename (and renameat2), close, flock.
struct Faults {
  int fail_at = 0;
  int error = 0;  ///< errno of the failure; 0: a write transfers only half of its bytes
  bool for_ever = false;
  std::string only{};  ///< counts only calls of this name; empty: all calls
  int calls = 0;
  std::string failing{};  ///< the name of the call that failed
};
extern Faults faults;
extern std::string call_log;  ///< one letter per call: o(pen) w(rite) s (fsync) r(ename) c(lose) f(lock)

}  // namespace shcnn::test
