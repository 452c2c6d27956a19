// The public C++ interface of shcnn: load a trained network, classify faces. Plain types only; no CUDA, no OpenCV.
//
//   #include <shcnn/shcnn.h>
//   shcnn::Recognizer recognizer = shcnn::Recognizer::load("weights.safetensors");
//   shcnn::Prediction prediction = recognizer.predict({pixels, width, height, stride});
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace shcnn {

/// An 8-bit image that the caller owns: `height` rows of `width` pixels, `stride` bytes from row to row. Face networks
/// take one byte per pixel (gray), networks for flow images three (R, G, B).
struct Image {
  const std::uint8_t* pixels = nullptr;
  int width = 0;
  int height = 0;
  std::ptrdiff_t stride = 0;
};

struct Prediction {
  int label = 0;              ///< index into Recognizer::class_names()
  std::vector<float> scores;  ///< one per class, sum 1: the mean softmax output over the crops
};

struct RecognizerOptions {
  std::string device = "cpu";  ///< "cpu", "cuda", "cuda:<i>" or "simt"
  int threads = 0;             ///< for "cpu": 0 = all cores
};

/// A trained network on a device. Movable. An object must not be used by several threads at the same time; any number
/// of objects may exist.
class Recognizer {
 public:
  /// Throws std::runtime_error; its one-line message names the file or device and says how to fix the problem.
  static Recognizer load(const std::filesystem::path& weights, const RecognizerOptions& options = {});

  Recognizer(Recognizer&&) noexcept;
  Recognizer& operator=(Recognizer&&) noexcept;
  ~Recognizer();

  /// Classifies one image, after scaling it to the size the network was trained on (48 x 48 for faces, 112 x 112 for
  /// flow images). Throws std::runtime_error if the network's outputs are NaN or infinite.
  Prediction predict(const Image& image);
  /// Classifies several images: faster than one call for each.
  std::vector<Prediction> predict(const std::vector<Image>& images);

  const std::vector<std::string>& class_names() const;
  /// "static" (faces) or "micro" (flow images).
  std::string variant() const;
  /// Name of the device that runs the network.
  std::string device() const;

 private:
  struct Impl;
  explicit Recognizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace shcnn
