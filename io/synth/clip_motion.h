// How a made face moves: a smooth displacement field for each emotion, given by the action units that show it, and the
// drift of the head. Everything is a formula, so the true motion between two frames is known exactly.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "io/synth/face_parameters.h"
#include "io/synth/random_stream.h"

namespace shcnn::synth {

/// A point or a displacement, in units of the image's side.
struct Vec2 {
  double x = 0, y = 0;
};

/// One place of the face that is pulled: displacement `pull` at the centre, falling off as (1 - r^2)^2 to 0 at r = 1.
struct Pull {
  Vec2 centre;
  double per_x = 1, per_y = 1;  ///< 1 / radius along each axis
  Vec2 pull;                    ///< at full strength
};

/// The movement of one clip.
class ClipMotion {
 public:
  /// Movement of `emotion` (a word of the coding files) in the face of `face`, whose largest displacement is
  /// `peak` (units of the image's side). Units vary a little, as people do. @throws io::Error kUsage on a word without
  /// movement
  ClipMotion(std::string_view emotion, const FaceParameters& face, double peak, RandomStream& random);

  /// Where the point at `p` of the first frame is when the expression is at `strength` (0 .. 1) and the head has
  /// drifted by the share `drift` (0 .. 1) of its whole way.
  Vec2 forward(Vec2 p, double strength, double drift) const;
  /// The point of the first frame that is at `p` then: a few steps of fixed-point iteration, exact to 1e-6 of a pixel.
  Vec2 backward(Vec2 p, double strength, double drift) const;

  static constexpr double kMostDrift = 0.7 / 120;  ///< of the head in a clip, in units of the side

 private:
  Vec2 displacement(Vec2 p, double strength) const;
  std::vector<Pull> pulls_;
  Vec2 shift_;       ///< of the head over the whole clip
  double turn_ = 0;  ///< radians, about the image's middle
  double grow_ = 0;  ///< share by which the head comes nearer
};

/// Strength of the expression at `time` 0 .. 1 (onset .. offset) with the apex at `apex`: rises smoothly to 1, falls to
/// `rest`.
double expression_strength(double time, double apex, double rest);

/// The emotions that have a movement: happiness, disgust, repression, surprise, others, tense, anger, fear, contempt,
/// sadness.
std::vector<std::string_view> moving_emotions();

}  // namespace shcnn::synth
