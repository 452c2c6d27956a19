// All parameters of a synthetic face, in three groups: identity, expression (in units similar to the action units of
// FACS), and view (pose, light, camera).
//
// Face coordinates: the origin lies between the eyes and the mouth, u points to the viewer's right, v down, and the
// chin of the default face is at v = 1. The picture is a continuous function of every parameter except the seeds, so
// changes far below a pixel show as changed gray levels.
#pragma once

#include <cstdint>

namespace shcnn::synth {

/// Shape and surface of one person's face. Lengths are in face coordinates; the defaults are an average face.
struct FaceIdentity {
  double head_width = 0.74;     ///< half the width at the cheek bones
  double jaw = 0.35;            ///< 0: oval chin .. 1: pointed chin; below 0: square
  double eye_distance = 0.335;  ///< from the face's middle line to an eye's centre
  double eye_height = -0.16;    ///< v of the eyes' centres
  double eye_width = 0.15;      ///< half the width of an eye
  double eye_open = 1.0;        ///< factor on the opening of the lids
  double eye_slant = 0.05;      ///< slope; positive: outer corner higher
  double iris = 0.25;           ///< albedo of the iris
  double brow_height = 0.235;   ///< above the eyes
  double brow_thickness = 0.03;
  double brow_arch = 0.045;
  double brow_albedo = 0.2;
  double nose_length = 0.38;  ///< from the eyes' line to the tip
  double nose_width = 0.115;
  double mouth_height = 0.53;  ///< v of the closed mouth
  double mouth_width = 0.265;  ///< half the width
  double lip_upper = 0.045;    ///< thickness
  double lip_lower = 0.06;
  double lip_albedo = 0.72;  ///< relative to the skin's
  double mouth_curve = 0.0;  ///< lift of the corners at rest; positive: up
  double skin = 0.62;        ///< albedo
  double age = 0.2;          ///< 0 .. 1: depth of folds and eye bags at rest
  double texture = 0.04;     ///< amplitude of the skin's texture
  double hair_albedo = 0.2;
  double hairline = -0.84;      ///< v of the hairline in the middle; at or below -1: bald
  double hairline_curve = 0.5;  ///< how fast the hairline drops towards the temples
  double hair_part = 0.0;       ///< slope of a fringe swept to one side
  double hair_length = 0.0;     ///< 0: ears visible .. 1: long hair at both sides
  double beard = 0.0;           ///< 0 .. 1 density
  double moustache = 0.0;       ///< 0 .. 1 density
  double glasses = 0.0;         ///< 0: none .. 1: dark rims; values between: thin, pale rims
  double glasses_size = 0.2;
  std::uint64_t texture_seed = 1;  ///< for the texture of skin, hair and beard
};

/// The expression. Each unit ranges from 0 (at rest) to 1 (as strong as in real faces); the number after AU is the
/// action unit it represents. Index 0 is the viewer's left half of the face, 1 the right.
struct FaceExpression {
  double inner_brow_raise = 0;         ///< AU1
  double outer_brow_raise = 0;         ///< AU2
  double brow_lower = 0;               ///< AU4, brows lowered and drawn together
  double upper_lid_raise = 0;          ///< AU5
  double cheek_raise = 0;              ///< AU6, raises the lower lid
  double lid_tighten = 0;              ///< AU7
  double nose_wrinkle = 0;             ///< AU9
  double upper_lip_raise = 0;          ///< AU10
  double lip_corner_pull[2] = {0, 0};  ///< AU12, per corner
  double dimple[2] = {0, 0};           ///< AU14, per corner
  double lip_corner_depress = 0;       ///< AU15
  double lower_lip_depress = 0;        ///< AU16, exposes the lower teeth
  double chin_raise = 0;               ///< AU17
  double lip_stretch = 0;              ///< AU20
  double lip_tighten = 0;              ///< AU23, AU24
  double lips_part = 0;                ///< AU25
  double jaw_drop = 0;                 ///< AU26, AU27
  double eye_close = 0;                ///< AU43
  double gaze_x = 0, gaze_y = 0;       ///< -1 .. 1, not an action unit
};

/// Pose, light and camera.
struct FaceView {
  double shift_x = 0, shift_y = 0;        ///< offset of the face's origin from the image centre, in image heights
  double scale = 0.43;                    ///< image heights per unit of face coordinates
  double roll = 0;                        ///< in-plane rotation, radians, clockwise
  double yaw = 0, pitch = 0;              ///< radians; positive: face turned to the viewer's right, down
  double light_x = 0.0, light_y = -0.35;  ///< direction to the light: (light_x, light_y, 1), z towards the viewer
  double ambient = 0.45;                  ///< fraction of the light that is ambient, 0 .. 1
  double gain = 1.0;                      ///< exposure
  double contrast = 1.0;                  ///< factor around middle gray
  double brightness = 0.0;                ///< added after the contrast; 1 is the full range
  double background = 0.4;                ///< gray behind the head, 0 .. 1
  double background_slope = 0.0;          ///< change of the background from left to right
  double clothes = 0.3;
  double blur = 0.5;    ///< standard deviation in pixels of a 48 x 48 image
  double noise = 0.02;  ///< standard deviation; 1 is the full range
  std::uint64_t noise_seed = 1;
};

/// One face: the input of render_face().
struct FaceParameters {
  FaceIdentity identity;
  FaceExpression expression;
  FaceView view;
};

}  // namespace shcnn::synth
