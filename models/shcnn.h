// The two variants of SHCNN as a table of layers with all shapes (the paper's Fig. 1 and Table 4).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace shcnn {

enum class Variant { kStatic, kMicro };
enum class PoolKind { kMax, kAverage };

inline constexpr int kConvStages = 3;
inline constexpr int kHidden1 = 2048;
inline constexpr int kMaxClasses = 1000;
inline constexpr int kHidden2 = 1024;

/// The options that define a network.
struct ModelOptions {
  Variant variant = Variant::kStatic;
  int classes = 7;
  PoolKind pool = PoolKind::kMax;  ///< static: max. micro: average (the authors' program) or max
  double slope = 0.02;             ///< of LeakyReLU; 0 = ReLU
};

/// One convolution with its activation and pool. All maps are square. "Live" extents leave out cells that are zero for
/// every image: of the `pooled` cells of each axis, a pooled map stores cells first .. first + live - 1.
struct ConvStage {
  int in_channels, channels, kernel;
  int input;                ///< live extent of the stage's input
  int pad_begin, pad_end;   ///< zero padding of the live input
  int conv;                 ///< extent of the convolution's output
  int ring;                 ///< zero padding between activation and pool
  int pooled, first, live;  ///< extent of the pooled map as the paper counts it; first live cell; live cells
  PoolKind pool;
  std::int64_t parameters() const;
  std::int64_t multiply_adds() const;       ///< per image, for the graph as the paper describes it
  std::int64_t live_multiply_adds() const;  ///< per image, without multiplications by padding zeros
};

struct DenseLayer {
  int inputs, outputs;
  int live_inputs;  ///< inputs that are not zero for every image
  std::int64_t parameters() const { return std::int64_t{inputs} * outputs + outputs; }
};

/// One parameter tensor, in checkpoint order.
struct ParameterSpec {
  std::string name;                 ///< "conv1.weight" .. "fc3.bias"
  std::vector<std::int64_t> shape;  ///< conv (Co,Ci,K,K), dense (O,I), bias (O)
  bool decayed;                     ///< whether the L2 term applies: true for weights, false for biases
  std::int64_t count() const;
};

/// The table of layers, derived from ModelOptions.
struct Model {
  ModelOptions options;
  int input_channels, input_size;  ///< 1 x 42 x 42 or 3 x 112 x 112
  std::array<ConvStage, kConvStages> conv;
  std::array<DenseLayer, 3> dense;

  std::vector<ParameterSpec> parameters() const;
  std::int64_t parameter_count() const;       ///< 8,710,963 for static n = 7; 37,546,953 for micro n = 5
  std::int64_t dead_parameter_count() const;  ///< 3,604,480 for static; 0 for micro
  /// Maps live order to the paper's order: element i is the column of fc1.weight for live input i, where live inputs
  /// are the (channel, row, column) cells of the last pooled map.
  std::vector<std::int32_t> live_columns() const;
  double forward_flops() const, training_flops() const;  ///< per image, 2 per multiply-add, for the paper's graph
  double live_forward_flops() const, live_training_flops() const;  ///< the same for the operations that are executed
};

/// Throws Error(kUsage) if classes is not in 1..kMaxClasses or slope not in [0, 1).
Model make_model(const ModelOptions& options);
std::string to_string(Variant variant);
std::string to_string(PoolKind pool);
Variant variant_from_string(const std::string& name);  ///< "static" or "micro"; otherwise throws Error(kUsage)

}  // namespace shcnn
