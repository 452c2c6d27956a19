// cuDNN's convolution calls, versions 7 to 9, with its own exhaustive search, which frameworks call benchmark mode.
#include "bench/peers/cudnn/cudnn_convolution.h"

#include <cudnn.h>

#include <array>

#include "kernels/cuda/dynamic_library.h"

namespace shcnn::bench {
namespace {

/// The major version of the header used at compile time: the ABI.
constexpr const char* kSoname = "libcudnn.so." SHCNN_TEXT_OF(CUDNN_MAJOR);
#if defined(SHCNN_CUDNN_FILE)
constexpr const char* kFile = SHCNN_CUDNN_FILE;
#else
constexpr const char* kFile = nullptr;
#endif

/// Maximum workspace in bytes; more than any algorithm takes at the network's shapes.
constexpr std::size_t kMostWorkspace = 512u << 20;
constexpr int kMostAlgorithms = 32;  // more than cuDNN has for any direction

// plain products: no transform, no atomics
constexpr cudnnConvolutionFwdAlgo_t kExactForward = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
constexpr cudnnConvolutionBwdDataAlgo_t kExactData = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
constexpr cudnnConvolutionBwdFilterAlgo_t kExactFilter = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;

}  // namespace

struct CudnnLibrary {
  cuda::DynamicLibrary library{kSoname, kFile, "cuDNN", "install it, or name its folder in LD_LIBRARY_PATH"};
#define SHCNN_CUDNN_FUNCTION(name) decltype(&cudnn##name) name = found<decltype(&cudnn##name)>("cudnn" #name)
  SHCNN_CUDNN_FUNCTION(GetVersion);
  SHCNN_CUDNN_FUNCTION(GetErrorString);
  SHCNN_CUDNN_FUNCTION(Create);
  SHCNN_CUDNN_FUNCTION(Destroy);
  SHCNN_CUDNN_FUNCTION(SetStream);
  SHCNN_CUDNN_FUNCTION(CreateTensorDescriptor);
  SHCNN_CUDNN_FUNCTION(SetTensor4dDescriptor);
  SHCNN_CUDNN_FUNCTION(DestroyTensorDescriptor);
  SHCNN_CUDNN_FUNCTION(CreateFilterDescriptor);
  SHCNN_CUDNN_FUNCTION(SetFilter4dDescriptor);
  SHCNN_CUDNN_FUNCTION(DestroyFilterDescriptor);
  SHCNN_CUDNN_FUNCTION(CreateConvolutionDescriptor);
  SHCNN_CUDNN_FUNCTION(SetConvolution2dDescriptor);
  SHCNN_CUDNN_FUNCTION(SetConvolutionMathType);
  SHCNN_CUDNN_FUNCTION(DestroyConvolutionDescriptor);
  SHCNN_CUDNN_FUNCTION(FindConvolutionForwardAlgorithmEx);
  SHCNN_CUDNN_FUNCTION(FindConvolutionBackwardDataAlgorithmEx);
  SHCNN_CUDNN_FUNCTION(FindConvolutionBackwardFilterAlgorithmEx);
  SHCNN_CUDNN_FUNCTION(GetConvolutionForwardWorkspaceSize);
  SHCNN_CUDNN_FUNCTION(GetConvolutionBackwardDataWorkspaceSize);
  SHCNN_CUDNN_FUNCTION(GetConvolutionBackwardFilterWorkspaceSize);
  SHCNN_CUDNN_FUNCTION(ConvolutionForward);
  SHCNN_CUDNN_FUNCTION(ConvolutionBackwardData);
  SHCNN_CUDNN_FUNCTION(ConvolutionBackwardFilter);
#undef SHCNN_CUDNN_FUNCTION

 private:
  template <class Function>
  Function found(const char* name) const {
    Function function = nullptr;
    library.find(function, name);
    return function;
  }
};

Cudnn::Cudnn(void* stream) : functions_(std::make_unique<CudnnLibrary>()) {
  cudnnHandle_t handle = nullptr;
  check(functions_->Create(&handle), "cudnnCreate");
  handle_ = handle;
  try {
    check(functions_->SetStream(handle, static_cast<cudaStream_t>(stream)), "cudnnSetStream");
  } catch (...) {
    functions_->Destroy(handle);
    throw;
  }
}

Cudnn::~Cudnn() { functions_->Destroy(static_cast<cudnnHandle_t>(handle_)); }

std::string Cudnn::version() const {
  const std::size_t number = functions_->GetVersion();
  const std::size_t thousands = number < 10000 ? 1000 : 10000;  // 8.9.7 is 8907, 9.14.0 is 91400
  return message(number / thousands, ".", number % thousands / 100, ".", number % 100);
}

void Cudnn::check(int status, const char* place) const {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw Error(
      ErrorKind::kDevice, place,
      message("cuDNN: ", functions_->GetErrorString(static_cast<cudnnStatus_t>(status)),
              status == CUDNN_STATUS_NOT_INITIALIZED ? "; there may be no GPU, or its driver is older than this cuDNN"
                                                     : "; this cuDNN may not know the GPU or this shape"));
}

/// The cuDNN descriptors of one convolution, destroyed together.
struct CudnnConvolution::Descriptors {
  explicit Descriptors(const CudnnLibrary& library) : functions(library) {}
  ~Descriptors() {
    if (x) functions.DestroyTensorDescriptor(x);
    if (z) functions.DestroyTensorDescriptor(z);
    if (w) functions.DestroyFilterDescriptor(w);
    if (convolution) functions.DestroyConvolutionDescriptor(convolution);
  }
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;

