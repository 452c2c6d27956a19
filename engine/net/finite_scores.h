// What a network says is worth nothing where it is no number: weights or inputs too large for float32 give logits of
// infinity or NaN, whose softmax may still look like scores. Everything that scores images looks at the logits here.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/error.h"

namespace shcnn {

/// An image whose logits hold a NaN or an infinity; kind kNonFinite.
class NonFiniteScores : public Error {
 public:
  static constexpr const char* kWhy =
      "the network's outputs are NaN or infinite: its weights or its input scale are too large for float32; use other "
      "weights";
  explicit NonFiniteScores(std::int64_t image)
      : Error(ErrorKind::kNonFinite, message("image ", image), kWhy), image_(image) {}
  /// Its number in the call that threw.
  std::int64_t image() const noexcept { return image_; }

 private:
  std::int64_t image_;
};

/// The first sample of `logits` (classes, batch) that holds a NaN or an infinity; -1 where there is none.
template <class T>
std::int64_t first_non_finite(const std::vector<T>& logits, std::int64_t batch);

/// The factor on image bytes as kernels take it. @throws Error kNonFinite where float32 cannot hold it
float input_scale_for_kernels(double input_scale);

}  // namespace shcnn
