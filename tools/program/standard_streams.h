// Handling of standard streams that are closed, full or broken.
//
// Failed writes to stderr (remarks, progress, error messages) are ignored: a log on a full disk must not end a
// training. Failed writes to stdout, which carries the results, are reported by main().
#pragma once

#include <string_view>

namespace shcnn::program {

/// Opens /dev/null read-only on those of the descriptors 0 to 2 that are closed, so that no data file gets such a
/// number and receives stream output. Writes to them still fail, as on a closed descriptor. Call before opening files.
void occupy_closed_descriptors() noexcept;

/// Writes `text` to stderr, unbuffered. Ignores failures, including a broken pipe.
void write_to_stderr(std::string_view text) noexcept;

}  // namespace shcnn::program
