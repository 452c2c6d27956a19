// The ranges below set the difficulty of the task: pose, light and identity change a pixel far more than the expression
// does, so a linear classifier on pixels fails, while brows, eyes and mouth still show a viewer the class.
#include "io/synth/face_sampling.h"

#include "io/synth/random_stream.h"

namespace shcnn::synth {
namespace {

// first Philox blocks of a face's two random streams; far apart, so that they never overlap
constexpr std::uint64_t kParameterBlock = 0;
constexpr std::uint64_t kVoteBlock = std::uint64_t{1} << 20;

void scale_expression(FaceExpression& e, double intensity) {
  for (double* unit :
       {&e.inner_brow_raise, &e.outer_brow_raise, &e.brow_lower,         &e.upper_lid_raise,    &e.cheek_raise,
        &e.lid_tighten,      &e.nose_wrinkle,     &e.upper_lip_raise,    &e.lip_corner_pull[0], &e.lip_corner_pull[1],
        &e.dimple[0],        &e.dimple[1],        &e.lip_corner_depress, &e.lower_lip_depress,  &e.chin_raise,
        &e.lip_stretch,      &e.lip_tighten,      &e.lips_part,          &e.jaw_drop,           &e.eye_close}) {
    *unit *= intensity;
  }
}

FaceExpression full_expression(FaceClass label, int variant) {
  FaceExpression e;
  switch (label) {
    case FaceClass::kAngry:
      e.brow_lower = 1.0;
      e.lid_tighten = 0.5;
      e.upper_lid_raise = 0.4;
      if (variant % 2 == 0) {  // lips pressed
        e.lip_tighten = 1.0;
        e.chin_raise = 0.35;
        e.lip_corner_depress = 0.25;
      } else {  // teeth bared, as in shouting
        e.lips_part = 1.0;
        e.lower_lip_depress = 1.0;
        e.upper_lip_raise = 0.35;
        e.jaw_drop = 0.22;
        e.lip_stretch = 0.15;
      }
      break;
    case FaceClass::kDisgust:
      e.nose_wrinkle = 1.0;
      e.upper_lip_raise = variant % 2 == 0 ? 1.0 : 0.85;
      e.brow_lower = 0.35;
      e.cheek_raise = 0.45;
      e.lid_tighten = 0.35;
      e.lip_corner_depress = 0.55;
      if (variant % 2 == 0) {
        e.lips_part = 0.55;
      } else {
        e.chin_raise = 0.6;
      }
      break;
    case FaceClass::kFear:
      e.inner_brow_raise = 0.95;
      e.outer_brow_raise = 0.25;
      e.brow_lower = 0.22;
      e.upper_lid_raise = 1.0;
      e.lip_stretch = 1.0;
      e.lips_part = variant % 2 == 0 ? 0.8 : 1.0;
      e.jaw_drop = variant % 2 == 0 ? 0.08 : 0.3;
      e.lower_lip_depress = 0.35;
      e.lip_corner_depress = 0.4;
      break;
    case FaceClass::kHappy:
      e.cheek_raise = 0.85;
      e.lip_corner_pull[0] = e.lip_corner_pull[1] = 1.0;
      if (variant % 3 == 1) {  // laughing
        e.lips_part = 1.0;
        e.jaw_drop = 0.4;
      } else if (variant % 3 == 2) {  // teeth shown
        e.lips_part = 0.9;
        e.jaw_drop = 0.08;
      }
      break;
    case FaceClass::kSad:
      e.inner_brow_raise = 0.85;
      e.brow_lower = 0.3;
      e.lip_corner_depress = 1.0;
      e.chin_raise = variant % 2 == 0 ? 0.75 : 0.3;
      e.eye_close = variant % 2 == 0 ? 0.25 : 0.4;
      e.gaze_y = variant % 2 == 0 ? 0.2 : 0.8;
      break;
    case FaceClass::kSurprise:
      e.inner_brow_raise = 1.0;
      e.outer_brow_raise = 1.0;
      e.upper_lid_raise = 0.8;
      e.lips_part = 0.7;
      e.jaw_drop = variant % 2 == 0 ? 0.9 : 0.6;
      break;
    case FaceClass::kNeutral:
      break;
    case FaceClass::kContempt: {
      const int side = variant % 2;
      e.lip_corner_pull[side] = 0.75;
      e.dimple[side] = 1.0;
      e.lid_tighten = 0.25;
      e.brow_lower = 0.1;
      break;
    }
  }
  return e;
}

FaceIdentity sample_identity(RandomStream& random) {
  FaceIdentity id;
  id.head_width = random.bell(0.74, 0.035);
  id.jaw = random.bell(0.35, 0.3);
  id.eye_distance = random.bell(0.335, 0.014);
  id.eye_height = random.bell(-0.16, 0.022);
  id.eye_width = random.bell(0.15, 0.011);
  id.eye_open = random.bell(1.0, 0.12);
  id.eye_slant = random.bell(0.06, 0.09);
  id.iris = random.uniform(0.08, 0.4);
  id.brow_height = random.bell(0.235, 0.02);
  id.brow_thickness = random.bell(0.031, 0.007);
  id.brow_arch = random.bell(0.045, 0.018);
  id.nose_length = random.bell(0.38, 0.03);
  id.nose_width = random.bell(0.115, 0.014);
  id.mouth_height = random.bell(0.53, 0.022);
  id.mouth_width = random.bell(0.265, 0.024);
  id.lip_upper = random.bell(0.043, 0.011);
  id.lip_lower = random.bell(0.06, 0.013);
  id.lip_albedo = random.uniform(0.58, 0.86);
  id.mouth_curve = random.bell(0.0, 0.008);
  id.skin = random.uniform(0.28, 0.85);
  id.age = random.uniform(0.0, 0.8);
  id.texture = random.uniform(0.01, 0.07);
  // hair is seldom lighter than the skin
  id.hair_albedo = random.chance(0.25) ? random.uniform(0.35, 0.75) : random.uniform(0.05, 0.25);
  id.brow_albedo = id.hair_albedo < 0.6 * id.skin ? id.hair_albedo : 0.6 * id.skin;
  id.hairline = random.chance(0.1) ? -1.2 : random.bell(-0.84, 0.06);
  id.hairline_curve = random.uniform(0.2, 0.9);
  id.hair_part = random.chance(0.5) ? random.uniform(-0.35, 0.35) : 0.0;
  id.hair_length = random.chance(0.45) ? random.uniform(0.5, 1.0) : random.uniform(0.0, 0.2);
  const bool bearded = id.hair_length < 0.3 && random.chance(0.3);
  id.beard = bearded ? random.uniform(0.25, 0.95) : 0.0;
  id.moustache = bearded ? id.beard * random.uniform(0.7, 1.0) : (random.chance(0.05) ? random.uniform(0.5, 1.0) : 0.0);
  id.glasses = random.chance(0.2) ? random.uniform(0.25, 1.0) : 0.0;
  id.glasses_size = random.uniform(0.19, 0.235);
  id.texture_seed = (std::uint64_t{random.word()} << 32) | random.word();
  return id;
}

FaceView sample_view(RandomStream& random) {
  FaceView view;
  view.shift_x = random.bell(0.0, 0.024);
  view.shift_y = random.bell(0.0, 0.024);
  view.scale = random.bell(0.475, 0.024);
  view.roll = random.bell(0.0, 0.09);
  view.yaw = random.bell(0.0, 0.13);
  view.pitch = random.bell(0.0, 0.08);
  view.light_x = random.bell(0.0, 0.55);
  view.light_y = random.bell(-0.35, 0.4);
  view.ambient = random.uniform(0.3, 0.65);
  view.gain = random.uniform(0.85, 1.5);
  view.contrast = random.uniform(0.75, 1.3);
  view.brightness = random.bell(0.02, 0.06);
  view.background = random.uniform(0.03, 0.97);
  view.background_slope = random.bell(0.0, 0.2);
  view.clothes = random.uniform(0.05, 0.9);
  view.blur = random.uniform(0.25, 0.65);
  view.noise = random.uniform(0.0, 0.022);
  view.noise_seed = (std::uint64_t{random.word()} << 32) | random.word();
  return view;
}

/// Varies an expression at random: scales each unit, the two corners of the mouth separately, and adds small movements
/// that are unrelated to the class (partly closed eyes, gaze, parted lips).
void vary_expression(FaceExpression& e, RandomStream& random) {
  for (double* unit :
       {&e.inner_brow_raise, &e.outer_brow_raise, &e.brow_lower, &e.upper_lid_raise, &e.cheek_raise, &e.lid_tighten,
        &e.nose_wrinkle, &e.upper_lip_raise, &e.lip_corner_depress, &e.lower_lip_depress, &e.chin_raise, &e.lip_stretch,
        &e.lip_tighten, &e.lips_part, &e.jaw_drop, &e.lip_corner_pull[0], &e.lip_corner_pull[1]}) {
    *unit *= random.bell(1.0, 0.12);
  }
  e.inner_brow_raise += random.uniform(0.0, 0.06);
  e.outer_brow_raise += random.uniform(0.0, 0.08);
  e.brow_lower += random.uniform(0.0, 0.08);
  e.lips_part += random.chance(0.25) ? random.uniform(0.0, 0.25) : 0.0;
  e.eye_close += random.uniform(0.0, 0.15);
  e.gaze_x += random.bell(0.0, 0.35);
  e.gaze_y += random.bell(0.0, 0.25);
}

/// The class that viewers most often confuse with each class, indexed by class number.
constexpr FaceClass kConfusedWith[kFaceClasses] = {FaceClass::kDisgust, FaceClass::kAngry,   FaceClass::kSurprise,
                                                   FaceClass::kNeutral, FaceClass::kNeutral, FaceClass::kFear,
                                                   FaceClass::kSad,     FaceClass::kNeutral};

/// Simulates ten viewers. The probability of a correct vote grows with the intensity. A wrong vote goes to the class in
/// kConfusedWith, to neutral (sad if the true class is neutral), to contempt (happy if it is contempt), to unknown or
/// to NF. At most kMostWrong votes are wrong, so that the true class keeps the majority.
FaceVotes sample_votes(FaceClass label, double intensity, RandomStream& random) {
  const double sure = label == FaceClass::kNeutral ? 0.86 : 0.68 + 0.28 * intensity;
  FaceVotes votes{};
  int wrong = 0;
  constexpr int kMostWrong = 4;  // 6 of 10 is a majority under every rule of FER+
  for (int viewer = 0; viewer < 10; ++viewer) {
    const bool right = random.chance(sure);
    const double other = random.uniform(0.0, 1.0);
    int column = vote_column(label);
    if (!right && wrong < kMostWrong) {
      ++wrong;
      if (other < 0.6) {
        column = vote_column(kConfusedWith[static_cast<int>(label)]);
      } else if (other < 0.85) {
        column = vote_column(label == FaceClass::kNeutral ? FaceClass::kSad : FaceClass::kNeutral);
      } else if (other < 0.95) {
        column = vote_column(label == FaceClass::kContempt ? FaceClass::kHappy : FaceClass::kContempt);
      } else {
        column = other < 0.99 ? 8 : 9;  // unknown or NF
      }
    }
    ++votes[static_cast<std::size_t>(column)];
  }
  return votes;
}

}  // namespace

FaceExpression typical_expression(FaceClass label, int variant, double intensity) {
  FaceExpression e = full_expression(label, variant);
  scale_expression(e, intensity);
  return e;
}

SampledFace sample_face(std::uint64_t seed, std::uint32_t index, FaceClass label) {
  RandomStream random(seed, index, kParameterBlock);
  SampledFace face;
  face.label = label;
  face.parameters.identity = sample_identity(random);
  face.parameters.view = sample_view(random);
  const int variant = random.below(6);
  face.intensity = random.uniform(0.65, 1.0);
  face.parameters.expression = typical_expression(label, variant, face.intensity);
  vary_expression(face.parameters.expression, random);
  RandomStream votes(seed, index, kVoteBlock);
  face.votes = sample_votes(label, face.intensity, votes);
  return face;
}

const char* face_class_name(FaceClass label) {
  constexpr const char* kNames[kFaceClasses] = {"angry", "disgust",  "fear",    "happy",
                                                "sad",   "surprise", "neutral", "contempt"};
  return kNames[static_cast<int>(label)];
}

int vote_column(FaceClass label) {
  // FaceClass order -> FER+ order
  constexpr int kColumns[kFaceClasses] = {4, 5, 6, 1, 3, 2, 0, 7};
  return kColumns[static_cast<int>(label)];
}

}  // namespace shcnn::synth
