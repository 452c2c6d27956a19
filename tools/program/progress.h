// Progress on stderr: share done, rate and remaining time. A progress bar on a terminal; otherwise (file, pipe) a line
// from time to time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace shcnn::program {

class Progress {
 public:
  /// `unit` names what is counted ("images", "steps"). If `wanted` is false (--quiet), nothing is shown.
  Progress(std::string label, std::string unit, bool wanted);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Terminal: redraws the bar at most ten times a second. Otherwise: writes a line every ten seconds during the first
  /// minute, then every minute. `note` is shown at the end of the line ("loss 0.613").
  void show(std::int64_t done, std::int64_t total, const std::string& note = {});
  /// Erases the bar so that a line can be printed in its place.
  void clear();
  /// Terminal: starts a new bar whose rate counts from here. Otherwise no effect; there the rate restarts when `done`
  /// decreases.
  void restart();

 private:
  using Clock = std::chrono::steady_clock;
  bool due(Clock::time_point now, bool finished);

  std::string label_, unit_;
  bool wanted_, terminal_;
  bool drawn_ = false;
  std::int64_t first_ = -1;  ///< count at the start of this bar; not 0 in a resumed run; -1: not started
  std::int64_t last_done_ = 0;
  Clock::time_point start_, last_;
  Clock::time_point begun_;  ///< start of the lines written to a non-terminal; restart() does not change it
};

/// Formats a duration: "1:05:09", "12:03", "0:07"; "--:--" if it is negative or not finite.
std::string clock_text(double seconds);

}  // namespace shcnn::program
