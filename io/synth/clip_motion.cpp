#include "io/synth/clip_motion.h"

#include <cmath>
#include <string>

#include "io/files/error.h"
#include "io/synth/face_geometry.h"

namespace shcnn::synth {
namespace {

/// A local displacement in face coordinates on one side of the face; m grows outwards (face_geometry.h).
struct FacePull {
  double m, v;  ///< centre
  double radius_m, radius_v;
  double pull_m, pull_v;  ///< relative strength; v downwards
};

/// The displacements of an action unit. A central one (m = 0) is applied once per side, so its strength is halved.
using Pulls = std::vector<FacePull>;

void add(Pulls& to, const Pulls& more) { to.insert(to.end(), more.begin(), more.end()); }

struct Places {
  double brow_v, eye_m, eye_v, nose_v, mouth_m, mouth_v, chin_v;
};

Pulls inner_brow_raise(const Places& p) { return {{0.16, p.brow_v, 0.26, 0.24, 0.05, -1.0}}; }            // AU1
Pulls outer_brow_raise(const Places& p) { return {{0.47, p.brow_v - 0.02, 0.28, 0.24, 0.05, -1.0}}; }     // AU2
Pulls brow_lower(const Places& p) { return {{0.26, p.brow_v, 0.36, 0.24, -0.55, 0.85}}; }                 // AU4
Pulls cheek_raise(const Places& p) { return {{p.eye_m + 0.1, p.eye_v + 0.32, 0.3, 0.24, 0.1, -0.7}}; }    // AU6
Pulls nose_wrinkle(const Places& p) { return {{0.1, p.nose_v - 0.12, 0.22, 0.3, 0.05, -1.0}}; }           // AU9
Pulls upper_lip_raise(const Places& p) { return {{0.14, p.mouth_v - 0.09, 0.22, 0.16, 0.05, -0.9}}; }     // AU10
Pulls corner_pull(const Places& p) { return {{p.mouth_m, p.mouth_v, 0.26, 0.26, 0.75, -0.75}}; }          // AU12
Pulls dimple(const Places& p) { return {{p.mouth_m + 0.04, p.mouth_v, 0.24, 0.22, 1.0, -0.1}}; }          // AU14
Pulls corner_depress(const Places& p) { return {{p.mouth_m, p.mouth_v + 0.02, 0.26, 0.24, -0.1, 1.0}}; }  // AU15
Pulls chin_raise(const Places& p) { return {{0.0, p.chin_v - 0.18, 0.3, 0.22, 0.0, -0.5}}; }              // AU17
Pulls lip_stretch(const Places& p) { return {{p.mouth_m, p.mouth_v, 0.26, 0.22, 1.0, 0.15}}; }            // AU20
Pulls lip_press(const Places& p) { return {{p.mouth_m - 0.05, p.mouth_v, 0.26, 0.18, -0.9, 0.0}}; }       // AU24
Pulls jaw_drop(const Places& p) { return {{0.0, p.chin_v - 0.12, 0.5, 0.34, 0.0, 0.55}}; }                // AU26

/// The displacements of an emotion: its most frequent action units in these data sets. `one_sided` is set if only one
/// half of the face moves.
Pulls pulls_of(std::string_view emotion, const Places& p, bool& one_sided) {
  Pulls out;
  one_sided = false;
  if (emotion == "happiness") {
    add(out, corner_pull(p));
    add(out, cheek_raise(p));
  } else if (emotion == "disgust") {
    add(out, nose_wrinkle(p));
    add(out, upper_lip_raise(p));
  } else if (emotion == "repression") {
    add(out, corner_depress(p));
    add(out, chin_raise(p));
  } else if (emotion == "surprise") {
    add(out, inner_brow_raise(p));
    add(out, outer_brow_raise(p));
    add(out, jaw_drop(p));
  } else if (emotion == "others") {
    add(out, brow_lower(p));
  } else if (emotion == "tense") {
    add(out, brow_lower(p));
    add(out, lip_press(p));
  } else if (emotion == "anger") {
    add(out, brow_lower(p));
    add(out, lip_press(p));
    add(out, chin_raise(p));
  } else if (emotion == "fear") {
    add(out, inner_brow_raise(p));
    add(out, lip_stretch(p));
  } else if (emotion == "contempt") {
    add(out, dimple(p));
    one_sided = true;
  } else if (emotion == "sadness") {
    add(out, inner_brow_raise(p));
    add(out, corner_depress(p));
  } else {
    throw io::Error(io::ErrorKind::kUsage, "made clips", "", "no movement is known for '" + std::string(emotion) + "'",
                    "use an emotion of CASME, CASME II or SAMM");
  }
  return out;
}

double smooth_step(double t) { return t * t * (3.0 - 2.0 * t); }

}  // namespace

std::vector<std::string_view> moving_emotions() {
  return {"happiness", "disgust", "repression", "surprise", "others", "tense", "anger", "fear", "contempt", "sadness"};
}

ClipMotion::ClipMotion(std::string_view emotion, const FaceParameters& face, double peak, RandomStream& random) {
  const FaceGeometry g = make_face_geometry(face.identity, face.expression, face.view);
  const Places places = {g.brow[0].v0, face.identity.eye_distance, face.identity.eye_height,
                         g.nose_tip_v, g.mouth.half_width,         g.mouth.centre_v,
                         g.head_chin};
  bool one_sided = false;
  const Pulls pulls = pulls_of(emotion, places, one_sided);
  const int only = random.below(2);
  const double scale = face.view.scale;
  for (const FacePull& unit : pulls) {
    const double strength = random.bell(1.0, 0.12);
    for (int side = 0; side < 2; ++side) {
      const double half = strength * random.bell(1.0, 0.1);
      if (one_sided && side != only) continue;
      const double s = side == 0 ? -1.0 : 1.0;
      pulls_.push_back({{0.5 + face.view.shift_x + scale * s * unit.m, 0.5 + face.view.shift_y + scale * unit.v},
                        1.0 / (scale * unit.radius_m),
                        1.0 / (scale * unit.radius_v),
                        {half * s * unit.pull_m, half * unit.pull_v}});
    }
  }
  // scale so that the largest displacement on a fine grid is `peak`
  constexpr int kGrid = 96;
  double most = 0;
  for (int j = 0; j < kGrid; ++j) {
    for (int i = 0; i < kGrid; ++i) {
      const Vec2 d = displacement({(i + 0.5) / kGrid, (j + 0.5) / kGrid}, 1.0);
      most = std::fmax(most, d.x * d.x + d.y * d.y);
    }
  }
  const double factor = peak / std::sqrt(most);
  for (Pull& pull : pulls_) pull.pull = {factor * pull.pull.x, factor * pull.pull.y};

  shift_ = {random.bell(0.0, 0.4 * kMostDrift), random.bell(0.0, 0.4 * kMostDrift)};
  turn_ = random.bell(0.0, 0.0015);
  grow_ = random.bell(0.0, 0.0012);
}

Vec2 ClipMotion::displacement(Vec2 p, double strength) const {
  Vec2 sum;
  for (const Pull& pull : pulls_) {
    const double dx = (p.x - pull.centre.x) * pull.per_x, dy = (p.y - pull.centre.y) * pull.per_y;
    const double r2 = dx * dx + dy * dy;
    if (r2 >= 1.0) continue;
    const double weight = strength * (1.0 - r2) * (1.0 - r2);
    sum.x += weight * pull.pull.x;
    sum.y += weight * pull.pull.y;
  }
  return sum;
}

Vec2 ClipMotion::forward(Vec2 p, double strength, double drift) const {
  const Vec2 moved = displacement(p, strength);
  const double x = p.x + moved.x - 0.5, y = p.y + moved.y - 0.5;
  const double size = 1.0 + drift * grow_, turn = drift * turn_;  // small: sin t = t, cos t = 1
  return {0.5 + size * (x - turn * y) + drift * shift_.x, 0.5 + size * (y + turn * x) + drift * shift_.y};
}

Vec2 ClipMotion::backward(Vec2 p, double strength, double drift) const {
  Vec2 q = p;
  // for displacements up to 2 px at 120 x 120, each iteration gains at least about half a decimal digit
  for (int step = 0; step < 8; ++step) {
    const Vec2 there = forward(q, strength, drift);
    q = {q.x + p.x - there.x, q.y + p.y - there.y};
  }
  return q;
}

double expression_strength(double time, double apex, double rest) {
  if (time <= apex) return apex > 0 ? smooth_step(time / apex) : 1.0;
  return rest + (1.0 - rest) * smooth_step((1.0 - time) / (1.0 - apex));
}

}  // namespace shcnn::synth
