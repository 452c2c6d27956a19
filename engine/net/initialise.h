// Initial parameters, generated on the host in double precision and rounded once, so that every executor starts from
// bit-identical values.
#pragma once

#include <cstdint>

#include "engine/net/parameters.h"

namespace shcnn {

/// The initial values of convolutions and biases are those of the authors' program. The default for dense weights is
/// not: with the program's standard deviation of 0.1, activations grow threefold with each layer and training starts
/// with a long plateau (docs/reproduction.md).
struct InitialValues {
  /// Dense weights: normal, truncated at two standard deviations; 0 = sqrt(2 / live inputs) (He et al.).
  double dense_stddev = 0;
  double conv_bias = 0.1;  ///< 1 in the authors' micro program
  double dense_bias = 0.1;
};

/// Convolution weights: Glorot uniform, +-sqrt(6 / (K K (Ci + Co))). Dense weights: truncated normal. Biases: constant.
/// Each value depends only on (seed, tensor, element) and the distribution.
template <class T>
void initialise(Parameters<T>& parameters, const Model& model, const InitialValues& values, std::uint64_t seed);

extern template void initialise<float>(Parameters<float>&, const Model&, const InitialValues&, std::uint64_t);
extern template void initialise<double>(Parameters<double>&, const Model&, const InitialValues&, std::uint64_t);

}  // namespace shcnn
