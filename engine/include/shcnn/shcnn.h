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

/// An 8-bit image that the caller owns: `height` rows of `width` pixels, `stride` bytes from row to row. One byte a
/// pixel (gray) for networks of faces, three (R, G, B) for networks of flow images.
struct Image {
  const std::uint8_t* pixels = nullptr;
  int width = 0;
  int height = 0;
  std::ptrdiff_t stride = 0;
};

struct Prediction {
  int label = 0;              ///< index into Recognizer::class_names()
  std::vector<float> scores;  ///< one per class, they sum to 1: the mean softmax output over the crops
};

struct RecognizerOptions {
  std::string device = "cpu";  ///< "cpu", "cuda", "cuda:<i>" or "simt"
  int threads = 0;             ///< cpu: 0 = every core
};

/// A trained network on a device. Movable; one thread at a time may use an object, any number of objects may exist.
class Recognizer {
 public:
  /// Throws std::runtime_error with one line that names the file or device and how to fix it.
  static Recognizer load(const std::filesystem::path& weights, const RecognizerOptions& options = {});

  Recognizer(Recognizer&&) noexcept;
  Recognizer& operator=(Recognizer&&) noexcept;
  ~Recognizer();

  /// Throws std::runtime_error where the network's outputs are NaN or infinite.
  /// Classifies one image, scaled to the size the network was trained on (48 x 48 faces, 112 x 112 flow images).
  Prediction predict(const Image& image);
  /// Classifies many at once: faster than one by one.
  std::vector<Prediction> predict(const std::vector<Image>& images);

  const std::vector<std::string>& class_names() const;
  /// "static" (faces) or "micro" (flow images).
  std::string variant() const;
  /// The device that does the work, as text.
  std::string device() const;

 private:
  struct Impl;
  explicit Recognizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace shcnn
