// Builds a batch from image bytes, and maps its gradient back to the images.
//
//   make_batch:   x(c,i,j,n) = scale * bytes(image, top + i, left + j, c), j mirrored for crops 5..9;  y(k,n) = labels
//   uncrop_mean:  map(image,c,i,j) = mean of dx, un-mirrored, over the crops that cover the pixel
//
// images (M,Hi,Wi,C) bytes, x (C,Hp,Wp,N), order (S); dx (C,Hp,Wp,images*crops), map (images,C,Hi,Wi). Positions of
// crops: math/crop.h.
//
// make_batch is a transpose: a thread processes one pixel of four adjacent samples (of one if N is not a multiple of
// four) and writes them with one store. Its four bytes are in four images, but other threads of the block read the
// adjacent pixels, so each 32-byte sector of an image is fetched once and then hits L1. N = 100 crops of 42 x 42:
// 0.2 MB read, 0.7 MB written. The last threads of the grid copy the labels.
//
// uncrop_mean gathers: a thread processes one pixel of one image and adds its crops in order, so the result is
// reproducible without atomics. Adjacent threads of a warp process adjacent images, whose crops are adjacent in dx.
#include <algorithm>

#include "kernels/cuda/lanes.cuh"
#include "kernels/cuda/ops.h"
#include "kernels/math/crop.h"

namespace shcnn::SHCNN_EXECUTOR {
namespace {

/// Extents of the images and of their patches.
struct BatchMap {
  std::int64_t height, width, channels;  ///< of an image
  int patch_height, patch_width;
  float scale;
  std::int64_t samples, classes;
};

template <int kLanes>
__global__ void make_batch_kernel(BatchMap p, const std::uint8_t* __restrict__ images, const float* __restrict__ labels,
                                  const std::int32_t* __restrict__ order, const StepState* __restrict__ state,
                                  float* __restrict__ x, float* __restrict__ y) {
  const std::int64_t thread = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t groups = p.samples / kLanes, patch = std::int64_t{p.patch_height} * p.patch_width;
  const std::int64_t row = thread / groups, first = thread % groups * kLanes;
  if (row >= p.channels * patch + p.classes) return;
  const std::int32_t* const entries = order + state->cursor + first;
  Lanes<kLanes> lanes;
  if (row < p.channels * patch) {
    const std::int64_t c = row / patch, i = row % patch / p.patch_width, j = row % p.patch_width;
#pragma unroll
    for (int k = 0; k < kLanes; ++k) {
      const CropPlace place = crop_place(entries[k], p.patch_height, p.patch_width, p.height, p.width);
      const std::int64_t pixel = (place.image * p.height + place.top + i) * p.width + place.column(j);
      lanes.v[k] = p.scale * static_cast<float>(images[pixel * p.channels + c]);
    }
    store_lanes(x + row * p.samples + first, lanes);
  } else {
    const std::int64_t label = row - p.channels * patch;
#pragma unroll
    for (int k = 0; k < kLanes; ++k) lanes.v[k] = labels[entries[k] / kCropsAnEntry * p.classes + label];
    store_lanes(y + label * p.samples + first, lanes);
  }
}

__global__ void uncrop_mean_kernel(BatchMap p, int crops, const float* __restrict__ dx,
                                   const std::int32_t* __restrict__ order, float* __restrict__ map) {
  const std::int64_t thread = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t images = p.samples / crops, pixels = p.height * p.width;
  const std::int64_t image = thread % images, cell = thread / images;
  if (cell >= p.channels * pixels) return;
  const std::int64_t c = cell / pixels, row = cell % pixels / p.width, column = cell % p.width;
  float sum = 0;
  int covers = 0;
  for (std::int64_t n = image * crops; n < (image + 1) * crops; ++n) {
    const CropPlace place = crop_place(order[n], p.patch_height, p.patch_width, p.height, p.width);
    const std::int64_t i = row - place.top;
    // mirroring is its own inverse on columns relative to the patch's left edge
    const std::int64_t j = place.column(column - place.left) - place.left;
    if (i < 0 || i >= p.patch_height || j < 0 || j >= p.patch_width) continue;
    sum += dx[((c * p.patch_height + i) * p.patch_width + j) * p.samples + n];
    ++covers;
  }
  map[(image * p.channels + c) * pixels + row * p.width + column] = covers > 1 ? sum / static_cast<float>(covers) : sum;
}

void require_patch(const char* op, const CropPlan& plan, std::int64_t height, std::int64_t width) {
  if (plan.height > height || plan.width > width) {
    throw Error(ErrorKind::kInternal, op, "the patch is larger than the image");
  }
}

}  // namespace

void make_batch(const Context& context, CropPlan plan, View<const std::uint8_t> images, In labels,
                View<const std::int32_t> order, const StepState* state, Out x, Out y) {
  constexpr const char* kOp = "make_batch";
  const std::int64_t samples = x[3];
  require_shape(kOp, "labels", labels, Shape(images[0], labels[1]));
  require_shape(kOp, "x", x, Shape(images[3], plan.height, plan.width, samples));
  require_shape(kOp, "y", y, Shape(labels[1], samples));
  require_patch(kOp, plan, images[1], images[2]);
  const BatchMap p{images[1], images[2], images[3], plan.height, plan.width, plan.scale, samples, labels[1]};
  const bool four = samples % 4 == 0 && aligned_to(16, {x.data, y.data});
  const std::int64_t rows = images[3] * plan.height * plan.width + labels[1];
  launch_1d(context, kOp, four ? make_batch_kernel<4> : make_batch_kernel<1>, rows * (samples / (four ? 4 : 1)), p,
            images.data, labels.data, order.data, state, x.data, y.data);
}

void uncrop_mean(const Context& context, CropPlan plan, int crops, In dx, View<const std::int32_t> order, Out map) {
  constexpr const char* kOp = "uncrop_mean";
  require_shape(kOp, "dx", dx, Shape(map[1], plan.height, plan.width, map[0] * crops));
  require_shape(kOp, "order", order, Shape(map[0] * crops));
  require_patch(kOp, plan, map[2], map[3]);
  const BatchMap p{map[2], map[3], map[1], plan.height, plan.width, plan.scale, map[0] * crops, 0};
  launch_1d(context, kOp, uncrop_mean_kernel, map.count(), p, crops, dx.data, order.data, map.data);
}

}  // namespace shcnn::SHCNN_EXECUTOR
