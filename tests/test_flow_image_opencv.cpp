// Flow images compared with the steps that the paper's authors ran in OpenCV: resize, DualTVL1, cartToPolar, normalize,
// truncation to bytes, cvtColor, cropping of the border. Resizing and all steps after the flow give the same bytes.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <opencv2/imgproc.hpp>
#include <opencv2/optflow.hpp>
#include <opencv2/videoio.hpp>

#include "flow/clip_flow.h"
#include "flow/frame_resize.h"
#include "flow_support.h"

namespace shcnn::test {
namespace {

using flow::ClipFlowOptions;
using flow::FlowColors;
using flow::FlowOrder;

/// Conversion from float to byte as in numpy: rounds towards zero.
cv::Mat truncated(const cv::Mat& values) {
  cv::Mat bytes(values.size(), CV_8U);
  for (int y = 0; y < values.rows; ++y) {
    for (int x = 0; x < values.cols; ++x)
      bytes.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(values.at<float>(y, x));
  }
  return bytes;
}

/// Hue, saturation and value of a flow, computed by OpenCV's functions.
cv::Mat opencv_hsv(const cv::Mat& flow, double full_scale) {
  cv::Mat parts[2], length, angle, value;
  cv::split(flow, parts);
  cv::cartToPolar(parts[0], parts[1], length, angle, true);
  if (full_scale > 0) {
    value = cv::min(length * (255.0 / full_scale), 255.0);
  } else {
    cv::normalize(length, value, 0, 255, cv::NORM_MINMAX);
  }
  const cv::Mat hsv[] = {truncated(angle / 2), cv::Mat(flow.size(), CV_8U, cv::Scalar(255)), truncated(value)};
  cv::Mat merged;
  cv::merge(hsv, 3, merged);
  return merged;
}

cv::Mat to_rgb(const cv::Mat& hsv) {
  cv::Mat rgb;
  cv::cvtColor(hsv, rgb, cv::COLOR_HSV2RGB);
  return rgb;
}

cv::Mat our_image(const cv::Mat& flow, const flow::FlowImageOptions& options) {
  cv::Mat image(flow.rows - 2 * options.border, flow.cols - 2 * options.border, CV_8UC3);
  const flow::FlowField field = {const_cast<float*>(flow.ptr<float>()), flow.cols, flow.rows,
                                 static_cast<std::ptrdiff_t>(flow.step / sizeof(float))};
  flow_image(field, options, flow::RgbImage::dense(image.data, image.cols, image.rows));
  return image;
}

/// Vectors of all directions and many lengths, and special ones: along the axes, along the diagonals, -0.
cv::Mat random_flow(int width, int height, std::uint32_t stream) {
  Random random(stream);
  cv::Mat flow(height, width, CV_32FC2);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double angle = random.uniform(0, 6.2831853), length = std::exp(random.uniform(-6, 2));
      cv::Vec2f u(static_cast<float>(length * std::cos(angle)), static_cast<float>(length * std::sin(angle)));
      const int special = static_cast<int>(random.uniform(0, 40));
      if (special == 0) u[0] = 0;
      if (special == 1) u[1] = 0;
      if (special == 2) u[1] = -u[0];
      if (special == 3) u = {0, 0};
      if (special == 4) u[1] = -0.0f;
      if (special == 5) u[1] = -1e-30f;  // just below a full turn: rounds to 360 degrees
      flow.at<cv::Vec2f>(y, x) = u;
    }
  }
  return flow;
}

bool equal(const cv::Mat& a, const cv::Mat& b) { return a.size() == b.size() && cv::norm(a, b, cv::NORM_INF) == 0; }

TEST_CASE("hue, value and RGB: every byte that OpenCV's functions give", "[flow][opencv]") {
  for (const auto& [w, h] : {std::pair{120, 120}, {112, 112}, {1, 1}, {31, 3}, {32, 3}, {33, 3}, {200, 150}}) {
    for (std::uint32_t stream = 1; stream < 5; ++stream) {
      cv::Mat flow = random_flow(w, h, stream);
      if (stream > 2) flow += cv::Scalar(3, -2);  // the shortest vector is far from zero
      for (const double full_scale : {0.0, 1.5}) {
        INFO(w << "x" << h << " stream " << stream << " full scale " << full_scale);
        CHECK(equal(our_image(flow, {FlowColors::kHsv, full_scale, 0}), to_rgb(opencv_hsv(flow, full_scale))));
      }
    }
  }
}

