// make_batch:  x(c,i,j,n) = scale * bytes(image(n), top(n) + i, left(n) + j, c), j mirrored for crops 5..9.
//
// A transpose from rows of an image to lanes of samples. A task is one row of the patch for kSamples samples: their
// bytes (one or two cache lines each) and their part of x stay in the cache during the transpose.
#include "kernels/cpu/batch.h"

#include <algorithm>

#include "kernels/host/thread_pool.h"
#include "kernels/math/crop.h"

namespace shcnn::cpu {
namespace {

constexpr std::int64_t kSamples = 16;

/// Address of the first pixel of a patch's row, and the step to the next pixel in bytes.
struct PatchRow {
  const std::uint8_t* first;
  std::int64_t step;
};

PatchRow patch_row(const CropPlan& plan, const View<const std::uint8_t>& images, std::int32_t entry, std::int64_t i) {
  const CropPlace place = crop_place(entry, plan.height, plan.width, images[1], images[2]);
  return {images.data + ((place.image * images[1] + place.top + i) * images[2] + place.column(0)) * images[3],
          place.mirrored ? -images[3] : images[3]};
}

}  // namespace

void make_batch(const Context& context, CropPlan plan, View<const std::uint8_t> images, View<const float> labels,
                View<const std::int32_t> order, const StepState* state, View<float> x, View<float> y) {
  constexpr const char* kOp = "make_batch";
  const std::int64_t samples = x[3], channels = images[3];
  require_shape(kOp, "labels", labels, Shape(images[0], labels[1]));
  require_shape(kOp, "x", x, Shape(channels, plan.height, plan.width, samples));
  require_shape(kOp, "y", y, Shape(labels[1], samples));
  if (plan.height > images[1] || plan.width > images[2]) {
    throw Error(ErrorKind::kInternal, kOp, "the patch is larger than the image");
  }
  if (samples == 0) return;
  const std::int32_t* entries = order.data + state->cursor;
  const std::int64_t groups = (samples + kSamples - 1) / kSamples;
  context.threads->run(plan.height * groups, [&](std::int64_t task, int) {
    const std::int64_t i = task / groups, first = task % groups * kSamples, count = std::min(kSamples, samples - first);
    PatchRow rows[kSamples];
    for (std::int64_t s = 0; s < count; ++s) rows[s] = patch_row(plan, images, entries[first + s], i);
    for (std::int64_t c = 0; c < channels; ++c) {
      float* out = x.data + (c * plan.height + i) * plan.width * samples + first;
      for (std::int64_t j = 0; j < plan.width; ++j, out += samples) {
        for (std::int64_t s = 0; s < count; ++s)
          out[s] = plan.scale * static_cast<float>(rows[s].first[j * rows[s].step + c]);
      }
    }
  });
  for (std::int64_t n = 0; n < samples; ++n) {
    const float* label = labels.data + entries[n] / kCropsAnEntry * labels[1];
    for (std::int64_t j = 0; j < labels[1]; ++j) y.data[j * samples + n] = label[j];
  }
}

}  // namespace shcnn::cpu
