# The stages. Compiled by nvcc for the cuda backend and by the C++ compiler for simt.
set(SHCNN_FLOW_CUDA_SOURCES
  flow_field.cu
  flow_image.cu
  median.cu
  primal_dual.cu
  pyramid.cu
  stages.cu
  warp.cu)
list(TRANSFORM SHCNN_FLOW_CUDA_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
