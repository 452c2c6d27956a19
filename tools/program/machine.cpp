// Reads /proc and the scheduler affinity: cores available to the process, not all cores of the machine.
#include "tools/program/machine.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <thread>

namespace shcnn::program {
namespace {

/// Text after the colon in the first line "KEY ...: text" of a file such as /proc/cpuinfo; empty if there is none.
std::string field_of(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (line.rfind(key, 0) != 0 || colon == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }
  return {};
}

std::uint64_t kilobytes_of(const std::string& key) {
  const std::string text = field_of("/proc/meminfo", key);
  return text.empty() ? 0 : std::stoull(text) * 1024;
}

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.processor = field_of("/proc/cpuinfo", "model name");
  if (machine.processor.empty()) machine.processor = "unknown";
  cpu_set_t mask;
  CPU_ZERO(&mask);
  machine.cores = sched_getaffinity(0, sizeof mask, &mask) == 0
                      ? CPU_COUNT(&mask)
                      : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  machine.memory = kilobytes_of("MemTotal");
  machine.available = kilobytes_of("MemAvailable");
  return machine;
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < kUnits.size()) bytes /= 1000, ++unit;
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

}  // namespace shcnn::program
