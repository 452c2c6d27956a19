// SHCNN's two variants as one table of layers with every shape (the paper's Fig. 1 and Table 4).
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

/// What distinguishes one SHCNN from another.
struct ModelOptions {
  Variant variant = Variant::kStatic;
  int classes = 7;
  PoolKind pool = PoolKind::kMax;  ///< static: max. micro: average (the authors' program) or max
  double slope = 0.02;             ///< of LeakyReLU; 0 = ReLU
};

/// One convolution with its activation and pool, square maps. "live" extents leave out cells that are zero for every
/// image; a pooled map of `pooled` cells stores cells first .. first + live - 1 of each axis.
struct ConvStage {
  int in_channels, channels, kernel;
  int input;                ///< live extent of the stage's input
  int pad_begin, pad_end;   ///< zeros around the live input that the convolution sees
  int conv;                 ///< extent of the convolution's map
  int ring;                 ///< zero-pad after the activation, seen by the pool
  int pooled, first, live;  ///< extent of the pooled map as the paper counts it; first live cell; live cells
  PoolKind pool;
  std::int64_t parameters() const;
  std::int64_t multiply_adds() const;       ///< per image, as the paper's graph is written
  std::int64_t live_multiply_adds() const;  ///< without taps on zeros
};

struct DenseLayer {
  int inputs, outputs;
  int live_inputs;  ///< inputs that any image can move
  std::int64_t parameters() const { return std::int64_t{inputs} * outputs + outputs; }
};

/// One parameter tensor, in checkpoint order.
struct ParameterSpec {
  std::string name;                 ///< "conv1.weight" .. "fc3.bias"
  std::vector<std::int64_t> shape;  ///< conv (Co,Ci,K,K), dense (O,I), bias (O)
  bool decayed;                     ///< carries the L2 term: weights do, biases do not
  std::int64_t count() const;
};

/// The whole table, derived from ModelOptions.
struct Model {
  ModelOptions options;
  int input_channels, input_size;  ///< 1 x 42 x 42 or 3 x 112 x 112
  std::array<ConvStage, kConvStages> conv;
  std::array<DenseLayer, 3> dense;

  std::vector<ParameterSpec> parameters() const;
  std::int64_t parameter_count() const;       ///< 8,710,963 for static n = 7; 37,546,953 for micro n = 5
  std::int64_t dead_parameter_count() const;  ///< 3,604,480 for static; 0 for micro
  /// fc1's column of live input i, for (channel, row, column) of the last pooled map: the map from live to paper order.
  std::vector<std::int32_t> live_columns() const;
  double forward_flops() const, training_flops() const;            ///< per image, 2 per multiply-add, as written
  double live_forward_flops() const, live_training_flops() const;  ///< what is really multiplied
};

/// Throws Error(kUsage) on fewer than 1 class or a slope outside [0, 1).
Model make_model(const ModelOptions& options);
std::string to_string(Variant variant);
std::string to_string(PoolKind pool);
Variant variant_from_string(const std::string& name);  ///< "static" or "micro"; Error(kUsage) else

}  // namespace shcnn
