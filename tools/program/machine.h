// What this machine offers: processor, cores this process may use, memory.
#pragma once

#include <cstdint>
#include <string>

namespace shcnn::program {

struct Machine {
  std::string processor;        ///< "AMD EPYC 7R13 Processor"; "unknown" where the system does not say
  int cores = 1;                ///< of this process's affinity mask
  std::uint64_t memory = 0;     ///< bytes in all
  std::uint64_t available = 0;  ///< bytes free for new work
};
Machine this_machine();

/// "83.2 MB"; decimal units.
std::string bytes_text(double bytes);

}  // namespace shcnn::program
