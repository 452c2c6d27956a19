#include "tools/program/saliency_panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "io/files/atomic_file.h"
#include "io/images/image.h"
#include "tools/program/pictures.h"

namespace shcnn::program {
namespace {

constexpr int kTile = 192, kGap = 14, kMargin = 16, kHeading = 30, kCaption = 62;
constexpr int kScoresWide = 300;
const cv::Scalar kPaper(255, 255, 255), kInk(40, 40, 40), kFaint(120, 120, 120), kFrame(205, 205, 205);
const cv::Scalar kBarS(180, 119, 31), kBarV(14, 127, 255);  // BGR: blue S, orange V
const cv::Vec3b kGreen(60, 200, 60), kOrange(0, 150, 255);

void write(cv::Mat& sheet, const std::string& text, int x, int y, double size = 0.42, const cv::Scalar& ink = kInk) {
  cv::putText(sheet, text, cv::Point(x, y), cv::FONT_HERSHEY_SIMPLEX, size, ink, 1, cv::LINE_AA);
}

/// Shortens `text` at its start, with "..", to fit into `width` px.
std::string fitted(std::string text, int width, double size) {
  int base = 0;
  while (text.size() > 4 && cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, size, 1, &base).width > width)
    text = ".." + text.substr(text.starts_with("..") ? 3 : 1);
  return text;
}

cv::Mat as_colour(const cv::Mat& image) {
  cv::Mat colour;
  if (image.channels() == 1) {
    cv::cvtColor(image, colour, cv::COLOR_GRAY2BGR);
  } else {
    colour = image.clone();
  }
  return colour;
}

/// Enlarges without interpolation, so that the original pixels stay visible.
cv::Mat enlarged(const cv::Mat& image, int size) {
  cv::Mat large;
  cv::resize(as_colour(image), large, cv::Size(size, size), 0, 0, cv::INTER_NEAREST);
  return large;
}

/// Colour scale: +1 red, 0 white, -1 blue.
cv::Vec3b heat(float value) {
  const float strength = std::sqrt(std::min(1.0f, std::abs(value)));
  const float r = value > 0 ? 0.80f : 0.13f, g = value > 0 ? 0.09f : 0.40f, b = value > 0 ? 0.11f : 0.67f;
  const auto mix = [strength](float c) { return static_cast<unsigned char>(255 * (1 + strength * (c - 1))); };
  return {mix(b), mix(g), mix(r)};
}

cv::Mat heat_picture(const std::vector<float>& values, int height, int width) {
  cv::Mat picture(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) picture.at<cv::Vec3b>(y, x) = heat(values[static_cast<std::size_t>(y * width + x)]);
  return picture;
}

cv::Mat marked(const cv::Mat& image, const std::vector<std::uint8_t>& pixels) {
  cv::Mat picture = as_colour(image);
  for (int y = 0; y < picture.rows; ++y) {
    for (int x = 0; x < picture.cols; ++x) {
      const std::uint8_t mark = pixels[static_cast<std::size_t>(y * picture.cols + x)];
      if (mark == 0) continue;
      const cv::Vec3b colour = mark == 1 ? kGreen : kOrange;
      cv::Vec3b& p = picture.at<cv::Vec3b>(y, x);
      for (int c = 0; c < 3; ++c) p[c] = static_cast<unsigned char>(0.5 * p[c] + 0.5 * colour[c]);
    }
  }
  return picture;
}

void place(cv::Mat& sheet, const cv::Mat& picture, int x, int y) {
  picture.copyTo(sheet(cv::Rect(cv::Point(x, y), picture.size())));
  cv::rectangle(sheet, cv::Rect(x - 1, y - 1, picture.cols + 2, picture.rows + 2), kFrame);
}

void caption(cv::Mat& sheet, const MapFacts& facts, int x, int y) {
  write(sheet, fmt::format("largest {:.2e}", facts.largest), x, y + 16);
  write(sheet, fmt::format("zero {:.1f} %, denormal {:.1f} %", 100 * facts.zero_share(), 100 * facts.denormal_share()),
        x, y + 34, 0.38, kFaint);
}

void draw_scores(cv::Mat& sheet, const PanelRow& row, int x, int y) {
  const auto n = static_cast<int>(row.class_names.size());
  const int line = std::min(24, kTile / std::max(1, n)), bar = std::max(2, line / 2 - 3);
  const int names = 88, numbers = 74, wide = kScoresWide - names - numbers;
  for (int k = 0; k < n; ++k) {
    const auto at = static_cast<std::size_t>(k);
    const int top = y + k * line;
    write(sheet, fitted(row.class_names[at], names - 4, 0.38), x, top + line - 9, 0.38,
          k == row.target ? kInk : kFaint);
    const auto draw_bar = [&](double score, int offset, const cv::Scalar& colour) {
      const int length = std::max(1, static_cast<int>(std::lround(score * wide)));
      cv::rectangle(sheet, cv::Rect(x + names, top + offset, length, bar), colour, cv::FILLED);
    };
    draw_bar(row.scores[at], 2, kBarS);
    draw_bar(row.improved_scores[at], 3 + bar, kBarV);
    write(sheet, fmt::format("{:.1e} {:.2f}", row.scores[at], row.improved_scores[at]), x + names + wide + 4,
          top + line - 9, 0.32);
  }
}

}  // namespace

