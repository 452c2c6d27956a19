// Decides by file names alone which images of a folder are the frames of one sequence: "img6.jpg" is frame 6,
// "img6 (1).jpg" is a copy of it made by a browser, and "reg_img6.jpg" or "img6.png" belongs to another sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace shcnn::io {

/// An image file name, split at its number.
struct NumberedFile {
  std::filesystem::path path;
  std::string before, after;  ///< text before and after the number, without the extension
  std::string extension;      ///< ".jpg", in lower case
  std::int64_t number = 0;
  std::size_t digits = 0;  ///< number of digits, including leading zeros

  std::string name() const { return path.filename().string(); }
};

/// The images of a folder, sorted into sequences. Names of one sequence differ only in their number.
struct FrameSequences {
  std::vector<NumberedFile> frames;               ///< the longest sequence, ordered by number
  std::vector<NumberedFile> copies;               ///< named like a frame of `frames` with text appended
  std::vector<std::vector<NumberedFile>> others;  ///< other sequences, each ordered by number
  std::vector<std::filesystem::path> unnumbered;  ///< names without a number of at most 18 digits
};

/// Sorts images into sequences by their names. The frame number is the last number in the name, or an earlier one if
/// that yields a longer sequence.
FrameSequences sequences_of(std::vector<std::filesystem::path> images);

}  // namespace shcnn::io
