// Scores and losses: softmax with temperature, its score gradient, soft-label cross-entropy with its gradient, the vote
// over crops and confusion counts. Formulas: math/softmax.h.
//
// Scores are (n,N): class, sample. A thread processes one sample (one image in the vote) and loops over its few
// classes, so a warp reads 32 adjacent samples of a class at a time. The arrays are small: N = 100 samples of 7 classes
// are 2.8 kB and one block, so the cost is the launch. soft_cross_entropy is one kernel with one block for any N,
// because its report is a sum over samples: in double, in the order of block_sum.
#include "kernels/cuda/block_sum.cuh"
#include "kernels/cuda/ops.h"
#include "kernels/math/softmax.h"

namespace shcnn::SHCNN_EXECUTOR {
namespace {

constexpr int kLossThreads = 256;

__device__ __forceinline__ std::int64_t thread_number() { return std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }

__device__ __forceinline__ float temperature_of(Temperature temperature, const Scores<const float>& o) {
  return temperature == Temperature::kOne ? 1.0f : largest_magnitude(o);
}

/// logits, p (classes, samples)
__global__ void softmax_forward_kernel(Temperature temperature, std::int64_t classes, std::int64_t samples,
                                       const float* logits, float* p) {
  const std::int64_t n = thread_number();
  if (n >= samples) return;
  const Scores<const float> o{logits + n, classes, samples};
  softmax(o, temperature_of(temperature, o), Scores<float>{p + n, classes, samples});
}

/// logits, grad (classes, samples), targets (samples)
__global__ void softmax_score_gradient_kernel(Temperature temperature, std::int64_t classes, std::int64_t samples,
                                              const float* logits, const std::int32_t* targets, float* grad) {
  const std::int64_t n = thread_number();
  if (n >= samples) return;
  const Scores<const float> o{logits + n, classes, samples};
  shcnn::softmax_score_gradient(o, temperature_of(temperature, o), targets[n],
                                Scores<float>{grad + n, classes, samples});
}

/// logits, labels, grad (classes, samples)
__global__ void soft_cross_entropy_kernel(bool is_true, std::int64_t classes, std::int64_t samples, const float* logits,
                                          const float* labels, float* grad, StepReport* report) {
  SampleLoss mine;
  for (std::int64_t n = threadIdx.x; n < samples; n += kLossThreads) {
    const Scores<const float> o{logits + n, classes, samples}, q{labels + n, classes, samples};
    const SampleLoss loss = shcnn::soft_cross_entropy(o, q);
    mine.cross_entropy += loss.cross_entropy;
    mine.label_entropy += loss.label_entropy;
    mine.correct += loss.correct;
    mine.non_finite += loss.non_finite;
    soft_cross_entropy_gradient(is_true, o, q, static_cast<float>(samples), Scores<float>{grad + n, classes, samples});
  }
  constexpr std::size_t kBytes = block_sum_bytes<kLossThreads, double>();
  StepReport sums;
  sums.cross_entropy = block_sum<kLossThreads>(mine.cross_entropy, shared_memory<double>());
  sums.label_entropy = block_sum<kLossThreads>(mine.label_entropy, shared_memory<double>(kBytes));
  sums.correct = block_sum<kLossThreads>(mine.correct, shared_memory<std::int64_t>(2 * kBytes));
  sums.non_finite = block_sum<kLossThreads>(mine.non_finite, shared_memory<std::int64_t>(3 * kBytes));
  if (threadIdx.x > 0) return;
  if (samples > 0) {
    sums.cross_entropy /= static_cast<double>(samples);
    sums.label_entropy /= static_cast<double>(samples);
  }
  *report = sums;
}

/// p (classes, images * crops), scores (classes, images), predicted (images)
__global__ void vote_kernel(int crops, std::int64_t classes, std::int64_t images, const float* __restrict__ p,
                            float* scores, std::int32_t* __restrict__ predicted) {
  const std::int64_t image = thread_number();
  if (image >= images) return;
  for (std::int64_t j = 0; j < classes; ++j) {
    float sum = 0;
    for (int crop = 0; crop < crops; ++crop) sum += p[(j * images + image) * crops + crop];
    scores[j * images + image] = sum;
  }
  predicted[image] = static_cast<std::int32_t>(argmax(Scores<float>{scores + image, classes, images}));
}

/// truth, predicted (images), confusion (classes, classes). Counts are integers, so the order of addition does not
/// matter.
__global__ void count_confusion_kernel(std::int64_t images, std::int64_t classes, const std::int32_t* truth,
                                       const std::int32_t* predicted, std::int64_t* confusion) {
  const std::int64_t image = thread_number();
  if (image >= images || truth[image] < 0) return;
  std::int64_t* const cell = confusion + truth[image] * classes + predicted[image];
  atomicAdd(reinterpret_cast<unsigned long long*>(cell), 1ull);
}
static_assert(sizeof(std::int64_t) == sizeof(unsigned long long), "counts are added as what CUDA has an atomic for");

}  // namespace

void softmax_forward(const Context& context, Temperature temperature, In logits, Out p) {
  require_shape("softmax_forward", "p", p, logits.shape);
  launch_1d(context, "softmax_forward", softmax_forward_kernel, logits[1], temperature, logits[0], logits[1],
            logits.data, p.data);
}

void softmax_score_gradient(const Context& context, Temperature temperature, In logits,
                            View<const std::int32_t> classes, Out grad) {
  require_shape("softmax_score_gradient", "grad", grad, logits.shape);
  require_shape("softmax_score_gradient", "classes", classes, Shape(logits[1]));
  launch_1d(context, "softmax_score_gradient", softmax_score_gradient_kernel, logits[1], temperature, logits[0],
            logits[1], logits.data, classes.data, grad.data);
}

void soft_cross_entropy(const Context& context, CrossEntropyGradient form, In logits, In labels, Out grad,
                        StepReport* report) {
  require_shape("soft_cross_entropy", "labels", labels, logits.shape);
  require_shape("soft_cross_entropy", "grad", grad, logits.shape);
  launch(context, "soft_cross_entropy", soft_cross_entropy_kernel, dim3(1), dim3(kLossThreads),
         4 * block_sum_bytes<kLossThreads, double>(), form == CrossEntropyGradient::kTrue, logits[0], logits[1],
         logits.data, labels.data, grad.data, report);
}

void vote(const Context& context, int crops, In p, Out scores, View<std::int32_t> predicted) {
  const std::int64_t images = scores[1];
  require_shape("vote", "p", p, Shape(scores[0], images * crops));
  require_shape("vote", "predicted", predicted, Shape(images));
  launch_1d(context, "vote", vote_kernel, images, crops, scores[0], images, p.data, scores.data, predicted.data);
}

void count_confusion(const Context& context, View<const std::int32_t> truth, View<const std::int32_t> predicted,
                     View<std::int64_t> confusion) {
  require_shape("count_confusion", "predicted", predicted, truth.shape);
  require_shape("count_confusion", "confusion", confusion, Shape(confusion[0], confusion[0]));
  launch_1d(context, "count_confusion", count_confusion_kernel, truth.count(), truth.count(), confusion[0], truth.data,
            predicted.data, confusion.data);
}

}  // namespace shcnn::SHCNN_EXECUTOR
