// Which images of a folder are the frames of one sequence, told by their names alone: "img6.jpg" is frame 6,
// "img6 (1).jpg" is a browser's copy of it, and "reg_img6.jpg" or "img6.png" belongs to another sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace shcnn::io {

/// One image by its name.
struct NumberedFile {
  std::filesystem::path path;
  std::string before, after;  ///< the number, without the extension
  std::string extension;      ///< ".jpg", in lower case
  std::int64_t number = 0;
  std::size_t digits = 0;  ///< with leading zeros

  std::string name() const { return path.filename().string(); }
};

/// The images of a folder, sorted into sequences. Names of one sequence differ in their number alone.
struct FrameSequences {
  std::vector<NumberedFile> frames;               ///< the longest sequence, by number
  std::vector<NumberedFile> copies;               ///< named like a frame of it, with something appended
  std::vector<std::vector<NumberedFile>> others;  ///< other sequences, each by number
  std::vector<std::filesystem::path> unnumbered;  ///< without a number of at most 18 digits
};

/// Sorts images by their names. The number is the last of a name, or an earlier one where that makes a longer sequence.
FrameSequences sequences_of(std::vector<std::filesystem::path> images);

}  // namespace shcnn::io
