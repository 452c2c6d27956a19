// Detects non-finite logits. Weights or inputs too large for float32 give infinite or NaN logits, whose softmax may
// still look like valid scores, so all code that scores images checks the logits with these functions.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/error.h"

namespace shcnn {

/// Thrown if the logits of an image contain a NaN or an infinity; its kind is kNonFinite.
class NonFiniteScores : public Error {
 public:
  static constexpr const char* kWhy =
      "the network's outputs are NaN or infinite: its weights or its input scale are too large for float32; use other "
      "weights";
  explicit NonFiniteScores(std::int64_t image)
      : Error(ErrorKind::kNonFinite, message("image ", image), kWhy), image_(image) {}
  /// The image's index in the call that threw.
  std::int64_t image() const noexcept { return image_; }

 private:
  std::int64_t image_;
};

/// The first sample of `logits` (classes, batch) that contains a NaN or an infinity; -1 if there is none.
template <class T>
std::int64_t first_non_finite(const std::vector<T>& logits, std::int64_t batch);

/// The scale factor of image bytes as the float32 that kernels take. @throws Error kNonFinite if float32 cannot hold it
float input_scale_for_kernels(double input_scale);

}  // namespace shcnn
