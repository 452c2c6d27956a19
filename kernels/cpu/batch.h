// Builds batches from image bytes on the CPU. Compiled for the baseline instruction set: bytes are gathered one by one,
// so wider vectors do not help.
#pragma once

#include "kernels/ops.h"

namespace shcnn::cpu {

void make_batch(const Context&, CropPlan, View<const std::uint8_t> images, View<const float> labels,
                View<const std::int32_t> order, const StepState*, View<float> x, View<float> y);

}  // namespace shcnn::cpu
