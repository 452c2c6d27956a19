// Computes the gray level of any point of a synthetic face. The picture is analytic and can be sampled at any
// resolution.
#pragma once

#include <array>

#include "io/synth/face_geometry.h"

namespace shcnn::synth {

/// Paints one face. Uses only double arithmetic with + - * / and sqrt, so that every machine computes the same bits.
class FacePainter {
 public:
  /// `pixel`: spacing of the samples in image heights. Edges are smoothed over this distance, and thinner lines are
  /// widened to it and made fainter, so that subpixel motion causes no aliasing.
  FacePainter(const FaceParameters& parameters, double pixel);

  /// Gray level at (x, y) in the unit square, y downwards, before the camera model (gain, contrast, blur, noise). The
  /// result is about 0 .. 1 and may exceed this range slightly.
  double luminance(double x, double y) const;

 private:
  struct Point {
    double u, v;
  };
  Point to_face(double x, double y) const;
  Point turn(Point p) const;
  double noise(double u, double v) const;
  double hair_streak(Point p) const;
  double light(Point p) const;
  void paint_background(Point p, double x, double& gray) const;
  void paint_hair_and_ears(Point p, double& gray) const;
  void paint_head(Point p, double& gray) const;
  void paint_folds(Point p, double& gray) const;
  void paint_eye(int side, double m, double v, double shade, double& gray) const;
  void paint_brow(int side, double m, double v, double shade, double& gray) const;
  void paint_nose(Point p, double& gray) const;
  void paint_mouth(Point p, double shade, double& gray) const;
  void paint_beard(Point p, double shade, double& gray) const;
  void paint_glasses(Point p, double& gray) const;
  double head_distance(Point p, double grow) const;
  double cover(double distance) const;
  double cover_between(double above, double below) const;
  double line(double offset, double half_width) const;

  static constexpr int kLattice = 32;  ///< cells of the noise lattice along each axis; a power of two

  FaceParameters parameters_;
  FaceGeometry geometry_;
  double soft_;  ///< `pixel` in face coordinates
  double cos_roll_, sin_roll_, sin_yaw_, cos_yaw_, sin_pitch_, cos_pitch_;
  double lamp_u_, lamp_v_, lamp_n_;                  ///< unit vector towards the light
  std::array<double, kLattice * kLattice> lattice_;  ///< -1 .. 1
};

}  // namespace shcnn::synth
