#include "bench/peers/opencv_flow.h"

#include <atomic>
#include <cstring>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/optflow.hpp>
#include <opencv2/videoio.hpp>
#include <thread>

namespace shcnn::bench {
namespace {

cv::Mat mat_of(const GrayClip& clip, std::size_t frame) {
  return cv::Mat(clip.height, clip.width, CV_8UC1, const_cast<std::uint8_t*>(clip.frames[frame].data()));
}

void solve_pair(cv::DenseOpticalFlow& solver, const GrayClip& clip, std::size_t pair, std::vector<float>& flow) {
  flow.resize(2 * clip.frames[0].size());
  cv::Mat out(clip.height, clip.width, CV_32FC2, flow.data());
  solver.calc(mat_of(clip, 0), mat_of(clip, pair + 1), out);
}

void add_frame(GrayClip& clip, const cv::Mat& gray) {
  clip.width = gray.cols;
  clip.height = gray.rows;
  clip.frames.emplace_back(gray.datastart, gray.dataend);
}

}  // namespace

void opencv_tvl1(const GrayClip& clip, int threads, OpenCvThreads how, std::vector<std::vector<float>>& flows) {
  const std::size_t pairs = clip.frames.size() - 1;
  flows.resize(pairs);
  cv::setNumThreads(how == OpenCvThreads::kWithinPair ? threads : 1);
  if (how == OpenCvThreads::kWithinPair) {
    const auto solver = cv::optflow::DualTVL1OpticalFlow::create();
    for (std::size_t i = 0; i < pairs; ++i) solve_pair(*solver, clip, i, flows[i]);
    return;
  }
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    const auto solver = cv::optflow::DualTVL1OpticalFlow::create();
    for (std::size_t i = next++; i < pairs; i = next++) solve_pair(*solver, clip, i, flows[i]);
  };
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
}

GrayClip read_clip(const std::string& path, int width, int height, int count) {
  GrayClip clip;
  cv::VideoCapture video(path);
  cv::Mat frame, gray, small;
  while (static_cast<int>(clip.frames.size()) < count && video.isOpened() && video.read(frame)) {
    cv::cvtColor(frame, gray, cv::COLOR_BGR2GRAY);
    cv::resize(gray, small, {width, height});
    add_frame(clip, small);
  }
  return clip;
}

GrayClip read_pair(const std::string& first, const std::string& later) {
  GrayClip clip;
  for (const std::string& path : {first, later}) {
    const cv::Mat gray = cv::imread(path, cv::IMREAD_GRAYSCALE);
    if (gray.empty()) return {};
    add_frame(clip, gray);
  }
  return clip;
}

}  // namespace shcnn::bench
