// cuDNN's convolutions with stride 1: a peer of the benchmarks and a second reference in test_cudnn.
//
//   forward          a = x, b = w,   out = z      x (N,Ci,H,W), w (Co,Ci,K,K), z (N,Co,H+2p-K+1,W+2p-K+1)
//   backward data    a = w, b = dz,  out = dx
//   backward filter  a = x, b = dz,  out = dw
//
// Maps and weights have cuDNN's layout, which differs from the layout of this project: the sample is outermost, and the
// channel comes next or, with channels_last, is innermost (N,H,W,C; then weights are (Co,K,K,Ci)).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kernels/device.h"

namespace shcnn::bench {

struct CudnnLibrary;  ///< cudnn_convolution.cpp: cuDNN's functions

/// A cuDNN handle on one stream. The constructor opens the library; nothing links against it.
class Cudnn {
 public:
  /// `stream`: a cudaStream_t. Throws Error(kDevice) if the library is absent or cannot start.
  explicit Cudnn(void* stream);
  ~Cudnn();
  Cudnn(const Cudnn&) = delete;
  Cudnn& operator=(const Cudnn&) = delete;

  std::string version() const;  ///< "9.14.0"

 private:
  friend class CudnnConvolution;
  void check(int status, const char* place) const;

  std::unique_ptr<CudnnLibrary> functions_;
  void* handle_ = nullptr;  ///< cudnnHandle_t
};

enum class Direction { kForward, kBackwardData, kBackwardFilter };

struct CudnnShape {
  std::int64_t samples, in_channels, height, width, out_channels;
  int kernel, pad;
  bool channels_last = false;
};

/// The algorithms that cuDNN may choose from. kExact: the plain product in float32, with the same bits on every run.
/// kFastest: the fastest in float32 by cuDNN's own search (Winograd and Fourier transforms too). kFastestTf32: also
/// with tensor cores.
enum class CudnnChoice { kExact, kFastest, kFastestTf32 };

class CudnnConvolution {
 public:
  /// The search runs on the operands and writes to `out`; the caller keeps ownership of all three. `device` allocates
  /// the workspace. Throws Error(kDevice) if cuDNN has no algorithm for the shape.
  CudnnConvolution(Cudnn& cudnn, Device& device, const CudnnShape& shape, Direction direction, CudnnChoice choice,
                   const float* a, const float* b, float* out);
  ~CudnnConvolution();
  CudnnConvolution(const CudnnConvolution&) = delete;
  CudnnConvolution& operator=(const CudnnConvolution&) = delete;

  void run();                                   ///< queues one convolution
  int algorithm() const { return algorithm_; }  ///< cuDNN's number, within the direction

 private:
  struct Descriptors;
  void choose(CudnnChoice choice);
  template <class Performance, class Find>
  void search(const char* place, CudnnChoice choice, const Find& find);

  Cudnn& cudnn_;
  Device& device_;
  Direction direction_;
  const float *a_, *b_;
  float* out_;
  std::unique_ptr<Descriptors> descriptors_;
  int algorithm_ = 0;
  DeviceBuffer workspace_;
};

}  // namespace shcnn::bench
