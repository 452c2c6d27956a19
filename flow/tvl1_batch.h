// TV-L1 optical flow on a GPU (or on simt): the solver of flow/tvl1.h for a batch of pairs at once, a whole clip
// against its first frame. Same parameters, same stages, same order of operations, same early stop.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "flow/cuda/stages.h"
#include "flow/tvl1.h"
#include "kernels/device.h"

namespace shcnn::flow {

/// Memory is taken at construction. The result of a pair does not depend on the other pairs.
class Tvl1Batch {
 public:
  /// Images of width x height pixels, at most `max_pairs` (1 .. kMostPairs) of them at once. `stages` is the table of
  /// the executor that `context` is of (select_batch_stages); context.device outlives this object.
  Tvl1Batch(const Tvl1Params& params, int width, int height, int max_pairs, const Context& context,
            const BatchStages& stages);
  ~Tvl1Batch();
  Tvl1Batch(const Tvl1Batch&) = delete;
  Tvl1Batch& operator=(const Tvl1Batch&) = delete;

  static constexpr int kMostPairs = 16384;

  /// I0 of all pairs that follow: its pyramid is made once. Host pixels. Throws as Tvl1::set_first.
  void set_first(const GrayImage& first);

  /// flows[i] = flow from the first image to later[i], any number of them; all in host memory. Throws as Tvl1::solve.
  Tvl1Counts solve(std::span<const GrayImage> later, std::span<const FlowField> flows);

  /// The same for at most max_pairs images, and the flow stays on the device: fields that hold until the next call.
  /// With use_initial_flow, what the fields hold is where the solver starts.
  BatchFlows solve_on_device(std::span<const GrayImage> later);
  /// The fields of all max_pairs pairs: zero at first.
  BatchFlows fields() const;
  /// Of the last solve_on_device; waits for it.
  Tvl1Counts counts();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Axes of a resize in device memory.
class DeviceAxis {
 public:
  DeviceAxis(Device& device, const ResizeAxis& axis, int size);
  ResizeAxis view() const;

 private:
  int size_;
  int in_order_from_;
  DeviceBuffer memory_;
};

}  // namespace shcnn::flow
