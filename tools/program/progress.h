// Progress on stderr: how much is done, how fast, and the time left. A bar on a terminal; elsewhere (a file, a pipe) a
// line now and then.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace shcnn::program {

class Progress {
 public:
  /// `unit` is what is counted ("images", "steps"). `wanted` false (--quiet) shows nothing.
  Progress(std::string label, std::string unit, bool wanted);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Redraws the bar at most ten times a second; writes a line every ten seconds of the first minute and every minute
  /// from then on. `note` is shown at the end ("loss 0.613").
  void show(std::int64_t done, std::int64_t total, const std::string& note = {});
  /// Wipes the bar, so that a line can be printed in its place.
  void clear();
  /// Starts the bar anew: its rate is counted from here. Lines count on, and start anew where the count goes back.
  void restart();

 private:
  using Clock = std::chrono::steady_clock;
  bool due(Clock::time_point now, bool finished);

  std::string label_, unit_;
  bool wanted_, terminal_;
  bool drawn_ = false;
  std::int64_t first_ = -1;  ///< the first count of this bar: a resumed run does not start from 0
  std::int64_t last_done_ = 0;
  Clock::time_point start_, last_;
  Clock::time_point begun_;  ///< of the lines: restart() leaves it
};

/// "1:05:09", "12:03", "0:07"
std::string clock_text(double seconds);

}  // namespace shcnn::program
