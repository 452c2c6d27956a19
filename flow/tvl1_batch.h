// TV-L1 optical flow on a GPU (or on simt): the solver of flow/tvl1.h for a batch of pairs at the same time, a whole
// clip against its first frame. Same parameters, stages, order of operations and early stop.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "flow/cuda/stages.h"
#include "flow/tvl1.h"
#include "kernels/device.h"

namespace shcnn::flow {

/// Memory is allocated at construction. The result of a pair does not depend on the other pairs.
class Tvl1Batch {
 public:
  /// Images of width x height pixels, at most `max_pairs` (1 .. kMostPairs) pairs at the same time. `stages` must be
  /// the table for the executor of `context` (select_batch_stages); context.device must outlive this object.
  Tvl1Batch(const Tvl1Params& params, int width, int height, int max_pairs, const Context& context,
            const BatchStages& stages);
  ~Tvl1Batch();
  Tvl1Batch(const Tvl1Batch&) = delete;
  Tvl1Batch& operator=(const Tvl1Batch&) = delete;

  static constexpr int kMostPairs = 16384;

  /// Sets I0 (host pixels) of all following pairs and computes its pyramid once. Throws as Tvl1::set_first.
  void set_first(const GrayImage& first);

  /// flows[i] = flow from the first image to later[i], for any number of images; all in host memory. Throws as
  /// Tvl1::solve.
  Tvl1Counts solve(std::span<const GrayImage> later, std::span<const FlowField> flows);

  /// The same for at most max_pairs images, with the flow left on the device; the returned fields are valid until the
  /// next call. With use_initial_flow, the solver starts from the contents of fields().
  BatchFlows solve_on_device(std::span<const GrayImage> later);
  /// The flow fields of all max_pairs pairs in device memory; zero at first.
  BatchFlows fields() const;
  /// Counts of the last solve_on_device; waits for it.
  Tvl1Counts counts();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A ResizeAxis whose arrays are in device memory.
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
