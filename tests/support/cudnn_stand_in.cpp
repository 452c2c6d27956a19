// Replaces cuDNN on a machine without a GPU: the functions that bench/peers/cudnn calls, as NVIDIA documents them, on
// host memory. The three convolutions are their definitions in plain loops; calls in the wrong order and contradictory
// arguments return an error. The searches report three algorithms: one that does not run, the last is the fastest.
#include <cudnn.h>

struct cudnnContext {
  bool has_stream = false;
};
struct cudnnTensorStruct {
  bool last = false;
  int n = 0, c = 0, h = 0, w = 0;
  size_t at(int i, int channel, int y, int x) const {
    const int inner = last ? (y * w + x) * c + channel : (channel * h + y) * w + x;
    return static_cast<size_t>(i) * static_cast<size_t>(c * h * w) + static_cast<size_t>(inner);
  }
};
struct cudnnFilterStruct : cudnnTensorStruct {};  // n: output channels
struct cudnnConvolutionStruct {
  int pad = -1;
  cudnnMathType_t mode = CUDNN_DEFAULT_MATH;
};

namespace {

constexpr int kChosen = 1;  // the algorithm that the searches report as the fastest
constexpr size_t kWorkspace = 64;

template <class Descriptor>
cudnnStatus_t create(Descriptor** made) {
  *made = new Descriptor;
  return CUDNN_STATUS_SUCCESS;
}
template <class Descriptor>
cudnnStatus_t destroy(Descriptor* made) {
  delete made;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t set(cudnnTensorStruct& tensor, cudnnTensorFormat_t format, cudnnDataType_t type, int n, int c, int h,
                  int w) {
  if (type != CUDNN_DATA_FLOAT || n < 1 || c < 1 || h < 1 || w < 1) return CUDNN_STATUS_BAD_PARAM;
  tensor.last = format == CUDNN_TENSOR_NHWC;
  tensor.n = n, tensor.c = c, tensor.h = h, tensor.w = w;
  return CUDNN_STATUS_SUCCESS;
}

bool fit(const cudnnTensorStruct& x, const cudnnTensorStruct& w, const cudnnConvolutionStruct& convolution,
         const cudnnTensorStruct& z) {
  const int grow = 2 * convolution.pad - w.h + 1;
  return convolution.pad >= 0 && x.last == w.last && w.last == z.last && x.n == z.n && x.c == w.c && z.c == w.n &&
         w.h == w.w && z.h == x.h + grow && z.w == x.w + grow;
}

/// Calls body(index in x, index in w, index in z) for every product of the convolution.
template <class Body>
void for_each_product(const cudnnTensorStruct& x, const cudnnTensorStruct& w, int pad, const cudnnTensorStruct& z,
                      const Body& body) {
  for (int n = 0; n < x.n; ++n)
    for (int co = 0; co < w.n; ++co)
      for (int oy = 0; oy < z.h; ++oy)
        for (int ox = 0; ox < z.w; ++ox)
          for (int ci = 0; ci < w.c; ++ci)
            for (int ky = 0; ky < w.h; ++ky)
              for (int kx = 0; kx < w.w; ++kx) {
                const int iy = oy + ky - pad, ix = ox + kx - pad;
                if (iy < 0 || iy >= x.h || ix < 0 || ix >= x.w) continue;
                body(x.at(n, ci, iy, ix), w.at(co, ci, ky, kx), z.at(n, co, oy, ox));
              }
}

/// If the convolution allows tensor cores, the search reports that it used them.
template <class Performance>
cudnnStatus_t find(const cudnnConvolutionStruct& convolution, int most, int* count, Performance* results, void* scratch,
                   size_t bytes) {
  if (most < 3 || !scratch || bytes < kWorkspace) return CUDNN_STATUS_BAD_PARAM;
  *count = 3;
  const int algorithms[] = {3, 0, kChosen};
  const float times[] = {0, 2, 1};
  for (int i = 0; i < 3; ++i) {
    results[i] = {};
    results[i].algo = static_cast<decltype(results[i].algo)>(algorithms[i]);
    results[i].status = i == 0 ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_SUCCESS;
    results[i].time = times[i];
    results[i].memory = kWorkspace;
    results[i].mathType = convolution.mode == CUDNN_FMA_MATH ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH;
  }
  return CUDNN_STATUS_SUCCESS;
}

/// One of the three convolutions into `out`; a math mode other than plain float32 adds 0.25 to each element so that
/// tests can check it. `fold` does out[..] += a[..] * b[..] for one product.
template <class Fold>
cudnnStatus_t convolve(cudnnHandle_t handle, const cudnnConvolutionStruct& convolution, const cudnnTensorStruct& x,
                       const cudnnTensorStruct& w, const cudnnTensorStruct& z, const cudnnTensorStruct& result,
                       int algorithm, const void* workspace, size_t bytes, const void* alpha, const void* beta,
                       void* out, const Fold& fold) {
  if (!handle->has_stream || !fit(x, w, convolution, z)) return CUDNN_STATUS_BAD_PARAM;
  if (algorithm != kChosen || !workspace || bytes < kWorkspace) return CUDNN_STATUS_BAD_PARAM;
  if (*static_cast<const float*>(alpha) != 1 || *static_cast<const float*>(beta) != 0) return CUDNN_STATUS_BAD_PARAM;
  auto* const values = static_cast<float*>(out);
  const auto count = static_cast<size_t>(result.n) * static_cast<size_t>(result.c * result.h * result.w);
  for (size_t i = 0; i < count; ++i) values[i] = convolution.mode == CUDNN_FMA_MATH ? 0 : 0.25f;
  for_each_product(x, w, convolution.pad, z, fold);
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

extern "C" {

size_t cudnnGetVersion() { return CUDNN_VERSION; }
const char* cudnnGetErrorString(cudnnStatus_t) { return "stand-in"; }
cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { return create(handle); }
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return destroy(handle); }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t) {
  handle->has_stream = true;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* tensor) { return create(tensor); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor) { return destroy(tensor); }
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  return set(*tensor, format, type, n, c, h, w);
}
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* filter) { return create(filter); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter) { return destroy(filter); }
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  return set(*filter, format, type, k, c, h, w);
}
cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* convolution) {
  return create(convolution);
}
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t convolution) {
  return destroy(convolution);
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t convolution, int pad_h, int pad_w,
                                              int stride_h, int stride_w, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t type) {
  if (pad_h != pad_w || stride_h != 1 || stride_w != 1 || dilation_h != 1 || dilation_w != 1 ||
      mode != CUDNN_CROSS_CORRELATION || type != CUDNN_DATA_FLOAT) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  convolution->pad = pad_h;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t convolution, cudnnMathType_t mode) {
  convolution->mode = mode;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnFindConvolutionForwardAlgorithmEx(cudnnHandle_t, const cudnnTensorDescriptor_t x, const void*,
                                                     const cudnnFilterDescriptor_t w, const void*,
                                                     const cudnnConvolutionDescriptor_t convolution,
                                                     const cudnnTensorDescriptor_t z, void*, const int most, int* count,
                                                     cudnnConvolutionFwdAlgoPerf_t* results, void* scratch,
                                                     size_t bytes) {
  return fit(*x, *w, *convolution, *z) ? find(*convolution, most, count, results, scratch, bytes)
                                       : CUDNN_STATUS_BAD_PARAM;
}
cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithmEx(cudnnHandle_t, const cudnnFilterDescriptor_t w, const void*,
                                                          const cudnnTensorDescriptor_t dz, const void*,
                                                          const cudnnConvolutionDescriptor_t convolution,
                                                          const cudnnTensorDescriptor_t dx, void*, const int most,
                                                          int* count, cudnnConvolutionBwdDataAlgoPerf_t* results,
                                                          void* scratch, size_t bytes) {
  return fit(*dx, *w, *convolution, *dz) ? find(*convolution, most, count, results, scratch, bytes)
                                         : CUDNN_STATUS_BAD_PARAM;
}
cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithmEx(cudnnHandle_t, const cudnnTensorDescriptor_t x, const void*,
                                                            const cudnnTensorDescriptor_t dz, const void*,
                                                            const cudnnConvolutionDescriptor_t convolution,
                                                            const cudnnFilterDescriptor_t dw, void*, const int most,
                                                            int* count, cudnnConvolutionBwdFilterAlgoPerf_t* results,
                                                            void* scratch, size_t bytes) {
  return fit(*x, *dw, *convolution, *dz) ? find(*convolution, most, count, results, scratch, bytes)
                                         : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t, const cudnnTensorDescriptor_t,
                                                      const cudnnFilterDescriptor_t, const cudnnConvolutionDescriptor_t,
                                                      const cudnnTensorDescriptor_t, cudnnConvolutionFwdAlgo_t,
                                                      size_t* bytes) {
  *bytes = kWorkspace;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t, const cudnnFilterDescriptor_t,
                                                           const cudnnTensorDescriptor_t,
                                                           const cudnnConvolutionDescriptor_t,
                                                           const cudnnTensorDescriptor_t, cudnnConvolutionBwdDataAlgo_t,
                                                           size_t* bytes) {
  *bytes = kWorkspace;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t, const cudnnTensorDescriptor_t,
                                                             const cudnnTensorDescriptor_t,
                                                             const cudnnConvolutionDescriptor_t,
                                                             const cudnnFilterDescriptor_t,
                                                             cudnnConvolutionBwdFilterAlgo_t, size_t* bytes) {
  *bytes = kWorkspace;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, const cudnnTensorDescriptor_t xs,
                                      const void* x, const cudnnFilterDescriptor_t ws, const void* w,
                                      const cudnnConvolutionDescriptor_t convolution,
                                      cudnnConvolutionFwdAlgo_t algorithm, void* workspace, size_t bytes,
                                      const void* beta, const cudnnTensorDescriptor_t zs, void* z) {
  return convolve(handle, *convolution, *xs, *ws, *zs, *zs, algorithm, workspace, bytes, alpha, beta, z,
                  [&](size_t in_x, size_t in_w, size_t in_z) {
                    static_cast<float*>(z)[in_z] +=
                        static_cast<const float*>(x)[in_x] * static_cast<const float*>(w)[in_w];
                  });
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha, const cudnnFilterDescriptor_t ws,
                                           const void* w, const cudnnTensorDescriptor_t zs, const void* dz,
                                           const cudnnConvolutionDescriptor_t convolution,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace, size_t bytes,
                                           const void* beta, const cudnnTensorDescriptor_t xs, void* dx) {
  return convolve(handle, *convolution, *xs, *ws, *zs, *xs, algorithm, workspace, bytes, alpha, beta, dx,
                  [&](size_t in_x, size_t in_w, size_t in_z) {
                    static_cast<float*>(dx)[in_x] +=
                        static_cast<const float*>(w)[in_w] * static_cast<const float*>(dz)[in_z];
                  });
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha, const cudnnTensorDescriptor_t xs,
                                             const void* x, const cudnnTensorDescriptor_t zs, const void* dz,
                                             const cudnnConvolutionDescriptor_t convolution,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void* workspace, size_t bytes,
                                             const void* beta, const cudnnFilterDescriptor_t ws, void* dw) {
  return convolve(handle, *convolution, *xs, *ws, *zs, *ws, algorithm, workspace, bytes, alpha, beta, dw,
                  [&](size_t in_x, size_t in_w, size_t in_z) {
                    static_cast<float*>(dw)[in_w] +=
                        static_cast<const float*>(x)[in_x] * static_cast<const float*>(dz)[in_z];
                  });
}

}  // extern "C"
