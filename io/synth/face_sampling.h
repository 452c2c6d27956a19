// Draws the parameters of one synthetic face at random: identity, expression, intensity, view, and the votes of ten
// simulated viewers.
#pragma once

#include <array>
#include <cstdint>

#include "io/synth/face_parameters.h"

namespace shcnn::synth {

/// FER2013's seven classes with their numbers, then contempt, which only FER+ has.
enum class FaceClass : int { kAngry, kDisgust, kFear, kHappy, kSad, kSurprise, kNeutral, kContempt };
inline constexpr int kFaceClasses = 8;

/// Votes in the order of FER+'s columns: neutral, happiness, surprise, sadness, anger, disgust, fear, contempt,
/// unknown, NF (no face). The sum is 10.
using FaceVotes = std::array<int, 10>;

/// A face with its class and votes.
struct SampledFace {
  FaceClass label;
  double intensity;  ///< of the expression, 0 .. 1
  FaceParameters parameters;
  FaceVotes votes;
};

/// Face `index` of `seed`; a pure function of its arguments.
SampledFace sample_face(std::uint64_t seed, std::uint32_t index, FaceClass label);

/// One of several typical expressions of `label`, at `intensity` 0 .. 1; `variant` is any number >= 0.
FaceExpression typical_expression(FaceClass label, int variant, double intensity);

/// FER2013's name of a class: "angry", ...; "contempt" for the eighth.
const char* face_class_name(FaceClass label);

/// The index in FaceVotes of a class.
int vote_column(FaceClass label);

}  // namespace shcnn::synth
