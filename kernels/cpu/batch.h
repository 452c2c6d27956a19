// Batches from bytes on the CPU; compiled for the baseline processor, as bytes gathered one by one gain nothing from
// more.
#pragma once

#include "kernels/ops.h"

namespace shcnn::cpu {

void make_batch(const Context&, CropPlan, View<const std::uint8_t> images, View<const float> labels,
                View<const std::int32_t> order, const StepState*, View<float> x, View<float> y);

}  // namespace shcnn::cpu