  const CudnnLibrary& functions;
  cudnnTensorDescriptor_t x = nullptr, z = nullptr;
  cudnnFilterDescriptor_t w = nullptr;
  cudnnConvolutionDescriptor_t convolution = nullptr;
};

CudnnConvolution::CudnnConvolution(Cudnn& cudnn, Device& device, const CudnnShape& shape, Direction direction,
                                   CudnnChoice choice, const float* a, const float* b, float* out)
    : cudnn_(cudnn),
      device_(device),
      direction_(direction),
      a_(a),
      b_(b),
      out_(out),
      descriptors_(std::make_unique<Descriptors>(*cudnn.functions_)) {
  const CudnnLibrary& functions = *cudnn_.functions_;
  Descriptors& d = *descriptors_;
  const auto extent = [](std::int64_t value) { return static_cast<int>(value); };
  const cudnnTensorFormat_t format = shape.channels_last ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW;
  const int grow = 2 * shape.pad - shape.kernel + 1;
  cudnn_.check(functions.CreateTensorDescriptor(&d.x), "cudnnCreateTensorDescriptor");
  cudnn_.check(functions.CreateTensorDescriptor(&d.z), "cudnnCreateTensorDescriptor");
  cudnn_.check(functions.CreateFilterDescriptor(&d.w), "cudnnCreateFilterDescriptor");
  cudnn_.check(functions.CreateConvolutionDescriptor(&d.convolution), "cudnnCreateConvolutionDescriptor");
  cudnn_.check(functions.SetTensor4dDescriptor(d.x, format, CUDNN_DATA_FLOAT, extent(shape.samples),
                                               extent(shape.in_channels), extent(shape.height), extent(shape.width)),
               "cudnnSetTensor4dDescriptor");
  cudnn_.check(
      functions.SetTensor4dDescriptor(d.z, format, CUDNN_DATA_FLOAT, extent(shape.samples), extent(shape.out_channels),
                                      extent(shape.height) + grow, extent(shape.width) + grow),
      "cudnnSetTensor4dDescriptor");
  cudnn_.check(functions.SetFilter4dDescriptor(d.w, CUDNN_DATA_FLOAT, format, extent(shape.out_channels),
                                               extent(shape.in_channels), shape.kernel, shape.kernel),
               "cudnnSetFilter4dDescriptor");
  // networks, including this one, call cross-correlation a convolution
  cudnn_.check(functions.SetConvolution2dDescriptor(d.convolution, shape.pad, shape.pad, 1, 1, 1, 1,
                                                    CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
               "cudnnSetConvolution2dDescriptor");
  // the default math type would be tf32 on tensor cores
  cudnn_.check(functions.SetConvolutionMathType(
                   d.convolution, choice == CudnnChoice::kFastestTf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH),
               "cudnnSetConvolutionMathType");
  choose(choice);
}

CudnnConvolution::~CudnnConvolution() = default;

/// Gets all algorithms and their times from `find` and selects the fastest that ran.
template <class Performance, class Find>
void CudnnConvolution::search(const char* place, CudnnChoice choice, const Find& find) {
  std::array<Performance, kMostAlgorithms> results{};
  int count = 0;
  {
    const DeviceBuffer scratch(device_, kMostWorkspace);
    cudnn_.check(find(kMostAlgorithms, &count, results.data(), scratch.data(), scratch.bytes()), place);
  }
  const Performance* best = nullptr;
  for (int i = 0; i < count; ++i) {
    const Performance& result = results[static_cast<std::size_t>(i)];
    if (result.status != CUDNN_STATUS_SUCCESS) continue;
    if (!best || result.time < best->time) best = &result;
  }
  if (!best) throw Error(ErrorKind::kDevice, place, "cuDNN has no algorithm for this shape and layout");
  algorithm_ = static_cast<int>(best->algo);
  if (choice == CudnnChoice::kFastestTf32) {  // the math type with which it was fastest
    cudnn_.check(cudnn_.functions_->SetConvolutionMathType(descriptors_->convolution, best->mathType), place);
  }
  workspace_ = DeviceBuffer(device_, best->memory);
}

void CudnnConvolution::choose(CudnnChoice choice) {
  const CudnnLibrary& functions = *cudnn_.functions_;
  const Descriptors& d = *descriptors_;
  auto* const handle = static_cast<cudnnHandle_t>(cudnn_.handle_);
  std::size_t bytes = 0;
  switch (direction_) {
    case Direction::kForward:
      if (choice != CudnnChoice::kExact) {
        search<cudnnConvolutionFwdAlgoPerf_t>(
            "cudnnFindConvolutionForwardAlgorithmEx", choice,
            [&](int most, int* count, cudnnConvolutionFwdAlgoPerf_t* results, void* scratch, std::size_t size) {
              return functions.FindConvolutionForwardAlgorithmEx(handle, d.x, a_, d.w, b_, d.convolution, d.z, out_,
                                                                 most, count, results, scratch, size);
            });
        return;
      }
      algorithm_ = kExactForward;
      cudnn_.check(
          functions.GetConvolutionForwardWorkspaceSize(handle, d.x, d.w, d.convolution, d.z, kExactForward, &bytes),
          "cudnnGetConvolutionForwardWorkspaceSize");
      break;
    case Direction::kBackwardData:
      if (choice != CudnnChoice::kExact) {
        search<cudnnConvolutionBwdDataAlgoPerf_t>(
            "cudnnFindConvolutionBackwardDataAlgorithmEx", choice,
            [&](int most, int* count, cudnnConvolutionBwdDataAlgoPerf_t* results, void* scratch, std::size_t size) {
              return functions.FindConvolutionBackwardDataAlgorithmEx(handle, d.w, a_, d.z, b_, d.convolution, d.x,
                                                                      out_, most, count, results, scratch, size);
            });
        return;
      }
      algorithm_ = kExactData;
      cudnn_.check(
          functions.GetConvolutionBackwardDataWorkspaceSize(handle, d.w, d.z, d.convolution, d.x, kExactData, &bytes),
          "cudnnGetConvolutionBackwardDataWorkspaceSize");
      break;
    case Direction::kBackwardFilter:
      if (choice != CudnnChoice::kExact) {
        search<cudnnConvolutionBwdFilterAlgoPerf_t>(
            "cudnnFindConvolutionBackwardFilterAlgorithmEx", choice,
            [&](int most, int* count, cudnnConvolutionBwdFilterAlgoPerf_t* results, void* scratch, std::size_t size) {
              return functions.FindConvolutionBackwardFilterAlgorithmEx(handle, d.x, a_, d.z, b_, d.convolution, d.w,
                                                                        out_, most, count, results, scratch, size);
            });
        return;
      }
      algorithm_ = kExactFilter;
      cudnn_.check(functions.GetConvolutionBackwardFilterWorkspaceSize(handle, d.x, d.z, d.convolution, d.w,
                                                                       kExactFilter, &bytes),
                   "cudnnGetConvolutionBackwardFilterWorkspaceSize");
      break;
  }
  workspace_ = DeviceBuffer(device_, bytes);
}

void CudnnConvolution::run() {
  const CudnnLibrary& functions = *cudnn_.functions_;
  const Descriptors& d = *descriptors_;
  auto* const handle = static_cast<cudnnHandle_t>(cudnn_.handle_);
  const float one = 1, zero = 0;
  switch (direction_) {
    case Direction::kForward:
      cudnn_.check(functions.ConvolutionForward(handle, &one, d.x, a_, d.w, b_, d.convolution,
                                                static_cast<cudnnConvolutionFwdAlgo_t>(algorithm_), workspace_.data(),
                                                workspace_.bytes(), &zero, d.z, out_),
                   "cudnnConvolutionForward");
      break;
    case Direction::kBackwardData:
      cudnn_.check(functions.ConvolutionBackwardData(handle, &one, d.w, a_, d.z, b_, d.convolution,
                                                     static_cast<cudnnConvolutionBwdDataAlgo_t>(algorithm_),
                                                     workspace_.data(), workspace_.bytes(), &zero, d.x, out_),
                   "cudnnConvolutionBackwardData");
      break;
    case Direction::kBackwardFilter:
      cudnn_.check(functions.ConvolutionBackwardFilter(handle, &one, d.x, a_, d.z, b_, d.convolution,
                                                       static_cast<cudnnConvolutionBwdFilterAlgo_t>(algorithm_),
                                                       workspace_.data(), workspace_.bytes(), &zero, d.w, out_),
                   "cudnnConvolutionBackwardFilter");
      break;
  }
}

}  // namespace shcnn::bench
