// The three standard streams, when they are closed, full or broken.
//
// What goes to stderr (remarks, progress, the line of an error) is a courtesy: a log on a full disk must not end a
// training. What goes to stdout is the result: main() reports it when it cannot be written.
#pragma once

#include <string_view>

namespace shcnn::program {

/// Occupies those of the descriptors 0 to 2 that are closed, so that no data file gets their number and is written into
/// by a stream. Writing to them fails afterwards as it does to a closed descriptor. Called before anything is opened.
void occupy_closed_descriptors() noexcept;

/// Writes `text` to stderr at once. Failures are ignored, a broken pipe included.
void write_to_stderr(std::string_view text) noexcept;

}  // namespace shcnn::program
