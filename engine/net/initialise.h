// Initial parameters, drawn on the host in double and rounded once, so that every executor starts from the same bits.
#pragma once

#include <cstdint>

#include "engine/net/parameters.h"

namespace shcnn {

/// Convolutions and biases start as in the authors' program. Dense weights do not by default: with its deviation of 0.1
/// the scale grows threefold with each layer, and training starts with a long plateau (docs/reproduction.md).
struct InitialValues {
  double dense_stddev =
      0;  ///< dense weights: normal, truncated at two deviations; 0 = sqrt(2 / live inputs) (He et al.)
  double conv_bias = 0.1;  ///< 1 in the authors' micro program
  double dense_bias = 0.1;
};

/// Convolution weights Glorot uniform: +-sqrt(6 / (K K (Ci + Co))); dense weights truncated normal;
/// biases constant.
/// A value is a pure function of (seed, tensor, element).
template <class T>
void initialise(Parameters<T>& parameters, const Model& model, const InitialValues& values, std::uint64_t seed);

extern template void initialise<float>(Parameters<float>&, const Model&, const InitialValues&, std::uint64_t);
extern template void initialise<double>(Parameters<double>&, const Model&, const InitialValues&, std::uint64_t);

}  // namespace shcnn
