// Geometry of a synthetic face, computed from identity, expression and view: the curves and bumps that the painter
// draws. All lengths are in face coordinates (face_parameters.h). Side 0 is the viewer's left. On each side the
// coordinate m (m = -u or m = u) grows outwards, so that both halves share one set of formulas.
#pragma once

#include <array>

#include "io/synth/face_parameters.h"

namespace shcnn::synth {

/// One eye; t = (m - centre) / half_width runs from the inner corner (-1) to the outer (1).
/// Lids: v = mid + slant * t -+ opening * (1 - t^2).
struct EyeShape {
  double centre_m, centre_v, half_width, slant;
  double open_upper, open_lower;
  double iris_m, iris_v, iris_radius;
  double crease;  ///< height of the lid's crease above the lid
};

/// One brow: v = v0 + v1 t + v2 t^2, t from the inner end (0) to the outer (1).
struct BrowShape {
  double inner_m, length;
  double v0, v1, v2;
  double thickness;  ///< half the thickness at the inner end
};

/// The mouth; t = (u - centre) / half_width. All lips share middle(t) + lift(t), lift = corner[side] * t^2.
struct MouthShape {
  double centre_u, centre_v, half_width;
  double corner[2];                 ///< v of each corner minus centre_v
  double arch;                      ///< raises the middle of the lips; subtracted, because v points down
  double gap_upper, gap_lower;      ///< opening above and below the line of the lips
  double lip_upper, lip_lower;      ///< thickness of the lips
  double squareness;                ///< shape of the opening, 0: almond .. 1: box
  double teeth_upper, teeth_lower;  ///< height of the visible teeth
};

/// A bump of the face's surface: height * (1 - r^2)^2 inside the ellipse r < 1. Its slope determines the shading.
struct Bump {
  double u, v;
  double per_u, per_v;  ///< 1 / radius along each axis
  double height;
};

struct FaceGeometry {
  double head_width, head_top, head_chin, jaw;
  std::array<EyeShape, 2> eye;
  std::array<BrowShape, 2> brow;
  MouthShape mouth;
  double nose_tip_u, nose_tip_v, nose_width, nostril;
  std::array<Bump, 17> bumps;
  // strengths of lines that depend on the expression, about 0 .. 1
  double frown_lines, forehead_lines, nose_wrinkles, chin_wrinkles;
  double nasolabial[2], crows_feet, eye_bags, dimple[2];
};

/// Computes the geometry. The view is needed because pitch and yaw shift the protruding tip of the nose relative to the
/// rest of the face.
FaceGeometry make_face_geometry(const FaceIdentity& identity, const FaceExpression& expression, const FaceView& view);

/// Factor on the head's half width at height v: 1 above v = -0.1, smaller towards the chin.
inline double jaw_factor(const FaceGeometry& g, double v) {
  const double below = v > -0.1 ? (v + 0.1) / (g.head_chin + 0.1) : 0.0;
  return 1.0 - 0.32 * g.jaw * below * below;
}

}  // namespace shcnn::synth
