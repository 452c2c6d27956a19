// The bar is drawn with a carriage return and "erase to end of line" (ESC [ K), which all terminals support.
#include "tools/program/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "tools/program/standard_streams.h"

namespace shcnn::program {
namespace {

constexpr int kBarWidth = 24;
constexpr std::chrono::milliseconds kRedraw(100);
constexpr std::chrono::seconds kFirstLines(10), kLaterLines(60);  // time between two lines

}  // namespace

std::string clock_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "--:--";
  const auto total = static_cast<std::int64_t>(std::ceil(seconds));
  const std::int64_t hours = total / 3600, minutes = total / 60 % 60, rest = total % 60;
  return hours ? fmt::format("{}:{:02}:{:02}", hours, minutes, rest) : fmt::format("{}:{:02}", minutes, rest);
}

Progress::Progress(std::string label, std::string unit, bool wanted)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      wanted_(wanted),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      last_(start_),
      begun_(start_) {}

Progress::~Progress() { clear(); }

void Progress::restart() {
  clear();
  if (terminal_) first_ = -1;
}

void Progress::clear() {
  if (!drawn_) return;
  write_to_stderr("\r\033[K");
  drawn_ = false;
}

bool Progress::due(Clock::time_point now, bool finished) {
  if (terminal_) return !drawn_ || finished || now - last_ >= kRedraw;
  return now - last_ >= (now - begun_ < std::chrono::minutes(1) ? kFirstLines : kLaterLines);
}

void Progress::show(std::int64_t done, std::int64_t total, const std::string& note) {
  if (!wanted_) return;
  const Clock::time_point now = Clock::now();
  const bool begins = first_ < 0 || done < last_done_;
  last_done_ = done;
  if (begins) {
    first_ = done;
    start_ = now;
    if (!terminal_) return;  // there is no rate yet
  }
  if (!due(now, done >= total)) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done - first_) / seconds : 0;
  const double share = total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0) : 0;
  const std::string left = rate > 0 ? clock_text(static_cast<double>(total - done) / rate) : "--:--";
  const std::string figures = fmt::format("{:3.0f} %  {:.{}f} {}/s  {} left{}{}", share * 100, rate, rate < 10 ? 1 : 0,
                                          unit_, left, note.empty() ? "" : "  ", note);
  if (terminal_) {
    const auto filled = static_cast<std::size_t>(share * kBarWidth);
    write_to_stderr(fmt::format("\r{} [{}{}] {}\033[K", label_, std::string(filled, '='),
                                std::string(kBarWidth - filled, ' '), figures));
    drawn_ = true;
  } else {
    write_to_stderr(fmt::format("{} {}\n", label_, figures));
  }
}

}  // namespace shcnn::program
