// Pictures of saliency: a row as in the paper's Fig. 13, an overlay, and the attack as in Fig. 14.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "engine/explain/saliency.h"

namespace shcnn::program {

/// One map of pixels (H,W) with the numbers that show whether it vanished.
struct PanelMap {
  std::vector<float> values;         ///< (H,W), divided by `facts.largest` (all zero where that is 0)
  std::vector<std::uint8_t> pixels;  ///< (H,W): saliency_pixels
  MapFacts facts;
};

struct PanelRow {
  std::string title;  ///< of the image
  cv::Mat image;      ///< (H,W) 8-bit gray or BGR
  PanelMap original, improved;
  std::vector<std::string> class_names;
  std::vector<double> scores, improved_scores;  ///< (classes): S and V
  int predicted = 0, target = 0;
  SaliencyStatus status = SaliencyStatus::kOk;
};

/// Bytes (H,W,C), C = 1 gray or 3 RGB, as OpenCV has them.
cv::Mat picture_of(const std::uint8_t* pixels, int height, int width, int channels);

template <class T>
PanelMap panel_map(const T* map, int channels, int height, int width);
/// Image `i` of `maps`, both of which must have been asked for.
template <class T>
PanelRow panel_row(const SaliencyMaps<T>& maps, std::int64_t i, const std::uint8_t* image, const std::string& title,
                   const std::vector<std::string>& class_names);

/// Input, original map, original pixels, improved map, improved pixels, scores: a row each, below a line of headings.
/// Maps: red raises the score, blue lowers it, strength is the square root of |gradient| over its largest. Pixels:
/// green > 0, orange = 0 exactly.
cv::Mat draw_panel(const std::vector<PanelRow>& rows);
/// The image, large, with the improved map over it.
cv::Mat draw_overlay(const PanelRow& row);

struct AttackRow {
  std::string title;
  cv::Mat image, attacked, control;
  std::vector<std::uint8_t> mask;            ///< (H,W): pixels that were changed
  std::string before, after, after_control;  ///< class and score, as text
};
/// Image, pixels, attacked image, control: a row each.
cv::Mat draw_attack(const std::vector<AttackRow>& rows);

std::vector<unsigned char> png_of(const cv::Mat& picture);
/// Throws io::Error (kDisk).
void write_png(const std::string& path, const cv::Mat& picture);

}  // namespace shcnn::program
