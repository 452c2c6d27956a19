// The executor under test: a device with its ops, and guarded device memory that detects accesses out of bounds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "kernels/backend.h"
#include "support/tensor.h"

namespace shcnn::test {

/// Opens the executor that the command line names, with `threads` threads and simt's `fiber_order`; the defaults take
/// both from the command line. "naive" is the CPU device with the float ops of the plain loops.
Backend open_executor(int threads = 0, std::optional<std::uint64_t> fiber_order = {});

/// The one executor of this program, opened on first use.
Backend& executor();

/// Tolerance of convolutions and dense layers on the executor under test: outside_sum_rule, or with --tf32 an NMSE of
/// 1e-6 and, per element, the error of rounding both factors to 10 bits.
std::string outside_product_rule(const Tensor<float>& got, const Tensor<double>& want,
                                 const Tensor<double>& absolute_products, double terms);

/// True if cases should be small: on simt and under sanitizers, which are at least ten times slower.
bool wants_small_cases();

/// Number of random shapes to use in a suite that normally uses `count`: a fifth with --small (an interpreter).
int random_cases(int count);

/// Bytes of device memory between two guard bands. All of it is first filled with 0xFF, which is NaN in floats and -1
/// in integers, so that elements an op does not write, and values it reads out of bounds, show in the results.
class GuardedBytes {
 public:
  /// `shift`: offset of the memory from its alignment in bytes.
  GuardedBytes(Device& device, std::size_t bytes, std::size_t shift);
  ~GuardedBytes();
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  void* data() const { return static_cast<char*>(memory_.data()) + offset_; }
  void write(const void* from);
  /// Copies the memory out. Throws if a guard band was written to.
  void read(void* to) const;

 private:
  Device& device_;
  std::size_t bytes_, offset_;
  DeviceBuffer memory_;
};

/// A tensor in guarded device memory.
template <class T>
class Guarded {
 public:
  /// Filled with 0xFF bytes.
  Guarded(Backend& backend, const Shape& shape, int shift_elements = 0)
      : shape_(shape),
        memory_(std::make_unique<GuardedBytes>(*backend.device, static_cast<std::size_t>(shape.count()) * sizeof(T),
                                               static_cast<std::size_t>(shift_elements) * sizeof(T))) {}
  /// A copy of `from`.
  Guarded(Backend& backend, const Tensor<T>& from, int shift_elements = 0)
      : Guarded(backend, from.shape, shift_elements) {
    write(from);
  }
  View<T> view() const { return View<T>(static_cast<T*>(memory_->data()), shape_); }
  operator View<T>() const { return view(); }        // NOLINT(google-explicit-constructor)
  operator View<const T>() const { return view(); }  // NOLINT(google-explicit-constructor)
  T* data() const { return view().data; }
  void write(const Tensor<T>& from) { memory_->write(from.data.data()); }
  Tensor<T> read() const {
    Tensor<T> to(shape_);
    memory_->read(to.data.data());
    return to;
  }

 private:
  Shape shape_;
  std::unique_ptr<GuardedBytes> memory_;
};

/// One struct (a StepState, a StepReport) in guarded device memory.
template <class T>
Guarded<T> guarded_struct(Backend& backend, const T& value) {
  Tensor<T> one(Shape(1));
  one[0] = value;
  return Guarded<T>(backend, one);
}

/// The backend's context with exactly `bytes` of guarded workspace.
class Workspace {
 public:
  Workspace(Backend& backend, std::size_t bytes)
      : bytes_(bytes), memory_(*backend.device, bytes, 0), context_(backend.context) {
    context_.workspace = memory_.data();
    context_.workspace_bytes = bytes;
  }
  operator const Context&() const { return context_; }  // NOLINT(google-explicit-constructor)
  /// Throws if an op wrote outside the workspace.
  void check() const {
    std::vector<char> discarded(bytes_);
    memory_.read(discarded.data());
  }

 private:
  std::size_t bytes_;
  GuardedBytes memory_;
  Context context_;
};

}  // namespace shcnn::test
