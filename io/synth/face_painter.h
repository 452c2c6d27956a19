// The gray level of any point of a made face: an analytic picture, so that it can be sampled at any resolution.
#pragma once

#include <array>

#include "io/synth/face_geometry.h"

namespace shcnn::synth {

/// Colours one face. Plain double arithmetic with + - * / and sqrt alone: every machine computes the same bits.
class FacePainter {
 public:
  /// `pixel`: spacing of the samples in image heights; edges are softened over one such step, thinner lines are widened
  /// to it and paled, so that nothing flickers when it moves by less.
  FacePainter(const FaceParameters& parameters, double pixel);

  /// Gray level at (x, y) of the unit square, y downwards, 0 .. 1 and a little beyond, before the camera (gain,
  /// contrast, blur, noise).
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

  static constexpr int kLattice = 32;  ///< cells of the noise lattice each way; a power of two

  FaceParameters parameters_;
  FaceGeometry geometry_;
  double soft_;  ///< `pixel` in face coordinates
  double cos_roll_, sin_roll_, sin_yaw_, cos_yaw_, sin_pitch_, cos_pitch_;
  double lamp_u_, lamp_v_, lamp_n_;                  ///< unit vector to the lamp
  std::array<double, kLattice * kLattice> lattice_;  ///< -1 .. 1
};

}  // namespace shcnn::synth