cv::Mat picture_of(const std::uint8_t* pixels, int height, int width, int channels) {
  const cv::Mat seen(height, width, channels == 1 ? CV_8UC1 : CV_8UC3, const_cast<std::uint8_t*>(pixels));
  cv::Mat own;
  if (channels == 1) {
    own = seen.clone();
  } else {
    cv::cvtColor(seen, own, cv::COLOR_RGB2BGR);
  }
  return own;
}

template <class T>
PanelMap panel_map(const T* map, int channels, int height, int width) {
  PanelMap out;
  const std::vector<T> pixels = pixel_map(map, channels, height, width);
  out.pixels = saliency_pixels(pixels);
  out.facts = facts_of(map, std::int64_t{channels} * height * width);
  T largest = 0;
  for (const T v : pixels) largest = std::max(largest, std::abs(v));
  for (const T v : pixels) out.values.push_back(largest > 0 ? static_cast<float>(v / largest) : 0.0f);
  return out;
}

template <class T>
PanelRow panel_row(const SaliencyMaps<T>& maps, std::int64_t i, const std::uint8_t* image, const std::string& title,
                   const std::vector<std::string>& class_names) {
  PanelRow row;
  row.title = title;
  row.image = picture_of(image, maps.height, maps.width, maps.channels);
  row.original = panel_map(maps.original_of(i), maps.channels, maps.height, maps.width);
  row.improved = panel_map(maps.improved_of(i), maps.channels, maps.height, maps.width);
  row.class_names = class_names;
  const auto n = static_cast<std::ptrdiff_t>(maps.classes), at = static_cast<std::ptrdiff_t>(i) * n;
  row.scores.assign(maps.scores.begin() + at, maps.scores.begin() + at + n);
  row.improved_scores.assign(maps.improved_scores.begin() + at, maps.improved_scores.begin() + at + n);
  row.predicted = maps.predicted[static_cast<std::size_t>(i)];
  row.target = maps.target[static_cast<std::size_t>(i)];
  row.status = maps.status[static_cast<std::size_t>(i)];
  return row;
}
template PanelRow panel_row<float>(const SaliencyMaps<float>&, std::int64_t, const std::uint8_t*, const std::string&,
                                   const std::vector<std::string>&);
template PanelRow panel_row<double>(const SaliencyMaps<double>&, std::int64_t, const std::uint8_t*, const std::string&,
                                    const std::vector<std::string>&);

