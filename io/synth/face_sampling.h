// Draws the numbers of one made face: who, which expression, how strong, how seen, and how ten people would vote on it.
#pragma once

#include <array>
#include <cstdint>

#include "io/synth/face_parameters.h"

namespace shcnn::synth {

/// FER2013's seven classes by their numbers there; contempt exists in FER+ alone.
enum class FaceClass : int { kAngry, kDisgust, kFear, kHappy, kSad, kSurprise, kNeutral, kContempt };
inline constexpr int kFaceClasses = 8;

/// FER+'s columns in their order: neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, NF
/// (no face). The sum is 10.
using FaceVotes = std::array<int, 10>;

/// A face and what it shows.
struct SampledFace {
  FaceClass label;
  double intensity;  ///< of the expression, 0 .. 1
  FaceParameters parameters;
  FaceVotes votes;
};

/// Face `index` of `seed`, a pure function of its arguments.
SampledFace sample_face(std::uint64_t seed, std::uint32_t index, FaceClass label);

/// One of several ways in which people show `label`, at `intensity` 0 .. 1; `variant` is any number >= 0.
FaceExpression typical_expression(FaceClass label, int variant, double intensity);

/// FER2013's name of a class: "angry", ... ("contempt" for the eighth).
const char* face_class_name(FaceClass label);

/// The column of FaceVotes that belongs to a class.
int vote_column(FaceClass label);

}  // namespace shcnn::synth
