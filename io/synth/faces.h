// Made faces: as many as asked for, with labels and votes, in the form of FER2013 and FER+. A face is a pure function
// of (seed, its number): asking for more, for another thread count or for one alone changes none of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "io/synth/face_render.h"
#include "io/synth/face_sampling.h"

namespace shcnn::synth {

struct FaceSynthOptions {
  std::uint64_t seed = 1;
  int count = 6000;       ///< >= 1
  int size = 48;          ///< pixels each way, >= 8
  bool contempt = false;  ///< eight classes, FER+'s; false: FER2013's seven
  int threads = 0;        ///< 0: all cores of the machine
};

/// FER2013's three parts, as its Usage column names them.
enum class FaceUsage { kTraining, kPublicTest, kPrivateTest };

/// Faces 0 .. count - 1. Classes take turns, so every part is balanced to within one face.
struct MadeFaces {
  int size = 0;
  std::vector<std::uint8_t> pixels;  ///< (count, size, size)
  std::vector<FaceClass> labels;     ///< (count)
  std::vector<FaceUsage> usages;     ///< (count): the first 80 % train, 10 % PublicTest, the rest PrivateTest
  std::vector<FaceVotes> votes;      ///< (count)

  std::size_t count() const { return labels.size(); }
  std::span<const std::uint8_t> face(std::size_t i) const {
    const std::size_t cells = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
    return {pixels.data() + i * cells, cells};
  }
};

/// Throws std::invalid_argument on options outside their ranges.
MadeFaces make_faces(const FaceSynthOptions& options);

/// The class of face `index`: they take turns.
FaceClass made_face_class(std::uint32_t index, bool contempt);

/// A gray picture, row by row.
struct GrayPicture {
  int width = 0, height = 0;
  std::vector<std::uint8_t> pixels;
};

/// The first `columns` faces of each class of `options`, a row a class in the order of the class numbers, drawn anew at
/// `options.size` pixels each, whatever options.count says.
GrayPicture contact_sheet(const FaceSynthOptions& options, int columns);

}  // namespace shcnn::synth