TEST_CASE("HSV to RGB: every hue and value, in OpenCV's vectors and after them", "[flow][opencv]") {
  for (const int width : {256, 1}) {
    cv::Mat hsv(181 * 256 / width, width, CV_8UC3);
    for (int i = 0; i < 181 * 256; ++i) {
      hsv.at<cv::Vec3b>(i / width, i % width) =
          cv::Vec3b(static_cast<std::uint8_t>(i / 256), 255, static_cast<std::uint8_t>(i % 256));
    }
    const cv::Mat rgb = to_rgb(hsv);
    int different = 0;
    for (int i = 0; i < 181 * 256; ++i) {
      const cv::Vec3b expected = rgb.at<cv::Vec3b>(i / width, i % width);
      const flow::Rgb ours = flow::hsv_to_rgb(static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i % 256),
                                              width >= flow::kOpenCvVector);
      different += ours.r != expected[0] || ours.g != expected[1] || ours.b != expected[2];
    }
    CHECK(different == 0);
  }
}

TEST_CASE("frames are resized to OpenCV's bytes", "[flow][opencv]") {
  Random random(1);
  for (const auto& [from, to] : {std::pair{cv::Size(640, 360), cv::Size(120, 120)},
                                 {cv::Size(240, 240), cv::Size(120, 120)},
                                 {cv::Size(239, 240), cv::Size(120, 120)},
                                 {cv::Size(48, 48), cv::Size(120, 120)},
                                 {cv::Size(120, 120), cv::Size(120, 120)},
                                 {cv::Size(281, 342), cv::Size(120, 120)},
                                 {cv::Size(1, 1), cv::Size(5, 3)},
                                 {cv::Size(2, 9), cv::Size(1, 1)}}) {
    cv::Mat frame(from, CV_8U), expected;
    for (int y = 0; y < from.height; ++y) {
      for (int x = 0; x < from.width; ++x)
        frame.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(random.uniform(0, 256));
    }
    cv::resize(frame, expected, to);
    cv::Mat ours(to, CV_8U);
    flow::resize_frame(flow::GrayImage::bytes(frame.data, from.width, from.height), ours.data, to.width, to.height);
    INFO(from << " to " << to);
    CHECK(equal(ours, expected));
    cv::Mat flow = random_flow(from.width, from.height, 3), flow_expected, flow_ours(to, CV_32FC2);
    cv::resize(flow, flow_expected, to);
    flow::resize_flow(flow::FlowField::dense(flow.ptr<float>(), from.width, from.height),
                      flow::FlowField::dense(flow_ours.ptr<float>(), to.width, to.height));
    CHECK(cv::norm(flow_ours, flow_expected, cv::NORM_INF) <= 1e-5);
  }
}

/// All steps from frames to image in OpenCV.
cv::Mat opencv_image(const cv::Mat& first, const cv::Mat& later, const ClipFlowOptions& options) {
  const auto solver = cv::optflow::DualTVL1OpticalFlow::create();
  cv::Mat flow;
  if (options.order == FlowOrder::kResizeThenFlow) {
    const int side = options.side + 2 * options.border;
    cv::Mat a, b;
    cv::resize(first, a, {side, side});
    cv::resize(later, b, {side, side});
    solver->calc(a, b, flow);
    const cv::Mat hsv = opencv_hsv(flow, options.full_scale);
    return to_rgb(hsv)(cv::Rect(options.border, options.border, options.side, options.side)).clone();
  }
  solver->calc(first, later, flow);
  if (options.order == FlowOrder::kFlowThenResize) cv::resize(flow.clone(), flow, {options.side, options.side});
  return to_rgb(opencv_hsv(flow, options.full_scale));
}

