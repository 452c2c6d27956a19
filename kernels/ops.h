// The interface of the kernels: every computation of the network with its shapes. Four tables of functions implement
// it: cpu (fast), naive (plain loops in float or double, the reference for tests), cuda, and simt (the cuda sources on
// the host).
//
// Layout. A map is (C, H, W, N): channel, row, column, and the *sample innermost*. For one channel and row, the lanes
// (column, sample) are contiguous, and a shift by one column is a shift by N lanes: every convolution tap reads one
// contiguous run, for any batch size, without im2col and without padding channels or samples to the vector width.
// A dense activation is (F, N); flattening (C, H, W, N) to (C*H*W, N) is a no-op.
//
// Dead cells. The network's zero padding makes whole rows and columns of pooled maps zero for every image
// (docs/architecture.md). Maps store only live cells: a pool's `first` is the first pooled row and column that it
// stores, and the omitted border of zeros becomes padding of the next convolution (ConvPads). Taps on padding are
// skipped.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/device.h"
#include "kernels/math/adam.h"
#include "kernels/math/philox.h"
#include "kernels/math/step_state.h"
#include "kernels/view.h"

namespace shcnn {

/// Zero rows above and columns left (begin), below and right (end) of a convolution's input.
struct ConvPads {
  int begin = 0;
  int end = 0;
};

/// 2x2 windows at stride 2 over a map with a zero border of `pad` cells; if the padded extent is odd, the last window
/// covers one row or column. Stores pooled cells first .. first + extent of y - 1 of both axes.
struct MaxPool {
  int pad = 0;
  int first = 0;
};
/// Position of the maximum that max_pool records: 0..3 = cell of the window in scan order, 4 = a cell of the zero
/// border.
inline constexpr std::uint8_t kWinnerIsPad = 4;

/// After a hidden dense layer: LeakyReLU, then dropout with the drop rate `rate` (0 = none).
struct LeakyDropout {
  double slope = 0.02;
  double rate = 0;
  Purpose layer = Purpose::kDropout1;
};

enum class Temperature {
  kOne,      ///< S = softmax(o)
  kLargest,  ///< V = softmax(o / M), M = max_j |o_j|, held constant in gradients (Eqs. 8, 12); M = 0 gives 1/n
};

/// d(cross-entropy)/d(logits): the true derivative S * sum(p) - p, or TensorFlow's S - p (recipe `code`).
enum class CrossEntropyGradient { kTrue, kTensorFlow };

/// Statistics of one training step, in device memory. Reset by soft_cross_entropy. A step whose report counts a
/// non-finite logit changes no parameter, so the parameters remain those of the last good step.
struct StepReport {
  double cross_entropy = 0;     ///< mean over the batch
  double label_entropy = 0;     ///< mean over the batch of -sum p log p
  double sum_squares = 0;       ///< of the decayed weights before their update, without those that adam_replay updates
  double grad_norm = 0;         ///< global norm, when clipping is on
  std::int64_t correct = 0;     ///< samples whose largest logit and largest label are the same class (first on ties)
  std::int64_t non_finite = 0;  ///< number of non-finite logits (soft_cross_entropy) and updates (adam_step)
  std::uint64_t step = 0;       ///< set by publish_report
};

/// How image bytes become samples. An entry of the epoch's order is image * 16 + crop; crop 0..4 = corners (top left,
/// top right, bottom left, bottom right) and middle, 5..9 the same mirrored left-right.
struct CropPlan {
  int height = 42;  ///< of the patch
  int width = 42;
  float scale = 1.0f / 255;  ///< factor that the bytes are multiplied by
};

/// Shapes of one convolution. conv2d_workspace returns the workspace bytes that its forward and both backward ops need.
struct ConvGeometry {
  Shape x;  ///< (Ci, H, W, N)
  Shape w;  ///< (Co, Ci, K, K)
  ConvPads pads;
};

/// One entry of a table: a function and its name. Calling an empty entry throws Error(kInternal) with the name.
template <class Signature>
class Op;
template <class Result, class... Args>
class Op<Result(Args...)> {
 public:
  explicit constexpr Op(const char* name) : name_(name) {}
  void operator=(Result (*function)(Args...)) { function_ = function; }  // NOLINT: assignment is registration
  Result operator()(Args... args) const {
    if (!function_) throw Error(ErrorKind::kInternal, name_, "this device has no such op");
    return function_(args...);
  }
  const char* name() const { return name_; }
  explicit operator bool() const { return function_ != nullptr; }

