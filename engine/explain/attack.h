// The simple attack of the paper's Fig. 14: take `step` gray levels from the saliency pixels, clamp, classify again;
// and its control, which takes as many from as many random pixels. A pixel of an RGB image loses the step in every
// channel.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/explain/saliency.h"

namespace shcnn {

enum class AttackPixels {
  kImproved,          ///< where grad V_j >= 0 (Eq. 11): the paper's choice
  kImprovedPositive,  ///< where grad V_j > 0
  kOriginal,          ///< where grad S_j >= 0 (Eq. 1)
};
/// "improved", "improved-positive", "original"; Error(kUsage) else.
AttackPixels attack_pixels_from_string(const std::string& name);
std::string to_string(AttackPixels pixels);

struct AttackOptions {
  int step = 20;  ///< gray levels taken from each chosen pixel; negative adds
  AttackPixels pixels = AttackPixels::kImproved;
  double share = 1;        ///< of the chosen pixels, those of the largest gradients first
  std::uint64_t seed = 1;  ///< of the control's pixels
};

/// Pixels to change, 1 or 0 each, for a map of pixels (H,W): those above 0, with `zeros` those at 0 too; of these the
/// ceil(share * number) largest, the earlier on ties.
template <class T>
std::vector<std::uint8_t> attack_mask(const std::vector<T>& map, bool zeros, double share);
/// `chosen` of `pixels`, each set of them equally likely: a function of (seed, image).
std::vector<std::uint8_t> random_mask(std::int64_t pixels, std::int64_t chosen, std::uint64_t seed, std::int64_t image);
/// image (H,W,C) bytes less `step` where mask (H,W) is 1, clamped to 0..255.
std::vector<std::uint8_t> darkened(const std::uint8_t* image, int channels, const std::vector<std::uint8_t>& mask,
                                   int step);

struct AttackResult {
  std::vector<std::int32_t> before, after, control;  ///< (M): class of the image, attacked, and in the control
  std::vector<std::int64_t> changed_pixels;          ///< (M)
  std::vector<std::uint8_t> masks;                   ///< (M, H, W): the pixels that were changed
  std::vector<std::uint8_t> attacked;                ///< (M, H, W, C): the images
  std::vector<float> scores_before, scores_after;    ///< (M, classes): mean S
  std::int64_t changed() const;                      ///< images whose class the attack changed
  std::int64_t changed_by_control() const;
};

template <class T>
AttackResult attack(SaliencyMapper<T>& mapper, const std::uint8_t* pixels, std::int64_t count,
                    const AttackOptions& options,
                    const std::function<void(std::int64_t done, std::int64_t total)>& progress = {});

}  // namespace shcnn
