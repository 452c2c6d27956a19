// Defines how each action unit moves the parts of a face. The amplitudes are those of drawn faces: a strong unit moves
// a brow by half an eye's width and a jaw by the distance between lip and nose.
#include "io/synth/face_geometry.h"

#include <cstddef>
#include <tuple>

namespace shcnn::synth {
namespace {

double at_least(double x, double low) { return x > low ? x : low; }

EyeShape make_eye(const FaceIdentity& id, const FaceExpression& e, int side) {
  EyeShape eye;
  eye.centre_m = id.eye_distance;
  eye.centre_v = id.eye_height;
  eye.half_width = id.eye_width;
  eye.slant = -id.eye_slant * id.eye_width;
  const double open = (1.0 - e.eye_close) * id.eye_open;
  const double upper = 0.062 + 0.05 * e.upper_lid_raise - 0.022 * e.lid_tighten - 0.018 * e.cheek_raise -
                       0.014 * e.brow_lower - 0.012 * e.nose_wrinkle;
  const double lower =
      0.042 + 0.012 * e.upper_lid_raise - 0.022 * e.lid_tighten - 0.034 * e.cheek_raise - 0.018 * e.nose_wrinkle;
  eye.open_upper = at_least(open * upper, 0.004);
  eye.open_lower = at_least(open * lower, -0.012);
  eye.iris_radius = 0.47 * id.eye_width;
  eye.iris_m = eye.centre_m + (side == 0 ? -1.0 : 1.0) * 0.35 * id.eye_width * e.gaze_x;
  eye.iris_v = eye.centre_v - 0.012 + 0.03 * e.gaze_y;
  eye.crease = 0.04 + 0.012 * e.upper_lid_raise - 0.012 * e.brow_lower;
  return eye;
}

BrowShape make_brow(const FaceIdentity& id, const FaceExpression& e) {
  BrowShape brow;
  const double rest = id.eye_height - id.brow_height;
  const double inner = rest - 0.13 * e.inner_brow_raise + 0.12 * e.brow_lower + 0.05 * e.nose_wrinkle + 0.015;
  const double middle = rest - id.brow_arch - 0.06 * e.inner_brow_raise - 0.11 * e.outer_brow_raise +
                        0.065 * e.brow_lower + 0.02 * e.nose_wrinkle + 0.01 * e.cheek_raise;
  const double outer = rest + 0.035 + 0.035 * e.inner_brow_raise - 0.14 * e.outer_brow_raise + 0.0 * e.brow_lower;
  brow.inner_m = 0.135 - 0.05 * e.brow_lower - 0.012 * e.inner_brow_raise;
  brow.length = id.eye_distance + 1.5 * id.eye_width - brow.inner_m;
  // parabola through (0, inner), (0.55, middle), (1, outer)
  brow.v0 = inner;
  brow.v2 = ((middle - inner) / 0.55 - (outer - inner)) / (0.55 - 1.0);
  brow.v1 = (outer - inner) - brow.v2;
  brow.thickness = id.brow_thickness * (1.0 + 0.15 * e.brow_lower);
  return brow;
}

MouthShape make_mouth(const FaceIdentity& id, const FaceExpression& e) {
  MouthShape mouth;
  const double pull = 0.5 * (e.lip_corner_pull[0] + e.lip_corner_pull[1]);
  mouth.centre_u = 0.02 * (e.dimple[1] - e.dimple[0]);
  mouth.centre_v = id.mouth_height - 0.025 * e.chin_raise - 0.03 * e.upper_lip_raise - 0.015 * e.nose_wrinkle +
                   0.02 * e.jaw_drop + 0.01 * pull;
  const double width = 1.0 + 0.32 * pull + 0.27 * e.lip_stretch -
                       0.30 * e.jaw_drop * (1.0 - pull) * (1.0 - 0.8 * e.lip_stretch) - 0.10 * e.lip_tighten -
                       0.06 * e.chin_raise;
  mouth.half_width = id.mouth_width * width;
  for (int side = 0; side < 2; ++side) {
    mouth.corner[side] = -id.mouth_curve - 0.135 * e.lip_corner_pull[side] - 0.045 * e.dimple[side] +
                         0.10 * e.lip_corner_depress + 0.025 * e.lip_stretch + 0.02 * e.upper_lip_raise;
  }
  mouth.arch = 0.028 * e.chin_raise + 0.02 * e.upper_lip_raise - 0.02 * pull;
  mouth.gap_upper = 0.012 * e.lips_part + 0.035 * e.upper_lip_raise * (0.3 + 0.7 * e.lips_part) + 0.06 * e.jaw_drop;
  mouth.gap_lower = 0.055 * e.lips_part + 0.25 * e.jaw_drop + 0.06 * e.lower_lip_depress * e.lips_part;
  const double thin = (1.0 - 0.55 * e.lip_tighten) * (1.0 - 0.25 * pull);
  mouth.lip_upper = id.lip_upper * thin * (1.0 - 0.2 * e.upper_lip_raise);
  mouth.lip_lower = id.lip_lower * thin * (1.0 + 0.25 * e.chin_raise);
  const double square = 0.8 * e.lower_lip_depress + 0.5 * e.lip_stretch + 0.35 * pull + 0.3 * e.upper_lip_raise;
  mouth.squareness = square < 1.0 ? square : 1.0;
  const double smile = pull > 0.3 ? pull - 0.3 : 0.0;
  mouth.teeth_upper = 0.025 * e.lips_part + 0.06 * smile + 0.05 * e.upper_lip_raise;
  mouth.teeth_lower = 0.06 * e.lower_lip_depress + 0.02 * e.lip_stretch;
  return mouth;
}

}  // namespace

FaceGeometry make_face_geometry(const FaceIdentity& id, const FaceExpression& e, const FaceView& view) {
  FaceGeometry g;
  g.head_width = id.head_width;
  g.head_top = 1.08;
  g.head_chin = 1.0 + 0.15 * e.jaw_drop - 0.015 * e.chin_raise;
  g.jaw = id.jaw;
  for (int side = 0; side < 2; ++side) {
    g.eye[side] = make_eye(id, e, side);
    g.brow[side] = make_brow(id, e);
  }
  g.mouth = make_mouth(id, e);
  g.nose_tip_u = 0.22 * view.yaw;
  g.nose_tip_v =
      id.eye_height + id.nose_length + 0.22 * view.pitch - 0.035 * e.nose_wrinkle - 0.012 * e.upper_lip_raise;
  g.nose_width = id.nose_width * (1.0 + 0.16 * e.nose_wrinkle + 0.08 * e.upper_lip_raise +
                                  0.05 * (e.lip_corner_pull[0] + e.lip_corner_pull[1]));
  g.nostril = 0.028 + 0.008 * e.nose_wrinkle;

  g.frown_lines = e.brow_lower;
  g.forehead_lines = 0.5 * (e.inner_brow_raise + e.outer_brow_raise) + 0.25 * id.age;
  g.nose_wrinkles = e.nose_wrinkle;
  g.chin_wrinkles = e.chin_raise;
  g.crows_feet = e.cheek_raise * (0.5 + 0.5 * id.age);
  g.eye_bags = 0.25 + 0.4 * id.age + 0.35 * e.cheek_raise + 0.2 * e.lid_tighten;
  for (int side = 0; side < 2; ++side) {
    g.nasolabial[side] = 0.12 + 0.35 * id.age + 0.55 * e.lip_corner_pull[side] + 0.35 * e.dimple[side] +
                         0.7 * e.upper_lip_raise + 0.35 * e.nose_wrinkle + 0.2 * e.cheek_raise;
    g.dimple[side] = 0.9 * e.dimple[side] + 0.35 * e.lip_corner_pull[side] + 0.3 * e.lip_corner_depress;
  }

  const double lift = 0.06 * e.cheek_raise;
  const double mouth_v = g.mouth.centre_v;
  std::size_t bumps = 0;
  const auto bump = [&](double u, double v, double radius_u, double radius_v, double height) {
    g.bumps[bumps++] = {u, v, 1.0 / radius_u, 1.0 / radius_v, height};
  };
  for (int side = 0; side < 2; ++side) {
    const double s = side == 0 ? -1.0 : 1.0;
    const double cheek = 0.10 + 0.05 * e.cheek_raise + 0.05 * e.lip_corner_pull[side] + 0.03 * e.upper_lip_raise;
    bump(s * 0.42, 0.20 - lift, 0.30, 0.26, cheek);
    bump(s * id.eye_distance, id.eye_height - 0.01, 0.24, 0.17, -0.09);  // socket
    bump(s * id.eye_distance, id.eye_height, id.eye_width, 0.09, 0.05);  // eye ball
    bump(s * 0.30, g.brow[side].v0 + 0.4 * g.brow[side].v1, 0.33, 0.14, 0.045);
    bump(g.nose_tip_u + s * g.nose_width, g.nose_tip_v - 0.02, 0.075, 0.075, 0.05);         // wing of the nose
    bump(s * g.mouth.half_width * 1.12, mouth_v + g.mouth.corner[side], 0.09, 0.1, -0.02);  // corner of the mouth
  }
  bump(0.5 * g.nose_tip_u, 0.5 * (id.eye_height + g.nose_tip_v), 0.15, 0.36, 0.15);    // ridge of the nose
  bump(g.nose_tip_u, g.nose_tip_v - 0.03, 0.13, 0.13, 0.12);                           // tip of the nose
  bump(0, mouth_v, 0.4, 0.26, 0.07);                                                   // area around the mouth
  bump(0, g.head_chin - 0.2, 0.24, 0.17, 0.07 + 0.02 * e.chin_raise);                  // chin
  bump(0, mouth_v + g.mouth.gap_lower + g.mouth.lip_lower + 0.06, 0.2, 0.07, -0.035);  // fold below the lip
  static_assert(std::tuple_size_v<decltype(g.bumps)> == 17);
  return g;
}

}  // namespace shcnn::synth
