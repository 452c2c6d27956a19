// The solver compared with OpenCV's DualTVL1OpticalFlow on generated images and, if SHCNN_TEST_DATA is set, on the
// Middlebury pairs and frames of clips. The two agree bit for bit, except for the summation order of the early stop's
// error.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/optflow.hpp>
#include <opencv2/videoio.hpp>

#include "flow_support.h"

namespace shcnn::test {
namespace {

using flow::Tvl1Params;

cv::Mat opencv_flow(const Tvl1Params& p, const cv::Mat& first, const cv::Mat& later, const cv::Mat& initial = {}) {
  const auto solver = cv::optflow::DualTVL1OpticalFlow::create(p.tau, p.lambda, p.theta, p.scales, p.warps, p.epsilon,
                                                               p.inner_iterations, p.outer_iterations, p.scale_step,
                                                               p.gamma, p.median_filter, p.use_initial_flow);
  cv::Mat flow = initial.clone();
  solver->calc(first, later, flow);
  return flow;
}

cv::Mat our_flow(const Tvl1Params& p, const cv::Mat& first, const cv::Mat& later, const cv::Mat& initial = {}) {
  ThreadPool pool(options().threads);
  flow::Tvl1 solver(p, first.cols, first.rows, pool, options().isa);
  const auto image = [](const cv::Mat& m) {
    return flow::GrayImage::bytes(m.data, m.cols, m.rows, static_cast<std::ptrdiff_t>(m.step));
  };
  cv::Mat out = initial.empty() ? cv::Mat(first.size(), CV_32FC2) : initial.clone();
  const flow::GrayImage to = image(later);
  const flow::FlowField field = flow::FlowField::dense(out.ptr<float>(), out.cols, out.rows);
  solver.set_first(image(first));
  solver.solve({&to, 1}, {&field, 1});
  return out;
}

struct Difference {
  double mean = 0;          ///< px
  double within_tenth = 0;  ///< fraction of pixels that differ by at most 0.1 px
};

Difference compare(const cv::Mat& a, const cv::Mat& b) {
  Difference d;
  for (int y = 0; y < a.rows; ++y) {
    for (int x = 0; x < a.cols; ++x) {
      const cv::Vec2f delta = a.at<cv::Vec2f>(y, x) - b.at<cv::Vec2f>(y, x);
      const double length = std::hypot(delta[0], delta[1]);
      d.mean += length / static_cast<double>(a.total());
      d.within_tenth += (length <= 0.1) / static_cast<double>(a.total());
    }
  }
  return d;
}

void check_pair(const std::string& name, const Tvl1Params& p, const cv::Mat& a, const cv::Mat& b) {
  const Difference d = compare(our_flow(p, a, b), opencv_flow(p, a, b));
  INFO(name << " " << a.cols << "x" << a.rows << ": mean " << d.mean << " px, within 0.1 px " << d.within_tenth);
  CHECK(d.mean <= 0.02);
  CHECK(d.within_tenth >= 0.99);
}

cv::Mat to_mat(const Gray& image) {
  cv::Mat bytes;
  cv::Mat(image.height, image.width, CV_32F, const_cast<float*>(image.pixels.data())).convertTo(bytes, CV_8U);
  return bytes;
}

TEST_CASE("made images: the same flow as OpenCV, every parameter", "[flow][opencv]") {
  const auto check_with = [](const char* name, int w, int h, auto change) {
    Tvl1Params p;
    change(p);
    check_pair(name, p, to_mat(waves(w, h, 1)), to_mat(waves(w, h, 1, 1.7, -0.8)));
  };
  const auto same = [](Tvl1Params&) {};
  check_with("defaults", 120, 120, same);
  for (const auto& [w, h] : {std::pair{101, 67}, {20, 20}, {33, 17}, {16, 40}, {5, 9}, {2, 2}})
    check_with("size", w, h, same);
  check_with("tau", 60, 50, [](Tvl1Params& p) { p.tau = 0.15; });
  check_with("lambda", 60, 50, [](Tvl1Params& p) { p.lambda = 0.05; });
  check_with("theta", 60, 50, [](Tvl1Params& p) { p.theta = 0.5; });
  check_with("gamma", 60, 50, [](Tvl1Params& p) { p.gamma = 0.2; });
  check_with("scales", 60, 50, [](Tvl1Params& p) { p.scales = 2; });
  check_with("warps", 60, 50, [](Tvl1Params& p) { p.warps = 2; });
  check_with("epsilon", 60, 50, [](Tvl1Params& p) { p.epsilon = 0.1; });
  check_with("iterations", 60, 50, [](Tvl1Params& p) { p.inner_iterations = 7, p.outer_iterations = 3; });
  check_with("scale step", 60, 50, [](Tvl1Params& p) { p.scale_step = 0.5; });
  check_with("median 3", 60, 50, [](Tvl1Params& p) { p.median_filter = 3; });
  check_with("no median", 60, 50, [](Tvl1Params& p) { p.median_filter = 1; });
}

TEST_CASE("an initial flow: the same flow as OpenCV", "[flow][opencv]") {
  Tvl1Params p;
  p.use_initial_flow = true;
  const cv::Mat a = to_mat(waves(70, 60, 2)), b = to_mat(waves(70, 60, 2, 4, 2));
  const cv::Mat start(a.size(), CV_32FC2, cv::Scalar(3.5, 1.5));
  const Difference d = compare(our_flow(p, a, b, start), opencv_flow(p, a, b, start));
  CHECK(d.mean <= 0.02);
  CHECK(d.within_tenth >= 0.99);
}

TEST_CASE("fixed iterations: every bit of OpenCV's flow", "[flow][opencv]") {
  Tvl1Params p;
  p.epsilon = 0;
  p.warps = 2;
  p.outer_iterations = 2;
  for (const double gamma : {0.0, 0.1}) {
    p.gamma = gamma;
    const cv::Mat a = to_mat(waves(60, 50, 3)), b = to_mat(waves(60, 50, 3, 1.2, 0.7));
    const cv::Mat ours = our_flow(p, a, b), theirs = opencv_flow(p, a, b);
    CHECK(cv::norm(ours, theirs, cv::NORM_INF) == 0);
  }
}

/// An initial flow in px, computed from the pixel's position.
template <class Vector>
cv::Mat start_flow(cv::Size size, Vector vector) {
  cv::Mat flow(size, CV_32FC2);
  for (int y = 0; y < flow.rows; ++y) {
    for (int x = 0; x < flow.cols; ++x) {
      flow.at<cv::Vec2f>(y, x) = vector(static_cast<float>(x), static_cast<float>(y));
    }
  }
  return flow;
}

// Some of these initial flows are far from the solution. Warps round positions to 1/32 px, so if pixels leave the image
// or have no texture, a difference in one last bit can grow to pixels.
TEST_CASE("zero epsilon through scales of any step, with and without an initial flow: every bit of OpenCV's",
          "[flow][opencv]") {
  Tvl1Params p;
  p.epsilon = 0;  // OpenCV's setting for a fixed number of iterations: it stops only if no pixel changes
  p.warps = 2;
  p.inner_iterations = 10;
  p.outer_iterations = 2;
  // 40 x 33 with step 0.99: levels of equal size. 101 x 67 and 61 x 59 with step 0.5: sizes with columns left over when
  // OpenCV halves four at a time.
  for (const auto& [w, h] : {std::pair{96, 72}, {101, 67}, {61, 59}, {40, 33}}) {
    const cv::Mat a = to_mat(waves(w, h, 3)), b = to_mat(waves(w, h, 3, 1.2, 0.7));
    Random random(4);
    const float middle_x = static_cast<float>(w) / 2, middle_y = static_cast<float>(h) / 2;
    const std::pair<const char*, cv::Mat> starts[] = {
        {"none", {}},
        {"slope", start_flow(a.size(),
                             [](float x, float y) {
                               return cv::Vec2f(1.2f + 0.013f * x - 0.007f * y, 0.7f - 0.011f * x + 0.003f * y);
                             })},
        {"10 px off", start_flow(a.size(), [](float, float) { return cv::Vec2f(10, -10); })},
        {"rotation",
         start_flow(a.size(),
                    [&](float x, float y) { return cv::Vec2f(0.05f * (middle_y - y), 0.05f * (x - middle_x)); })},
        {"noise", start_flow(a.size(), [&](float, float) {
           const auto component = [&] { return static_cast<float>(random.uniform(-4, 4)); };
           const float u1 = component();
           return cv::Vec2f(u1, component());
         })}};
    for (const double step : {0.8, 0.61, 0.5, 0.9, 0.99}) {
      p.scale_step = step;
      for (const auto& [name, start] : starts) {
        p.use_initial_flow = !start.empty();
        CAPTURE(w, h, step, name);
        CHECK(cv::norm(our_flow(p, a, b, start), opencv_flow(p, a, b, start), cv::NORM_INF) == 0);
      }
    }
  }
}

/// Average end-point error against ground truth, in px; unknown pixels are larger than 1e9.
double endpoint_error(const cv::Mat& flow, const cv::Mat& truth) {
  double sum = 0;
  std::int64_t known = 0;
  for (int y = 0; y < flow.rows; ++y) {
    for (int x = 0; x < flow.cols; ++x) {
      const cv::Vec2f t = truth.at<cv::Vec2f>(y, x), f = flow.at<cv::Vec2f>(y, x);
      if (std::abs(t[0]) > 1e9f || std::abs(t[1]) > 1e9f) continue;
      sum += std::hypot(f[0] - t[0], f[1] - t[1]);
      ++known;
    }
  }
  return sum / static_cast<double>(known);
}

TEST_CASE("Middlebury pairs: OpenCV's flow, and its distance from the truth", "[flow][data]") {
  const std::string data = std::getenv("SHCNN_TEST_DATA");
  for (const std::string pair : {"Dimetrodon", "Grove2", "Venus"}) {
    const std::string folder = data + "/flow/" + pair;
    const cv::Mat a = cv::imread(folder + "/frame10.png", cv::IMREAD_GRAYSCALE),
                  b = cv::imread(folder + "/frame11.png", cv::IMREAD_GRAYSCALE);
    REQUIRE(!a.empty());
    const Tvl1Params p;
    const cv::Mat ours = our_flow(p, a, b), theirs = opencv_flow(p, a, b);
    const Difference d = compare(ours, theirs);
    const cv::Mat truth = cv::readOpticalFlow(folder + "/flow10.flo");
    const double our_error = endpoint_error(ours, truth), their_error = endpoint_error(theirs, truth);
    std::printf("%-10s end-point error: ours %.4f px, OpenCV %.4f px; apart by %.6f px\n", pair.c_str(), our_error,
                their_error, d.mean);
    CHECK(our_error <= their_error + 0.01);
    CHECK(d.mean <= 0.02);
    CHECK(d.within_tenth >= 0.99);
    cv::Mat small_a, small_b;
    cv::resize(a, small_a, {120, 120});
    cv::resize(b, small_b, {120, 120});
    check_pair(pair, p, small_a, small_b);
  }
}

TEST_CASE("clips at 120 x 120: the first frame against later ones", "[flow][data]") {
  const std::string data = std::getenv("SHCNN_TEST_DATA");
  for (const std::string clip : {"single_face", "WolfgangLanger_Pexels", "carphone_pristine"}) {
    cv::VideoCapture video(data + "/clips/" + clip + ".mp4");
    REQUIRE(video.isOpened());
    cv::Mat frame, first;
    for (int i = 0; i <= 60 && video.read(frame); ++i) {
      cv::Mat gray, small;
      cv::cvtColor(frame, gray, cv::COLOR_BGR2GRAY);
      cv::resize(gray, small, {120, 120});
      if (i == 0) first = small.clone();
      if (i == 1 || i == 20 || i == 60) check_pair(clip + " frame " + std::to_string(i), Tvl1Params{}, first, small);
    }
  }
}

}  // namespace
}  // namespace shcnn::test
