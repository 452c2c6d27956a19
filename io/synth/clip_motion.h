// Motion of a synthetic face: a smooth displacement field for each emotion, defined by its action units, and the drift
// of the head. Both are closed formulas, so the true motion between two frames is known exactly.
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

/// A local displacement of the face: `pull` at the centre, falling off as (1 - r^2)^2 to 0 at r = 1.
struct Pull {
  Vec2 centre;
  double per_x = 1, per_y = 1;  ///< 1 / radius along each axis
  Vec2 pull;                    ///< displacement at strength 1
};

/// The motion of one clip.
class ClipMotion {
 public:
  /// Motion of `emotion` (as named in the coding files) in the face `face`, with `peak` as the largest displacement
  /// (units of the image's side). The strengths of the action units vary a little at random.
  /// @throws io::Error kUsage for an emotion that is not in moving_emotions()
  ClipMotion(std::string_view emotion, const FaceParameters& face, double peak, RandomStream& random);

  /// Maps the point `p` of the first frame to its position when the expression is at `strength` (0 .. 1) and the head
  /// has drifted by the fraction `drift` (0 .. 1) of its total drift.
  Vec2 forward(Vec2 p, double strength, double drift) const;
  /// Inverse of forward(), by eight fixed-point iterations. The error is below 1e-5 of the image's side if `peak` is at
  /// most 2 px at 120 x 120.
  Vec2 backward(Vec2 p, double strength, double drift) const;

  static constexpr double kMostDrift = 0.7 / 120;  ///< scale of the head's drift in a clip, in units of the side

 private:
  Vec2 displacement(Vec2 p, double strength) const;
  std::vector<Pull> pulls_;
  Vec2 shift_;       ///< of the head over the whole clip
  double turn_ = 0;  ///< rotation of the head over the whole clip, radians, about the image's centre
  double grow_ = 0;  ///< relative growth of the head over the whole clip
};

/// Strength of the expression at `time` 0 .. 1 (onset .. offset): rises smoothly from 0 to 1 at time `apex`, then falls
/// to `rest`.
double expression_strength(double time, double apex, double rest);

/// The emotions that ClipMotion supports: happiness, disgust, repression, surprise, others, tense, anger, fear,
/// contempt, sadness.
std::vector<std::string_view> moving_emotions();

}  // namespace shcnn::synth
