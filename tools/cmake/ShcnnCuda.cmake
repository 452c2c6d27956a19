# Decides whether the CUDA backend is built: SHCNN_HAVE_CUDA.
set(SHCNN_HAVE_CUDA OFF)
if(NOT SHCNN_CUDA STREQUAL "OFF")
  message(STATUS "shcnn: the CUDA backend is not part of this build")
endif()
