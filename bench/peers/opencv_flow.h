// OpenCV's DualTVL1OpticalFlow at its defaults: one first image against many later ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shcnn::bench {

/// Gray images of one size, 8-bit; the first is what the others are compared with.
struct GrayClip {
  int width = 0, height = 0;
  std::string source;                             ///< where the pixels come from, to print
  std::vector<std::vector<std::uint8_t>> frames;  ///< (height, width) each
};

/// How OpenCV may use `threads`: within a pair as it sees fit, or one pair a thread and none within it.
enum class OpenCvThreads { kWithinPair, kPairPerThread };

/// flows[i] = (height, width, 2) px from the first frame to frame i + 1.
void opencv_tvl1(const GrayClip& clip, int threads, OpenCvThreads how, std::vector<std::vector<float>>& flows);

/// Frames of a video, gray and resized to width x height, `count` at most; empty where it cannot be read.
GrayClip read_clip(const std::string& path, int width, int height, int count);
/// Two images as they are; empty where they cannot be read.
GrayClip read_pair(const std::string& first, const std::string& later);

}  // namespace shcnn::bench
