// Averages four samples (2 x 2) per pixel, then applies the camera model: blur -> gain -> contrast around middle gray
// -> brightness -> noise -> rounding. Cost at 48 x 48: about 9,000 samples per face.
#include "io/synth/face_render.h"

#include <cmath>

#include "io/synth/face_painter.h"
#include "io/synth/random_stream.h"

namespace shcnn::synth {
namespace {

constexpr int kSamples = 2;  ///< samples per pixel along each axis
constexpr std::uint32_t kNoiseItem = 0x4E01;

/// One pass of a binomial-like blur along an axis with taps (a, 1 - 2a, a) and variance 2a. Variances of passes add up.
void blur_axis(std::vector<double>& image, int size, int stride_along, int stride_across, double a) {
  std::vector<double> line(static_cast<std::size_t>(size));
  for (int k = 0; k < size; ++k) {
    double* first = image.data() + static_cast<std::ptrdiff_t>(k) * stride_across;
    for (int i = 0; i < size; ++i)
      line[static_cast<std::size_t>(i)] = first[static_cast<std::ptrdiff_t>(i) * stride_along];
    for (int i = 0; i < size; ++i) {
      const double before = line[static_cast<std::size_t>(i > 0 ? i - 1 : 0)];
      const double after = line[static_cast<std::size_t>(i + 1 < size ? i + 1 : size - 1)];
      const double here = line[static_cast<std::size_t>(i)];
      first[static_cast<std::ptrdiff_t>(i) * stride_along] = here + a * (before - 2.0 * here + after);
    }
  }
}

void blur(std::vector<double>& image, int size, double sigma) {
  const double variance = sigma * sigma;
  const int passes = static_cast<int>(std::ceil(variance / 0.5));  // a <= 1/4, so that every pass is smooth
  for (int pass = 0; pass < passes; ++pass) {
    const double a = 0.5 * variance / passes;
    blur_axis(image, size, 1, size, a);
    blur_axis(image, size, size, 1, a);
  }
}

}  // namespace

std::vector<std::uint8_t> render_face(const FaceParameters& face, int size) {
  const FaceView& view = face.view;
  const FacePainter painter(face, 1.0 / (size * kSamples));
  std::vector<double> image(static_cast<std::size_t>(size) * static_cast<std::size_t>(size));
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      double sum = 0;
      for (int j = 0; j < kSamples; ++j) {
        for (int i = 0; i < kSamples; ++i) {
          sum += painter.luminance((column + (i + 0.5) / kSamples) / size, (row + (j + 0.5) / kSamples) / size);
        }
      }
      image[static_cast<std::size_t>(row) * size + column] = sum / (kSamples * kSamples);
    }
  }
  blur(image, size, view.blur * size / 48.0);

  RandomStream random(view.noise_seed, kNoiseItem);
  std::vector<std::uint8_t> bytes(image.size());
  for (std::size_t i = 0; i < image.size(); ++i) {
    const double exposed = (image[i] * view.gain - 0.5) * view.contrast + 0.5 + view.brightness;
    const double level = 255.0 * (exposed + random.bell(0.0, view.noise)) + 0.5;
    bytes[i] = static_cast<std::uint8_t>(level < 0.0 ? 0.0 : (level > 255.0 ? 255.0 : level));
  }
  return bytes;
}

}  // namespace shcnn::synth
