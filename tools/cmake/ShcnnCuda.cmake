# Decides whether the CUDA backend is built, SHCNN_HAVE_CUDA, and for which GPUs; shcnn_nvcc carries nvcc's flags.
#
# SHCNN_CUDA_ARCHITECTURES lists compute capabilities; the last one is also embedded as PTX, for GPUs newer than all of them.
# A list is always explicit: `native` is an error on a machine without a GPU. Architectures that this nvcc does not know
# are left out, with a line that says so.
set(SHCNN_CUDA_ARCHITECTURES "90" CACHE STRING "Compute capabilities to build for, e.g. 75;80;86;89;90;100;120")
set(SHCNN_CUDART Static CACHE STRING "CUDA runtime: Static (the program starts on machines without CUDA) or Shared")
set_property(CACHE SHCNN_CUDART PROPERTY STRINGS Static Shared)
option(SHCNN_PTX_ONLY "Embed only PTX of the last architecture; the driver compiles it at start" OFF)
set(SHCNN_CUBLAS AUTO CACHE STRING "cuBLAS for dense layers: AUTO (if it is there), ON (an error without it), OFF")
set_property(CACHE SHCNN_CUBLAS PROPERTY STRINGS AUTO ON OFF)

set(SHCNN_HAVE_CUDA OFF)
set(SHCNN_HAVE_CUBLAS OFF)
if(SHCNN_CUDA STREQUAL "OFF")
  return()
endif()

include(CheckLanguage)
set(CMAKE_CUDA_ARCHITECTURES OFF)  # ours are given as flags: CMake would test the compiler with its own
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(SHCNN_CUDA STREQUAL "ON")
    message(FATAL_ERROR "shcnn: SHCNN_CUDA=ON, but there is no nvcc; put it on PATH or set CMAKE_CUDA_COMPILER")
  endif()
  message(STATUS "shcnn: no nvcc, so no cuda backend (its kernels still run on simt)")
  return()
endif()
enable_language(CUDA)
set(CMAKE_CUDA_RUNTIME_LIBRARY ${SHCNN_CUDART})
if(SHCNN_CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${SHCNN_CCACHE})
endif()
find_package(CUDAToolkit REQUIRED)

execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --list-gpu-arch OUTPUT_VARIABLE known OUTPUT_STRIP_TRAILING_WHITESPACE)
set(architectures "")
foreach(architecture IN LISTS SHCNN_CUDA_ARCHITECTURES)
  if(known MATCHES "compute_${architecture}(\n|$)")
    list(APPEND architectures ${architecture})
  else()
    message(STATUS "shcnn: this nvcc (${CMAKE_CUDA_COMPILER_VERSION}) does not know sm_${architecture}; left out")
  endif()
endforeach()
if(NOT architectures)
  message(FATAL_ERROR "shcnn: nvcc knows none of SHCNN_CUDA_ARCHITECTURES (${SHCNN_CUDA_ARCHITECTURES})")
endif()
list(GET architectures -1 newest)

set(gencode "-gencode=arch=compute_${newest},code=compute_${newest}")
if(NOT SHCNN_PTX_ONLY)
  foreach(architecture IN LISTS architectures)
    list(APPEND gencode "-gencode=arch=compute_${architecture},code=sm_${architecture}")
  endforeach()
endif()
message(STATUS "shcnn: cuda backend for ${architectures}, PTX of ${newest}, CUDA runtime ${SHCNN_CUDART}")

add_library(shcnn_nvcc INTERFACE)
target_link_libraries(shcnn_nvcc INTERFACE $<IF:$<STREQUAL:${SHCNN_CUDART},Shared>,CUDA::cudart,CUDA::cudart_static>)
target_compile_options(shcnn_nvcc INTERFACE
  $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20 --expt-relaxed-constexpr ${gencode} -lineinfo
  # as for the host: a * b + c is one operation only where a kernel says fmadd
  -fmad=false
  $<$<BOOL:${SHCNN_WERROR}>:--Werror=all-warnings> -Xcompiler=-Wall,-Wextra,-Wshadow$<$<BOOL:${SHCNN_WERROR}>:$<COMMA>-Werror>>)
set(SHCNN_HAVE_CUDA ON)

if(NOT SHCNN_CUBLAS STREQUAL "OFF")
  find_path(SHCNN_CUBLAS_INCLUDE_DIR cublas_v2.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(SHCNN_CUBLAS_LIBRARY cublas HINTS ${CUDAToolkit_LIBRARY_DIR})
  if(SHCNN_CUBLAS_INCLUDE_DIR AND SHCNN_CUBLAS_LIBRARY)
    set(SHCNN_HAVE_CUBLAS ON)
    message(STATUS "shcnn: dense layers on cuda by cuBLAS, opened at run time (${SHCNN_CUBLAS_LIBRARY})")
  elseif(SHCNN_CUBLAS STREQUAL "ON")
    message(FATAL_ERROR "shcnn: SHCNN_CUBLAS=ON, but there is no cublas_v2.h or no libcublas beside nvcc")
  else()
    message(STATUS "shcnn: no cuBLAS, dense layers on cuda by the hand-written products")
  endif()
endif()
