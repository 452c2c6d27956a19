// Layers from back to front: background, clothes and neck, hair behind the head, ears, the lit head, folds, nose,
// beard, mouth, eyes, brows, hair over the forehead, glasses. A shape is given by its signed distance (negative
// inside), which is converted to the covered fraction of a sample.
#include "io/synth/face_painter.h"

#include <cmath>

#include "io/synth/random_stream.h"

namespace shcnn::synth {
namespace {

constexpr double kHeadDepth = 0.55;             ///< depth of the head from its silhouette to the middle of the face
constexpr std::uint64_t kTextureItem = 0x7E57;  ///< stream of the noise lattice, seeded by texture_seed

double clamp(double x, double low, double high) { return x < low ? low : (x > high ? high : x); }
double absolute(double x) { return x < 0 ? -x : x; }
double square(double x) { return x * x; }
double mix(double from, double to, double share) { return from + (to - from) * share; }
/// A smooth spot: (1 - r^2)^2 inside the unit circle, else 0.
double spot(double r2) { return r2 < 1.0 ? square(1.0 - r2) : 0.0; }
/// Smoothstep: 0 at t = 0, 1 at t = 1, with zero slope at both ends.
double ease(double t) { return t * t * (3.0 - 2.0 * t); }
/// Smoothstep from 0 at `low` to 1 at `high`, constant outside; `low` may be greater than `high`.
double ramp(double low, double high, double x) { return ease(clamp((x - low) / (high - low), 0.0, 1.0)); }
/// Many times faster than std::floor if the compiler may not use SSE 4.1.
int floor_to_int(double x) {
  const int i = static_cast<int>(x);
  return i > x ? i - 1 : i;
}
double ellipse_distance(double u, double v, double radius_u, double radius_v) {
  const double r = std::sqrt(square(u / radius_u) + square(v / radius_v));
  return (r - 1.0) * (radius_u < radius_v ? radius_u : radius_v);
}
double rounded_box_distance(double u, double v, double half_u, double half_v, double radius) {
  const double du = absolute(u) - half_u + radius, dv = absolute(v) - half_v + radius;
  const double outside = std::sqrt(square(du > 0 ? du : 0.0) + square(dv > 0 ? dv : 0.0));
  const double inside = du > dv ? du : dv;
  return outside + (inside < 0 ? inside : 0.0) - radius;
}
/// Taylor series: exact to 1e-9 for the small angles of a pose, with the same bits on every machine.
double small_sin(double x) { return x * (1.0 - x * x / 6.0 * (1.0 - x * x / 20.0 * (1.0 - x * x / 42.0))); }
double small_cos(double x) {
  return 1.0 - x * x / 2.0 * (1.0 - x * x / 12.0 * (1.0 - x * x / 30.0 * (1.0 - x * x / 56.0)));
}

}  // namespace

FacePainter::FacePainter(const FaceParameters& parameters, double pixel)
    : parameters_(parameters),
      geometry_(make_face_geometry(parameters.identity, parameters.expression, parameters.view)),
      soft_(pixel / parameters.view.scale) {
  const FaceView& view = parameters_.view;
  cos_roll_ = small_cos(view.roll);
  sin_roll_ = small_sin(view.roll);
  cos_yaw_ = small_cos(view.yaw);
  sin_yaw_ = small_sin(view.yaw);
  cos_pitch_ = small_cos(view.pitch);
  sin_pitch_ = small_sin(view.pitch);
  lamp_n_ = 1.0 / std::sqrt(1.0 + square(view.light_x) + square(view.light_y));
  lamp_u_ = view.light_x * lamp_n_;
  lamp_v_ = view.light_y * lamp_n_;
  RandomStream random(parameters_.identity.texture_seed, kTextureItem);
  for (double& cell : lattice_) cell = random.uniform(-1.0, 1.0);
}

double FacePainter::cover(double distance) const { return clamp(0.5 - distance / soft_, 0.0, 1.0); }

/// Coverage of a strip between two curves, from the signed distances to both. It is exact even if the strip is thinner
/// than a sample.
double FacePainter::cover_between(double above, double below) const {
  const double both = cover(above) + cover(below) - 1.0;
  return both > 0 ? both : 0.0;
}

/// A soft stroke, 1 on its centre line. A stroke thinner than the sample spacing is widened to about that spacing and
/// made fainter, so that its total ink is unchanged.
double FacePainter::line(double offset, double half_width) const {
  const double least = 0.9 * soft_;
  const double width = half_width < least ? least : half_width;
  return spot(square(offset / width)) * (half_width / width);
}

/// Smooth noise, -1 .. 1, one lattice cell per unit of u and v.
double FacePainter::noise(double u, double v) const {
  const int i = floor_to_int(u), j = floor_to_int(v);
  const double a = ease(u - i), b = ease(v - j);
  const auto at = [&](int column, int row) {
    return lattice_[(row & (kLattice - 1)) * kLattice + (column & (kLattice - 1))];
  };
  return mix(mix(at(i, j), at(i + 1, j), a), mix(at(i, j + 1), at(i + 1, j + 1), a), b);
}

/// Relative brightness of the hair's strands, around 1.
double FacePainter::hair_streak(Point p) const {
  return 1.0 + 0.3 * noise(9.0 * p.u + 11.0, 2.0 * p.v) + 0.15 * noise(23.0 * p.u, 4.0 * p.v);
}

FacePainter::Point FacePainter::to_face(double x, double y) const {
  const FaceView& view = parameters_.view;
  const double dx = (x - 0.5 - view.shift_x) / view.scale, dy = (y - 0.5 - view.shift_y) / view.scale;
  return {cos_roll_ * dx + sin_roll_ * dy, cos_roll_ * dy - sin_roll_ * dx};
}

/// The point of the turned head that is visible at p, from four fixed-point iterations on the depth of a paraboloid.
/// Outside the head the depth is 0.
FacePainter::Point FacePainter::turn(Point p) const {
  Point q = p;
  const double per_u = 1.0 / square(geometry_.head_width), per_v = 1.0 / square(geometry_.head_top);
  const double per_cos_yaw = 1.0 / cos_yaw_, per_cos_pitch = 1.0 / cos_pitch_;
  for (int step = 0; step < 4; ++step) {
    const double r2 = square(q.u) * per_u + square(q.v) * per_v;
    const double depth = r2 < 1.0 ? kHeadDepth * (1.0 - r2) : 0.0;
    q = {(p.u - depth * sin_yaw_) * per_cos_yaw, (p.v - depth * sin_pitch_) * per_cos_pitch};
  }
  return q;
}

double FacePainter::head_distance(Point p, double grow) const {
  const double width = geometry_.head_width * jaw_factor(geometry_, p.v) + grow;
  const double height = (p.v < 0 ? geometry_.head_top : geometry_.head_chin) + grow;
  // a shape between an ellipse and a box: cheeks and jaw are steeper than a circle
  const double a = square(p.u / width), b = square(p.v / height);
  const double r4 = a * a + b * b + 1.25 * a * b;
  if (r4 < 0.2) return -0.3 * width;  // far inside, where the exact distance is not needed
  return (std::sqrt(std::sqrt(r4)) - 1.0) * width;
}

/// Light by Lambert's law on the head's paraboloid with its bumps, plus ambient light.
double FacePainter::light(Point p) const {
  double slope_u = -2.0 * kHeadDepth * p.u / square(geometry_.head_width);
  double slope_v = -2.0 * kHeadDepth * p.v / square(geometry_.head_top);
  for (const Bump& bump : geometry_.bumps) {
    const double du = (p.u - bump.u) * bump.per_u, dv = (p.v - bump.v) * bump.per_v;
    const double r2 = du * du + dv * dv;
    if (r2 >= 1.0) continue;
    const double common = -4.0 * bump.height * (1.0 - r2);
    slope_u += common * du * bump.per_u;
    slope_v += common * dv * bump.per_v;
  }
  const double facing =
      (lamp_n_ - lamp_u_ * slope_u - lamp_v_ * slope_v) / std::sqrt(1.0 + square(slope_u) + square(slope_v));
  const double ambient = parameters_.view.ambient;
  return ambient + (1.0 - ambient) * (facing > 0 ? facing : 0.0);
}

void FacePainter::paint_background(Point p, double x, double& gray) const {
  const FaceView& view = parameters_.view;
  gray = view.background + view.background_slope * (x - 0.5) + 0.05 * noise(1.3 * p.u + 7.0, 1.3 * p.v + 3.0);
  // shoulders, a wide arc below the chin, with the neck in front of them
  const double shoulder_v = 1.12 + 0.28 * p.u * p.u;
  gray = mix(gray, view.clothes * (0.8 + 0.1 * noise(4.0 * p.u, 4.0 * p.v)), cover(0.7 * (shoulder_v - p.v)));
  const double neck_half = 0.42 * parameters_.identity.head_width / 0.74;
  const double neck = cover(absolute(p.u) - neck_half - 0.15 * square(clamp(p.v - 0.8, 0.0, 1.0))) * cover(0.5 - p.v) *
                      cover(p.v - 1.25 + 0.6 * p.u * p.u);
  const double roundness = 1.0 - 0.35 * square(p.u / neck_half);
  gray =
      mix(gray, parameters_.identity.skin * roundness * (0.45 + 0.25 * (1.0 - spot(square((p.v - 0.9) / 0.5)))), neck);
}

void FacePainter::paint_hair_and_ears(Point p, double& gray) const {
  const FaceIdentity& id = parameters_.identity;
  if (id.hairline > -1.0) {  // the hair behind the head; long hair reaches the shoulders
    const double length = -0.25 + 1.5 * id.hair_length + 0.1 * noise(6.0 * p.u, 21.0);
    const double grow = 0.09 + 0.08 * id.hair_length;
    const double below = p.v > 0 ? p.v : 0.0;
    const double distance = head_distance({p.u, p.v - (0.75 + 0.1 * id.hair_length) * below}, grow);
    const double lit = 0.75 + 0.35 * clamp(lamp_u_ * p.u - 0.4 * lamp_v_, -0.5, 1.0);
    const double hair = cover(distance) * cover(0.6 * (p.v - length));
    if (hair > 0) gray = mix(gray, id.hair_albedo * hair_streak(p) * lit, hair);
  }
  for (int side = 0; side < 2; ++side) {
    const double m = side == 0 ? -p.u : p.u;
    if (m < 0.4) continue;
    const double turned = (side == 0 ? 1.0 : -1.0) * 0.25 * sin_yaw_;
    const double du = m - id.head_width * 1.0 - turned, dv = p.v + 0.02;
    const double ear =
        cover(ellipse_distance(du + 0.12 * dv, dv, 0.085, 0.2)) * (1.0 - clamp(2.0 * id.hair_length - 0.4, 0.0, 1.0));
    const double inner = spot(square((du - 0.01) / 0.05) + square((dv + 0.02) / 0.13));
    const double lit = 0.62 + 0.3 * clamp((side == 0 ? -1.0 : 1.0) * lamp_u_, -1.0, 1.0);
    gray = mix(gray, id.skin * lit * (1.0 - 0.35 * inner), ear);
  }
}

void FacePainter::paint_head(Point p, double& gray) const {
  const FaceIdentity& id = parameters_.identity;
  const double mottle = id.texture * (noise(5.0 * p.u, 5.0 * p.v) + 0.6 * noise(17.0 * p.u + 5.0, 17.0 * p.v));
  gray = id.skin * (1.0 + mottle) * light(p);
}

/// Draws wrinkles and folds as dark soft strokes.
void FacePainter::paint_folds(Point p, double& gray) const {
  const FaceGeometry& g = geometry_;
  const FaceIdentity& id = parameters_.identity;
  double ink = 0;
  // lines across the forehead, parallel to the raised brows
  if (p.v < g.brow[0].v0 - 0.03) {
    const double bow = 0.07 * square(p.u / 0.4);
    for (int k = 0; k < 3; ++k) {
      const double v = id.eye_height - id.brow_height - 0.17 - 0.085 * k - 0.06 * (g.forehead_lines) + bow;
      ink += 0.42 * clamp(g.forehead_lines, 0.0, 1.0) * line(p.v - v, 0.022) * spot(square(p.u / (0.5 - 0.06 * k)));
    }
  }
  // vertical lines between the brows
  const double frown_v = id.eye_height - 0.6 * id.brow_height + 0.05;
  ink += 0.75 * g.frown_lines * spot(square((p.v - frown_v) / 0.17)) *
         (line(absolute(p.u) - 0.05 - 0.15 * square(p.v - frown_v), 0.022));
  // wrinkles across the root of the nose
  if (g.nose_wrinkles > 0) {
    for (int k = 0; k < 3; ++k) {
      const double v = id.eye_height - 0.06 + 0.075 * k - 0.5 * absolute(p.u) * (k == 2 ? -0.6 : 0.4);
      ink += 0.6 * g.nose_wrinkles * line(p.v - v, 0.02) * spot(square(p.u / 0.15));
    }
  }
  for (int side = 0; side < 2; ++side) {
    const double m = side == 0 ? -p.u : p.u;
    if (m < -0.05) continue;
    const EyeShape& eye = g.eye[side];
    // from the wing of the nose around the corner of the mouth
    const double top = g.nose_tip_v - 0.03, bottom = g.mouth.centre_v + 0.5 * g.mouth.corner[side] + 0.05;
    const double t = (p.v - top) / (bottom - top);
    if (t > -0.2 && t < 1.2) {
      const double start = g.nose_width + 0.05, end = g.mouth.half_width + 0.09;
      const double m_fold = mix(start, end, t) + 0.06 * t * (1.0 - t) * 4.0 * g.nasolabial[side] * 0.5;
      const double taper = spot(square((t - 0.45) / 0.65));
      const double offset = m - m_fold;
      ink += 0.5 * clamp(g.nasolabial[side], 0.0, 1.3) * taper * line(offset, 0.03);
      gray *= 1.0 + 0.10 * clamp(g.nasolabial[side], 0.0, 1.3) * taper * spot(square((offset - 0.07) / 0.07));
    }
    // below and beside the eye
    const double t_eye = (m - eye.centre_m) / eye.half_width;
    const double bag_v = eye.centre_v + eye.open_lower + 0.055 - 0.04 * t_eye * t_eye;
    ink += 0.3 * g.eye_bags * line(p.v - bag_v, 0.03) * spot(square(t_eye / 1.25));
    if (g.crows_feet > 0) {
      for (int k = -1; k <= 1; ++k) {
        const double v = eye.centre_v + 0.01 + 0.04 * k + k * 0.28 * (m - eye.centre_m - eye.half_width);
        ink += 0.5 * g.crows_feet * line(p.v - v, 0.014) *
               spot(square((m - eye.centre_m - eye.half_width - 0.09) / 0.075));
      }
    }
    // beside the corner of the mouth
    const double corner_u = g.mouth.half_width + 0.035, corner_v = g.mouth.centre_v + g.mouth.corner[side];
    ink += 0.65 * g.dimple[side] *
           spot(square((m - corner_u - (side == 0 ? -1.0 : 1.0) * g.mouth.centre_u) / 0.05) +
                square((p.v - corner_v) / 0.085));
  }
  // wrinkled chin
  if (g.chin_wrinkles > 0) {
    const double chin_v = g.head_chin - 0.22;
    const double arc = p.v - (chin_v - 0.10 + 0.6 * p.u * p.u);
    ink += 0.5 * g.chin_wrinkles * line(arc, 0.03) * spot(square(p.u / 0.24));
    ink += 0.3 * g.chin_wrinkles * spot(square(p.u / 0.16) + square((p.v - chin_v - 0.02) / 0.10)) *
           (0.5 + 0.5 * noise(24.0 * p.u, 24.0 * p.v));
  }
  gray *= 1.0 - 0.75 * clamp(ink, 0.0, 1.0);
}

void FacePainter::paint_eye(int side, double m, double v, double shade, double& gray) const {
  const EyeShape& eye = geometry_.eye[side];
  const FaceIdentity& id = parameters_.identity;
  const double t = (m - eye.centre_m) / eye.half_width;
  if (absolute(t) > 1.5 || absolute(v - eye.centre_v) > 0.25) return;
  const double middle = eye.centre_v + eye.slant * t, arc = 1.0 - t * t;
  const double upper = middle - eye.open_upper * arc * (1.0 - 0.15 * t), lower = middle + eye.open_lower * arc;
  const double slope = 2.0 * eye.open_upper * t / eye.half_width;
  const double steep = std::sqrt(1.0 + slope * slope);
  // the crease above the upper lid
  const double crease = upper - eye.crease * (0.4 + 0.6 * (arc > 0 ? arc : 0.0));
  gray *= 1.0 - 0.32 * line((v - crease) / steep, 0.02) * spot(square(t / 1.25));

  const double above = (upper - v) / steep, below = (v - lower) / steep;
  const double opening = cover_between(above, below);
  if (opening > 0) {
    const double ball = 0.86 * (0.45 + 0.55 * shade) * (1.0 - 0.25 * t * t);
    double inside = ball;
    const double r = std::sqrt(square(m - eye.iris_m) + square(v - eye.iris_v));
    inside = mix(inside, id.iris * (0.5 + 0.5 * shade), cover(r - eye.iris_radius));
    inside = mix(inside, 0.03, cover(r - 0.48 * eye.iris_radius));
    const double glint = square(m - eye.iris_m + (side == 0 ? -0.022 : 0.022) * 1.0) + square(v - eye.iris_v + 0.024);
    inside = mix(inside, 0.95, 0.9 * spot(glint / square(0.022)));
    inside *= 1.0 - 0.45 * spot(square((v - upper) / 0.045));  // shadow of the lid
    gray = mix(gray, inside, opening);
  }
  const double lash = line((v - upper) / steep, 0.022) * ramp(1.18, 0.9, absolute(t));
  gray *= 1.0 - 0.85 * lash;
  gray *= 1.0 - 0.35 * line(v - lower, 0.013) * ramp(1.05, 0.8, absolute(t));
}

void FacePainter::paint_brow(int side, double m, double v, double shade, double& gray) const {
  const BrowShape& brow = geometry_.brow[side];
  const FaceIdentity& id = parameters_.identity;
  const double t = (m - brow.inner_m) / brow.length;
  if (t < -0.2 || t > 1.2) return;
  const double middle = brow.v0 + t * (brow.v1 + t * brow.v2);
  if (absolute(v - middle) > 0.2) return;
  const double slope = (brow.v1 + 2.0 * t * brow.v2) / brow.length;
  const double offset = (v - middle) / std::sqrt(1.0 + slope * slope);
  const double thickness = brow.thickness * (1.0 - 0.55 * t * t);
  const double ends = ramp(-0.06, 0.06, t) * ramp(1.06, 0.9, t);
  const double hairs = 0.85 + 0.15 * noise(40.0 * m, 14.0 * v + 40.0 * m);
  gray = mix(gray, id.brow_albedo * shade, ends * hairs * cover(absolute(offset) - thickness));
}

void FacePainter::paint_nose(Point p, double& gray) const {
  const FaceGeometry& g = geometry_;
  const double du = p.u - g.nose_tip_u, dv = p.v - g.nose_tip_v;
  if (absolute(du) > 0.3 || absolute(dv) > 0.3) return;
  double ink = 0.35 * spot(square(du / 0.15) + square((dv - 0.075) / 0.06));  // shadow under the tip
  const double m = absolute(du);
  ink += 0.8 * spot(square((m - 0.55 * g.nose_width) / 0.05) + square((dv - 0.045) / g.nostril));
  // rim of the wing: an arc that is open towards the middle
  const double wing = std::sqrt(square((m - 0.45 * g.nose_width) / (0.62 * g.nose_width)) + square((dv + 0.0) / 0.075));
  ink += ramp(0.5 * g.nose_width, 0.9 * g.nose_width, m) * 0.5 * line((wing - 1.0) * 0.07, 0.02);
  gray *= 1.0 - clamp(ink, 0.0, 0.9);
}

void FacePainter::paint_mouth(Point p, double shade, double& gray) const {
  const MouthShape& mouth = geometry_.mouth;
  const FaceIdentity& id = parameters_.identity;
  const double t = (p.u - mouth.centre_u) / mouth.half_width;
  if (absolute(t) > 1.3 || absolute(p.v - mouth.centre_v) > 0.6) return;
  const double t2 = t * t, arc = 1.0 - t2;
  const double corner = mouth.corner[t < 0 ? 0 : 1];
  const double middle = mouth.centre_v + corner * t2 - mouth.arch * arc;
  const double gap = arc * (1.0 + mouth.squareness * t2);
  const double inner_upper = middle - mouth.gap_upper * gap, inner_lower = middle + mouth.gap_lower * gap;
  const double bow = 1.0 - 0.22 * spot(square(t / 0.22)) + 0.12 * spot(square((absolute(t) - 0.28) / 0.25));
  const double outer_upper = inner_upper - mouth.lip_upper * arc * bow;
  const double outer_lower = inner_lower + mouth.lip_lower * arc * (1.0 + 0.4 * mouth.squareness * t2);
  const double slope_upper =
      std::sqrt(1.0 + square(2.0 * t * (corner + mouth.arch + mouth.gap_upper) / mouth.half_width));
  const double slope_lower =
      std::sqrt(1.0 + square(2.0 * t * (corner + mouth.arch - mouth.gap_lower) / mouth.half_width));

  const double lips_above = (outer_upper - p.v) / slope_upper, lips_below = (p.v - outer_lower) / slope_lower;
  const double lips = cover_between(lips_above, lips_below);
  // the upper lip faces down and is darker; the lower lip has a highlight in its middle
  const double lip_shade =
      p.v < middle ? 0.82 : 1.0 + 0.16 * spot(square((p.v - inner_lower - 0.5 * mouth.lip_lower) / 0.04) + 0.6 * t2);
  gray = mix(gray, id.skin * id.lip_albedo * shade * lip_shade, lips);
  gray *= 1.0 - 0.3 * spot(square((p.v - outer_lower - 0.03) / 0.045)) * (arc > 0 ? arc : 0.0);  // shadow below

  const double open_above = (inner_upper - p.v) / slope_upper, open_below = (p.v - inner_lower) / slope_lower;
  const double opening = cover_between(open_above, open_below);
  if (opening > 0) {
    double inside = 0.05;
    const double tongue_v = inner_lower - 0.2 * mouth.gap_lower;
    inside =
        mix(inside, 0.28 * shade, ramp(0.12, 0.3, mouth.gap_lower) * spot(t2 / 0.55 + square((p.v - tongue_v) / 0.12)));
    const double teeth_light = 0.88 * (0.35 + 0.65 * shade) * (1.0 - 0.3 * t2);
    inside =
        mix(inside, teeth_light, cover(p.v - inner_upper - mouth.teeth_upper) * ramp(0.0, 0.03, mouth.teeth_upper));
    inside = mix(inside, 0.9 * teeth_light,
                 cover(inner_lower - mouth.teeth_lower - p.v) * ramp(0.0, 0.03, mouth.teeth_lower));
    gray = mix(gray, inside, opening);
  }
  // the line between closed lips
  const double closed = ramp(0.03, 0.0, mouth.gap_upper + mouth.gap_lower);
  gray *= 1.0 -
          0.8 * (0.35 + 0.65 * closed) * line((p.v - inner_upper) / slope_upper, 0.02) * ramp(1.12, 0.95, absolute(t));
}

void FacePainter::paint_beard(Point p, double shade, double& gray) const {
  const FaceIdentity& id = parameters_.identity;
  if (p.v < 0.05 || id.beard + id.moustache <= 0) return;
  const MouthShape& mouth = geometry_.mouth;
  const double stubble = 0.8 + 0.25 * noise(26.0 * p.u, 26.0 * p.v) + 0.1 * noise(50.0 * p.u, 50.0 * p.v);
  const double around = ellipse_distance(p.u, p.v - mouth.centre_v - 0.04, 1.25 * mouth.half_width,
                                         0.12 + mouth.gap_upper + mouth.gap_lower + mouth.lip_lower);
  const double jaw = ramp(0.0, 0.18, around) * ramp(0.1, 0.4, p.v - 0.25 + 0.55 * absolute(p.u));
  gray = mix(gray, id.hair_albedo * shade * stubble, 0.85 * id.beard * jaw);
  const double lip_top = mouth.centre_v - mouth.gap_upper - mouth.lip_upper;
  const double nose_bottom = geometry_.nose_tip_v + 0.08;
  const double across = absolute(p.u) / (1.05 * mouth.half_width);
  const double hair_v = mix(nose_bottom, lip_top, 0.6) + 0.06 * across * across;
  const double strip = spot(square((p.v - hair_v) / (0.10))) * ramp(1.1, 0.8, across);
  gray = mix(gray, id.hair_albedo * shade * stubble, clamp(1.3 * id.moustache * strip, 0.0, 0.95));
}

void FacePainter::paint_glasses(Point p, double& gray) const {
  const FaceIdentity& id = parameters_.identity;
  if (id.glasses <= 0 || absolute(p.v - id.eye_height) > 0.35) return;
  const double m = absolute(p.u), v = p.v - id.eye_height - 0.035;
  const double half = id.glasses_size;
  const double rim = rounded_box_distance(m - id.eye_distance, v, half, 0.78 * half, 0.5 * half);
  const double ink = mix(0.45, 0.9, id.glasses);
  gray *= 1.0 - 0.12 * cover(rim);  // the lens absorbs some light
  const double reflection = spot(square((p.u - v + 0.25 - lamp_u_ * 0.3) / 0.05)) * cover(rim + 0.02);
  gray = mix(gray, 0.85, 0.25 * reflection);
  double frame = line(rim, 0.028 + 0.012 * id.glasses);
  const double bridge = line(v + 0.045 - 0.8 * m * m, 0.025) * (m < id.eye_distance - half ? 1.0 : 0.0);
  const double temple = line(v + 0.05, 0.022) * (m > id.eye_distance + half ? 1.0 : 0.0);
  frame = frame > bridge ? frame : bridge;
  frame = frame > temple ? frame : temple;
  gray = mix(gray, 0.08, ink * frame);
}

double FacePainter::luminance(double x, double y) const {
  const FaceIdentity& id = parameters_.identity;
  const Point flat = to_face(x, y);
  double gray = 0;
  const double silhouette = cover(head_distance(flat, 0.0));
  if (silhouette < 1.0) {
    paint_background(flat, x, gray);
    paint_hair_and_ears(flat, gray);
  }
  if (silhouette <= 0) return gray;

  const Point p = turn(flat);
  double face = 0;
  paint_head(p, face);
  const double shade = face / id.skin;
  paint_folds(p, face);
  paint_nose(p, face);
  paint_beard(p, shade, face);
  paint_mouth(p, shade, face);
  const int side = p.u < 0 ? 0 : 1;
  const double m = absolute(p.u);
  paint_eye(side, m, p.v, shade, face);
  paint_brow(side, m, p.v, shade, face);
  if (id.hairline > -1.0) {  // hair over the forehead and down to the temples, with a ragged edge
    const double fall =
        id.hairline + id.hairline_curve * p.u * p.u + id.hair_part * p.u + 0.035 * noise(7.0 * p.u + 2.0, 3.0);
    const double strand = 0.05 * noise(3.0 * p.v + 9.0, 5.0 + (p.u < 0 ? 0.0 : 8.0));
    const double curtain = id.head_width * (1.02 - 0.24 * id.hair_length) + strand + 0.12 * square(p.v - 0.1);
    const double on =
        cover(0.8 * (p.v - fall)) + (id.hair_length > 0.25 ? cover(0.9 * (curtain - absolute(p.u))) : 0.0);
    if (on > 0) face = mix(face, id.hair_albedo * hair_streak(p) * (0.35 + 0.65 * shade), on < 1.0 ? on : 1.0);
  }
  paint_glasses(p, face);
  return mix(gray, face, silhouette);
}

}  // namespace shcnn::synth
