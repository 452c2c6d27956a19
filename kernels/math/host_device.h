// Marks functions that the C++ compiler, nvcc and the simt executor all compile from one text.
#pragma once

#if defined(__CUDACC__)
#define SHCNN_HD __host__ __device__ inline __attribute__((always_inline))
#else
// always_inline keeps a function compiled for one instruction set out of the others' objects: a shared out-of-line
// copy could be linked from any of them (see kernels/cpu/README.md).
#define SHCNN_HD inline __attribute__((always_inline))
#endif
