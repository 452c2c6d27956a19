// Draws saliency maps: rows as in the paper's Fig. 13, an overlay, and the attack as in Fig. 14.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "engine/explain/saliency.h"

namespace shcnn::program {

/// One saliency map (H,W), with the facts that show whether it vanished.
struct PanelMap {
  std::vector<float> values;         ///< (H,W), sum over channels, divided by its largest magnitude unless that is 0
  std::vector<std::uint8_t> pixels;  ///< (H,W): saliency_pixels
  MapFacts facts;
};

struct PanelRow {
  std::string title;  ///< name of the image
  cv::Mat image;      ///< (H,W) 8-bit gray or BGR
  PanelMap original, improved;
  std::vector<std::string> class_names;
  std::vector<double> scores, improved_scores;  ///< (classes): S and V
  int predicted = 0, target = 0;
  SaliencyStatus status = SaliencyStatus::kOk;
};

/// Copies bytes (H,W,C), C = 1 gray or 3 RGB, to an OpenCV picture, gray or BGR.
cv::Mat picture_of(const std::uint8_t* pixels, int height, int width, int channels);

template <class T>
PanelMap panel_map(const T* map, int channels, int height, int width);
/// Row for image `i` of `maps`, which must contain the original and the improved map.
template <class T>
PanelRow panel_row(const SaliencyMaps<T>& maps, std::int64_t i, const std::uint8_t* image, const std::string& title,
                   const std::vector<std::string>& class_names);

/// One row per image, below a line of headings. Columns: input, original map, original pixels, improved map, improved
/// pixels, scores. Maps: red raises the score, blue lowers it; the strength is sqrt(|gradient| / largest |gradient|).
/// Pixels: green > 0, orange exactly 0.
cv::Mat draw_panel(const std::vector<PanelRow>& rows);
/// The enlarged image with the improved map drawn over it.
cv::Mat draw_overlay(const PanelRow& row);

struct AttackRow {
  std::string title;
  cv::Mat image, attacked, control;
  std::vector<std::uint8_t> mask;            ///< (H,W): pixels that were changed
  std::string before, after, after_control;  ///< class and score, as text
};
/// One row per image. Columns: image, changed pixels, attacked image, control.
cv::Mat draw_attack(const std::vector<AttackRow>& rows);

std::vector<unsigned char> png_of(const cv::Mat& picture);
/// Throws io::Error (kDisk) if the file cannot be written.
void write_png(const std::string& path, const cv::Mat& picture);

}  // namespace shcnn::program