 private:
  const char* name_;
  Result (*function_)(Args...) = nullptr;
};

#define SHCNN_OP(op, ...) \
  Op<__VA_ARGS__> op { #op }

template <class T>
struct Ops {
  using In = View<const T>;
  using Out = View<T>;

  // --- convolution, stride 1, K = 1, 3, 5; Ho = H + begin + end - K + 1 ------------------------------- conv2d
  /// z = conv(x, w).  x (Ci,H,W,N), w (Co,Ci,K,K) -> z (Co,Ho,Wo,N)
  SHCNN_OP(conv2d_forward, void(const Context&, ConvPads, In x, In w, Out z));
  /// dx = correlation of dz with w transposed.  w (Co,Ci,K,K), dz (Co,Ho,Wo,N) -> dx (Ci,H,W,N)
  SHCNN_OP(conv2d_backward_data, void(const Context&, ConvPads, In w, In dz, Out dx));
  /// dw = sum over rows, columns and samples.  x (Ci,H,W,N), dz (Co,Ho,Wo,N) -> dw (Co,Ci,K,K)
  SHCNN_OP(conv2d_backward_filter, void(const Context&, ConvPads, In x, In dz, Out dw));
  SHCNN_OP(conv2d_workspace, std::size_t(const ConvGeometry&));

  // --- bias, LeakyReLU and pooling ---------------------------------------------------------- max_pool, avg_pool
  /// y = maxpool(zeropad(leaky(z + b))).  z (C,H,W,N), b (C) -> y (C,Hy,Wy,N), winner (C,Hy,Wy,N). On ties the first
  /// cell in scan order is the winner.
  SHCNN_OP(max_pool_forward, void(const Context&, MaxPool, T slope, In z, In b, Out y, View<std::uint8_t> winner));
  /// Backward through pool, pad, activation and bias.  y, winner, dy (C,Hy,Wy,N) -> dz (C,H,W,N), db (C). Writes every
  /// cell of dz.
  SHCNN_OP(max_pool_backward,
           void(const Context&, MaxPool, T slope, In y, View<const std::uint8_t> winner, In dy, Out dz, Out db));
  /// y = leaky(avgpool(z + b)); a window at an odd edge is divided by the number of its cells inside the map.
  /// z (C,H,W,N), b (C) -> y (C,ceil(H/2),ceil(W/2),N)
  SHCNN_OP(avg_pool_forward, void(const Context&, T slope, In z, In b, Out y));
  /// y, dy (C,Hy,Wy,N) -> dz (C,H,W,N), db (C)
  SHCNN_OP(avg_pool_backward, void(const Context&, T slope, In y, In dy, Out dz, Out db));

  // --- dense layers --------------------------------------------------------------------------------- dense
  /// y = w x + b.  x (I,N), w (O,I), b (O) -> y (O,N)
  SHCNN_OP(dense_forward, void(const Context&, In x, In w, In b, Out y));
  /// dx = w' dy.  w (O,I), dy (O,N) -> dx (I,N)
  SHCNN_OP(dense_backward_data, void(const Context&, In w, In dy, Out dx));
  /// dw = dy x', db = row sums of dy.  x (I,N), dy (O,N) -> dw (O,I), db (O)
  SHCNN_OP(dense_backward_filter, void(const Context&, In x, In dy, Out dw, Out db));
  /// Bytes for a layer of I inputs, O outputs, N samples.
  SHCNN_OP(dense_workspace, std::size_t(std::int64_t inputs, std::int64_t outputs, std::int64_t samples));

  // --- activation and dropout of the hidden dense layers ---------------------------------------- leaky_dropout
  /// y = dropout(leaky(y)) in place, y (F,N). If `state` is null, there is no dropout (evaluation).
  SHCNN_OP(leaky_dropout_forward, void(const Context&, LeakyDropout, const StepState* state, Out y));
  /// Replaces dy (F,N) by the gradient of the forward op's input. y (F,N) is the forward op's output.
  SHCNN_OP(leaky_dropout_backward, void(const Context&, LeakyDropout, const StepState* state, In y, Out dy));

  // --- scores and losses ------------------------------------------------------------------------------- softmax
  /// p = softmax over classes of each sample.  logits (n,N) -> p (n,N)
  SHCNN_OP(softmax_forward, void(const Context&, Temperature, In logits, Out p));
  /// Gradient of one class's score with respect to the logits: dS_j/do or dV_j/do.
  /// logits (n,N), classes (N): j of each sample -> grad (n,N)
  SHCNN_OP(softmax_score_gradient,
           void(const Context&, Temperature, In logits, View<const std::int32_t> classes, Out grad));
  /// Mean soft-label cross-entropy and its gradient (already divided by N); initialises the step's report.
  /// logits (n,N), labels (n,N) -> grad (n,N), *report
  SHCNN_OP(soft_cross_entropy,
           void(const Context&, CrossEntropyGradient, In logits, In labels, Out grad, StepReport* report));
  /// Sums the scores of each image's `crops` consecutive samples and takes the argmax (lowest index on ties).
  /// p (n, images * crops) -> scores (n, images), predicted (images)
  SHCNN_OP(vote, void(const Context&, int crops, In p, Out scores, View<std::int32_t> predicted));
  /// confusion[truth][predicted] += 1 for each image; truth < 0 is not counted.  (images), (images) -> (n,n)
  SHCNN_OP(count_confusion, void(const Context&, View<const std::int32_t> truth, View<const std::int32_t> predicted,
                                 View<std::int64_t> confusion));

  // --- optimiser ------------------------------------------------------------------------------------------- adam
  /// Advances state to the next step; the first op of every training step.
  SHCNN_OP(advance_step, void(const Context&, StepSchedule, StepState* state));
  /// state->clip_scale = min(1, max_norm / |g + 2 lambda w|), the norm over all P. lambda applies to the first
  /// `decayed` elements.
  /// w, g (P)
  SHCNN_OP(clip_by_global_norm, void(const Context&, T max_norm, T lambda, std::int64_t decayed, In w, In g,
                                     StepState* state, StepReport* report));
  /// One Adam step of P parameters. The first `decayed` have L2 decay lambda; their squares are added to the report.
  /// Does nothing if report->non_finite > 0 on entry. Otherwise an element is left unchanged and counted in
  /// report->non_finite if its gradient, or its new weight or moments, are not finite. w, m, v (P) updated; g (P)
  SHCNN_OP(adam_step, void(const Context&, AdamParams<T>, std::int64_t decayed, const StepState* state, In g, Out w,
                           Out m, Out v, StepReport* report));
  /// Adam steps first_step .. first_step + steps - 1 of P decayed parameters whose data gradient is zero (weights of
  /// the first dense layer's dead inputs). The result is bit-identical to that many calls of adam_step.
  /// w, m, v (P) updated; sum_squares (steps) receives the sum of w^2 before each step.
  SHCNN_OP(adam_replay, void(const Context&, AdamParams<T>, StepSchedule, std::uint64_t first_step, Out w, Out m, Out v,
                             View<double> sum_squares));
  /// ring[state->step % ring.count()] = *report with `step` set; the last op of a training step. The ring is host
  /// memory that the device can write (Device::allocate_host), so the host reads a finished step's report without a
  /// copy.
  SHCNN_OP(publish_report,
           void(const Context&, const StepState* state, const StepReport* report, View<StepReport> ring));
  /// Bytes for clip_by_global_norm, adam_step and adam_replay over P parameters.
  SHCNN_OP(adam_workspace, std::size_t(std::int64_t parameters));

  // --- batches ----------------------------------------------------------------------------------------------- batch
  /// Crops, mirrors and scales samples order[state->cursor ..] directly from image bytes and gathers their labels.
  /// images (M,Hi,Wi,C) bytes, labels (M,n), order (S) -> x (C,Hp,Wp,N), y (n,N)
  SHCNN_OP(make_batch, void(const Context&, CropPlan, View<const std::uint8_t> images, In labels,
                            View<const std::int32_t> order, const StepState* state, Out x, Out y));
  /// Maps crop gradients back to the whole image: at each pixel the mean of dx over the crops of `order` that cover it,
  /// un-mirrored.  dx (C,Hp,Wp,images*crops) -> map (images,C,Hi,Wi)
  SHCNN_OP(uncrop_mean, void(const Context&, CropPlan, int crops, In dx, View<const std::int32_t> order, Out map));
};

#undef SHCNN_OP

/// Plain loops in any precision: used by `--device cpu --precision float64`, and the reference for the fast tables.
template <class T>
Ops<T> naive_ops();
extern template Ops<float> naive_ops<float>();
extern template Ops<double> naive_ops<double>();

}  // namespace shcnn
