// The simple attack of the paper's Fig. 14: subtract `step` gray levels from the saliency pixels, clamp, and classify
// again. The control subtracts the same step from the same number of random pixels. For RGB images the step is
// subtracted from every channel of a pixel.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/explain/saliency.h"

namespace shcnn {

enum class AttackPixels {
  kImproved,          ///< pixels with grad V_j >= 0 (Eq. 11): the paper's choice
  kImprovedPositive,  ///< pixels with grad V_j > 0
  kOriginal,          ///< pixels with grad S_j >= 0 (Eq. 1)
};
/// "improved", "improved-positive", "original"; otherwise throws Error(kUsage).
AttackPixels attack_pixels_from_string(const std::string& name);
std::string to_string(AttackPixels pixels);

struct AttackOptions {
  int step = 20;  ///< gray levels subtracted from each chosen pixel; a negative step adds
  AttackPixels pixels = AttackPixels::kImproved;
  double share = 1;        ///< fraction of the chosen pixels to change, those with the largest gradients first
  std::uint64_t seed = 1;  ///< random seed for the control's pixels
};

/// The pixels to change for a map (H,W), 1 or 0 each. Candidates are the pixels above 0 and, if `zeros`, those equal to
/// 0. Of n candidates the ceil(share * n) largest are chosen, the earlier on ties. Throws Error(kUsage) if `share` is
/// not in 0..1.
template <class T>
std::vector<std::uint8_t> attack_mask(const std::vector<T>& map, bool zeros, double share);
/// Chooses `chosen` of `pixels` pixels at random, every subset equally likely. Depends only on the arguments.
std::vector<std::uint8_t> random_mask(std::int64_t pixels, std::int64_t chosen, std::uint64_t seed, std::int64_t image);
/// Subtracts `step` from the pixels of `image` (H,W,C) whose mask (H,W) is not 0, clamped to 0..255.
std::vector<std::uint8_t> darkened(const std::uint8_t* image, int channels, const std::vector<std::uint8_t>& mask,
                                   int step);

struct AttackResult {
  std::vector<std::int32_t> before, after, control;  ///< (M): class of the image, the attacked image and the control
  std::vector<std::int64_t> changed_pixels;          ///< (M)
  std::vector<std::uint8_t> masks;                   ///< (M, H, W): 1 for pixels that were changed
  std::vector<std::uint8_t> attacked;                ///< (M, H, W, C): the attacked images
  std::vector<float> scores_before, scores_after;    ///< (M, classes): mean S
  std::int64_t changed() const;                      ///< number of images whose class the attack changed
  std::int64_t changed_by_control() const;
};

template <class T>
AttackResult attack(SaliencyMapper<T>& mapper, const std::uint8_t* pixels, std::int64_t count,
                    const AttackOptions& options,
                    const std::function<void(std::int64_t done, std::int64_t total)>& progress = {});

}  // namespace shcnn
