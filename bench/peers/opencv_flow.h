// OpenCV's DualTVL1OpticalFlow with its defaults: one first image against several later ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shcnn::bench {

/// 8-bit gray images of one size; the others are compared with the first.
struct GrayClip {
  int width = 0, height = 0;
  std::string source;                             ///< origin of the pixels, for printing
  std::vector<std::vector<std::uint8_t>> frames;  ///< (height, width) each
};

/// How OpenCV uses `threads`: within a pair, as OpenCV decides, or one pair per thread and no threads within a pair.
enum class OpenCvThreads { kWithinPair, kPairPerThread };

/// flows[i] = (height, width, 2) px from the first frame to frame i + 1.
void opencv_tvl1(const GrayClip& clip, int threads, OpenCvThreads how, std::vector<std::vector<float>>& flows);

/// At most `count` frames of a video, converted to gray and resized to width x height; no frames if it cannot be read.
GrayClip read_clip(const std::string& path, int width, int height, int count);
/// Two images at their own size, read as gray; no frames if either cannot be read.
GrayClip read_pair(const std::string& first, const std::string& later);

}  // namespace shcnn::bench
