// Facts about this machine: processor, cores available to this process, memory.
#pragma once

#include <cstdint>
#include <string>

namespace shcnn::program {

struct Machine {
  std::string processor;        ///< e.g. "AMD EPYC 7R13 Processor"; "unknown" if the system does not report it
  int cores = 1;                ///< in this process's affinity mask
  std::uint64_t memory = 0;     ///< total, bytes
  std::uint64_t available = 0;  ///< available for new allocations, bytes
};
Machine this_machine();

/// Formats a size in decimal units, e.g. "83.2 MB".
std::string bytes_text(double bytes);

}  // namespace shcnn::program
