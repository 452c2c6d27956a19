// Draws with OpenCV: four panels of equal width with a caption below each, and below them a curve if there are several
// pairs.
#include "tools/program/flow_overview.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "tools/program/pictures.h"

namespace shcnn::program {
namespace {

constexpr int kPanel = 320;  ///< width of a panel, px
constexpr int kText = 46;    ///< height of the two text lines below a panel, px
constexpr int kMargin = 12;
constexpr int kCurve = 150;  ///< height of the curve, px
constexpr int kKey = 56;     ///< side of the colour key, px
const cv::Scalar kPaper(255, 255, 255), kInk(40, 40, 40), kFaint(200, 200, 200), kLine(190, 110, 40),
    kMark(40, 60, 220);

void put_text(cv::Mat& sheet, const std::string& text, cv::Point at, double scale = 0.45) {
  cv::putText(sheet, text, at, cv::FONT_HERSHEY_SIMPLEX, scale, kInk, 1, cv::LINE_AA);
}

cv::Mat scaled(const cv::Mat& picture, int width) {
  const double factor = static_cast<double>(width) / picture.cols;
  const cv::Size size(width, std::max(1, static_cast<int>(std::lround(picture.rows * factor))));
  cv::Mat out;
  cv::resize(picture, out, size, 0, 0, factor > 1 ? cv::INTER_CUBIC : cv::INTER_AREA);
  return out;
}

cv::Mat from_gray(const cv::Mat& gray) {
  cv::Mat out;
  cv::cvtColor(gray, out, cv::COLOR_GRAY2BGR);
  return out;
}

/// Draws the mean vector length over the frames and marks the frame that is shown.
void draw_curve(cv::Mat& sheet, const cv::Rect& box, const std::vector<float>& means, int strongest) {
  const double top = std::max(1e-6, static_cast<double>(*std::max_element(means.begin(), means.end())));
  const int base = box.y + box.height - 20, height = box.height - 44, left = box.x + 60, width = box.width - 72;
  const auto point = [&](std::size_t i) {
    const double x = means.size() > 1 ? static_cast<double>(i) / static_cast<double>(means.size() - 1) : 0;
    return cv::Point(left + static_cast<int>(std::lround(x * width)),
                     base - static_cast<int>(std::lround(means[i] / top * height)));
  };
  put_text(sheet, "mean length of the vectors over the frames, px", {box.x, box.y + 12});
  for (const double share : {0.0, 0.5, 1.0}) {
    const int y = base - static_cast<int>(std::lround(share * height));
    cv::line(sheet, {left, y}, {left + width, y}, kFaint, 1);
    put_text(sheet, fmt::format("{:.2f}", share * top), {box.x, y + 4}, 0.4);
  }
  const auto shown = static_cast<std::size_t>(strongest - 1);
  cv::line(sheet, {point(shown).x, base}, point(shown), kMark, 1);
  for (std::size_t i = 1; i < means.size(); ++i) cv::line(sheet, point(i - 1), point(i), kLine, 2, cv::LINE_AA);
  cv::circle(sheet, point(shown), 4, kMark, cv::FILLED, cv::LINE_AA);
  put_text(sheet, "1", {left, base + 15}, 0.4);
  put_text(sheet, std::to_string(means.size()), {left + width - 20, base + 15}, 0.4);
  put_text(sheet, fmt::format("frame {}", strongest), {std::min(point(shown).x + 6, left + width - 70), base - 4}, 0.4);
}

}  // namespace

cv::Mat flow_color_key(flow::FlowColors colors) {
  cv::Mat key(kKey, kKey, CV_8UC3, kPaper);
  const float middle = (kKey - 1) / 2.0f;
  for (int y = 0; y < kKey; ++y) {
    for (int x = 0; x < kKey; ++x) {
      const float u1 = (static_cast<float>(x) - middle) / middle, u2 = (static_cast<float>(y) - middle) / middle;
      if (flow::flow_length(u1, u2) > 1) continue;
      const flow::Rgb c = flow::flow_color(u1, u2, colors, {255.0f, 0.0f}, 0, 1);
      key.at<cv::Vec3b>(y, x) = {c.b, c.g, c.r};
    }
  }
  return key;
}

void FlowOverview::set_first(const io::Frame& first) {
  first_ = cv::Mat(first.height, first.width, CV_8U, const_cast<std::uint8_t*>(first.pixels.data())).clone();
}

void FlowOverview::add(const Pair& pair) {
  means_.push_back(static_cast<float>(pair.mean));
  if (pair.mean <= mean_) return;
  mean_ = pair.mean;
  max_ = pair.max;
  strongest_ = static_cast<int>(means_.size());
  later_ = cv::Mat(pair.later->height, pair.later->width, CV_8U, const_cast<std::uint8_t*>(pair.later->pixels.data()))
               .clone();
  const cv::Mat rgb(pair.image->height, pair.image->width, CV_8UC3,
                    const_cast<std::uint8_t*>(pair.image->pixels.data()));
  cv::cvtColor(rgb, colors_, cv::COLOR_RGB2BGR);
  lengths_.create(rgb.size(), CV_32F);
  for (int i = 0; i < static_cast<int>(lengths_.total()); ++i) {
    const auto at = 2 * static_cast<std::size_t>(i);
    lengths_.ptr<float>()[i] = flow::flow_length(pair.flow[at], pair.flow[at + 1]);
  }
}

void FlowOverview::write(const std::filesystem::path& path) const {
  cv::Mat heat;
  lengths_.convertTo(heat, CV_8U, max_ > 0 ? 255 / max_ : 0);
  cv::applyColorMap(heat, heat, cv::COLORMAP_INFERNO);
  const std::vector<cv::Mat> panels = {scaled(from_gray(first_), kPanel), scaled(from_gray(later_), kPanel),
                                       scaled(colors_, kPanel), scaled(heat, kPanel)};
  const std::vector<std::pair<std::string, std::string>> captions = {
      {fmt::format("first frame, {} x {}", first_.cols, first_.rows), ""},
      {fmt::format("later frame {}", strongest_), means_.size() > 1 ? "the one with the most movement" : ""},
      {"flow image", "hue = direction, brightness = length"},
      {"length of the vectors", fmt::format("black 0, brightest {:.3g} px; mean {:.3g} px", max_, mean_)}};
  int height = 0;
  for (const cv::Mat& panel : panels) height = std::max(height, panel.rows);
  const int width = static_cast<int>(panels.size()) * (kPanel + kMargin) + kMargin;
  const int below = kMargin + height + kText;
  cv::Mat sheet(below + (means_.size() > 1 ? kCurve : 0) + kMargin, width, CV_8UC3, kPaper);
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const int x = kMargin + static_cast<int>(i) * (kPanel + kMargin);
    panels[i].copyTo(sheet(cv::Rect(cv::Point(x, kMargin), panels[i].size())));
    put_text(sheet, captions[i].first, {x, kMargin + panels[i].rows + 17});
    put_text(sheet, captions[i].second, {x, kMargin + panels[i].rows + 35}, 0.4);
  }
  // The key is placed in the caption of the flow panel, where it hides nothing.
  const int key_x = kMargin + 3 * (kPanel + kMargin) - kMargin - kText;
  cv::Mat key = scaled(flow_color_key(flow::FlowColors::kHsv), kText - 4);
  key.copyTo(sheet(cv::Rect(cv::Point(key_x, kMargin + panels[2].rows + 2), key.size())));
  if (means_.size() > 1) {
    draw_curve(sheet, cv::Rect(kMargin, below, width - 2 * kMargin, kCurve), means_, strongest_);
  }
  io::write_png(path, image_of(sheet), io::Overwrite::kYes);
}

}  // namespace shcnn::program
