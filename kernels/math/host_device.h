// SHCNN_HD marks functions that are compiled both by the host C++ compiler and by nvcc, for host and device.
#pragma once

#if defined(__CUDACC__)
#define SHCNN_HD __host__ __device__ inline __attribute__((always_inline))
#else
// The CPU kernels are compiled once per instruction set. Without always_inline the linker could merge the out-of-line
// copies and pick one that needs a wider instruction set than the CPU has (see kernels/cpu/README.md).
#define SHCNN_HD inline __attribute__((always_inline))
#endif