cv::Mat draw_panel(const std::vector<PanelRow>& rows) {
  const int wide = 2 * kMargin + 5 * (kTile + kGap) + kScoresWide, row_high = kTile + kCaption;
  cv::Mat sheet(kMargin + kHeading + static_cast<int>(rows.size()) * row_high, wide, CV_8UC3, kPaper);
  const char* headings[] = {"input",        "original map",    "original pixels",
                            "improved map", "improved pixels", "scores S (blue), V (orange)"};
  for (int k = 0; k < 6; ++k) write(sheet, headings[k], kMargin + k * (kTile + kGap), kMargin + 12, 0.5);
  int y = kMargin + kHeading;
  for (const PanelRow& row : rows) {
    const int h = row.image.rows, w = row.image.cols;
    int x = kMargin;
    place(sheet, enlarged(row.image, kTile), x, y);
    const auto name = [&row](int k) { return row.class_names[static_cast<std::size_t>(k)]; };
    write(sheet, fitted(row.title, kTile, 0.38), x, y + kTile + 16, 0.38, kFaint);
    write(sheet,
          row.target == row.predicted ? name(row.predicted)
                                      : fmt::format("{}; maps of {}", name(row.predicted), name(row.target)),
          x, y + kTile + 34);
    for (const PanelMap* map : {&row.original, &row.improved}) {
      x += kTile + kGap;
      place(sheet, enlarged(heat_picture(map->values, h, w), kTile), x, y);
      caption(sheet, map->facts, x, y + kTile);
      x += kTile + kGap;
      place(sheet, enlarged(marked(row.image, map->pixels), kTile), x, y);
      const auto positive = std::count(map->pixels.begin(), map->pixels.end(), std::uint8_t{1});
      write(sheet,
            fmt::format("{:.1f} % of pixels above 0",
                        100.0 * static_cast<double>(positive) / static_cast<double>(map->pixels.size())),
            x, y + kTile + 16);
      if (map == &row.improved && row.status != SaliencyStatus::kOk)
        write(sheet, to_string(row.status), x, y + kTile + 34);
    }
    draw_scores(sheet, row, x + kTile + kGap, y);
    y += row_high;
  }
  return sheet;
}

cv::Mat draw_overlay(const PanelRow& row) {
  constexpr int kSize = 384;
  cv::Mat picture = enlarged(row.image, kSize);
  const cv::Mat colours = enlarged(heat_picture(row.improved.values, row.image.rows, row.image.cols), kSize);
  cv::Mat strength(row.image.rows, row.image.cols, CV_8UC1);
  for (int i = 0; i < strength.rows * strength.cols; ++i)
    strength.data[i] = static_cast<unsigned char>(
        255 * std::sqrt(std::min(1.0f, std::abs(row.improved.values[static_cast<std::size_t>(i)]))));
  const cv::Mat large = enlarged(strength, kSize);
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      const double share = 0.75 * large.at<cv::Vec3b>(y, x)[0] / 255;
      cv::Vec3b& p = picture.at<cv::Vec3b>(y, x);
      const cv::Vec3b& c = colours.at<cv::Vec3b>(y, x);
      for (int k = 0; k < 3; ++k) p[k] = static_cast<unsigned char>((1 - share) * p[k] + share * c[k]);
    }
  }
  return picture;
}

cv::Mat draw_attack(const std::vector<AttackRow>& rows) {
  constexpr int kCaptionHere = 44;
  const int wide = 2 * kMargin + 4 * kTile + 3 * kGap, row_high = kTile + kCaptionHere;
  cv::Mat sheet(kMargin + kHeading + static_cast<int>(rows.size()) * row_high, wide, CV_8UC3, kPaper);
  const char* headings[] = {"input", "saliency pixels", "attacked", "control: random pixels"};
  for (int k = 0; k < 4; ++k) write(sheet, headings[k], kMargin + k * (kTile + kGap), kMargin + 12, 0.5);
  int y = kMargin + kHeading;
  for (const AttackRow& row : rows) {
    const cv::Mat pictures[] = {enlarged(row.image, kTile), enlarged(marked(row.image, row.mask), kTile),
                                enlarged(row.attacked, kTile), enlarged(row.control, kTile)};
    const auto number = std::count(row.mask.begin(), row.mask.end(), std::uint8_t{1});
    const std::string captions[] = {row.before, fmt::format("{} of {} pixels", number, row.mask.size()), row.after,
                                    row.after_control};
    for (int k = 0; k < 4; ++k) {
      const int x = kMargin + k * (kTile + kGap);
      place(sheet, pictures[k], x, y);
      write(sheet, captions[k], x, y + kTile + 16);
    }
    write(sheet, fitted(row.title, kTile, 0.36), kMargin, y + kTile + 32, 0.36, kFaint);
    y += row_high;
  }
  return sheet;
}

std::vector<unsigned char> png_of(const cv::Mat& picture) {
  return io::encode_png(image_of(picture), io::PngEffort::kSmallest);
}

void write_png(const std::string& path, const cv::Mat& picture) {
  const std::vector<unsigned char> bytes = png_of(picture);
  io::write_file(path, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                 io::Overwrite::kYes);
}

}  // namespace shcnn::program
