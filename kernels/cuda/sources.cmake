# The kernels, one file an op. Compiled by nvcc for the cuda backend and by the C++ compiler for simt.
set(SHCNN_CUDA_SOURCES
  adam.cu
  avg_pool.cu
  batch.cu
  conv2d.cu
  conv2d_filter.cu
  dense.cu
  leaky_dropout.cu
  max_pool.cu
  ops.cu
  softmax.cu
  sum_splits.cu)
list(TRANSFORM SHCNN_CUDA_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