/// Fraction of the pixels of intensity >= 8 whose hue and intensity are within 2 levels of the reference.
double agreement(const cv::Mat& ours, const cv::Mat& theirs) {
  cv::Mat a, b;
  cv::cvtColor(ours, a, cv::COLOR_RGB2HSV);
  cv::cvtColor(theirs, b, cv::COLOR_RGB2HSV);
  int counted = 0, good = 0;
  for (int y = 0; y < a.rows; ++y) {
    for (int x = 0; x < a.cols; ++x) {
      const cv::Vec3b p = a.at<cv::Vec3b>(y, x), q = b.at<cv::Vec3b>(y, x);
      if (std::max(p[2], q[2]) < 8) continue;
      const int turn = std::abs(p[0] - q[0]), hue = std::min(turn, 180 - turn);
      ++counted;
      good += hue <= 2 && std::abs(p[2] - q[2]) <= 2;
    }
  }
  REQUIRE(counted > 0);
  return static_cast<double>(good) / counted;
}

void check_clip(const std::string& name, const std::vector<cv::Mat>& frames, const std::vector<double>& full_scales) {
  ThreadPool pool(options().threads);
  const cv::Size size = frames[0].size();
  for (const FlowOrder order : {FlowOrder::kResizeThenFlow, FlowOrder::kFlowThenResize, FlowOrder::kAsIs}) {
    for (const double full_scale : full_scales) {
      ClipFlowOptions o;
      o.order = order;
      o.full_scale = full_scale;
      const auto clip = flow::cpu_clip_flow(o, {size.width, size.height}, pool, options().isa);
      const flow::ClipSize out = output_size(o, {size.width, size.height});
      std::vector<flow::GrayImage> later;
      for (std::size_t i = 1; i < frames.size(); ++i)
        later.push_back(flow::GrayImage::bytes(frames[i].data, size.width, size.height));
      cv::Mat images(static_cast<int>(later.size()) * out.height, out.width, CV_8UC3);
      clip->set_first(flow::GrayImage::bytes(frames[0].data, size.width, size.height));
      clip->solve(later, {nullptr, images.data});
      for (std::size_t i = 1; i < frames.size(); ++i) {
        const cv::Mat ours = images.rowRange(static_cast<int>(i - 1) * out.height, static_cast<int>(i) * out.height);
        const double share = agreement(ours, opencv_image(frames[0], frames[i], o));
        INFO(name << " order " << static_cast<int>(order) << " full scale " << full_scale << " frame " << i << ": "
                  << share);
        CHECK(share >= 0.99);
      }
    }
  }
}

cv::Mat bytes_of(const Gray& image) {
  cv::Mat bytes;
  cv::Mat(image.height, image.width, CV_32F, const_cast<float*>(image.pixels.data())).convertTo(bytes, CV_8U);
  return bytes;
}

TEST_CASE("made clips: the chain's images", "[flow][opencv]") {
  check_clip("waves", {bytes_of(waves(90, 70, 5)), bytes_of(waves(90, 70, 5, 0.7, 0.2)), bytes_of(waves(90, 70, 6))},
             {0.0, 2.0});
}

TEST_CASE("frames of the clips: the chain's images", "[flow][data]") {
  const std::string data = std::getenv("SHCNN_TEST_DATA");
  for (const std::string name : {"single_face", "WolfgangLanger_Pexels", "carphone_pristine"}) {
    cv::VideoCapture video(data + "/clips/" + name + ".mp4");
    REQUIRE(video.isOpened());
    std::vector<cv::Mat> frames;
    cv::Mat frame;
    for (int i = 0; i <= 40 && video.read(frame); ++i) {
      if (i != 0 && i != 8 && i != 40) continue;
      cv::Mat gray, small;
      cv::cvtColor(frame, gray, cv::COLOR_BGR2GRAY);
      cv::resize(gray, small, {160, 140});
      frames.push_back(small.clone());
    }
    check_clip(name, frames, {0.0});
  }
}

}  // namespace
}  // namespace shcnn::test
