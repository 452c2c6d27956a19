#include "models/shcnn.h"

#include "kernels/error.h"

namespace shcnn {
namespace {

/// Number of pairs (output cell, tap) of one axis that read a live input cell.
std::int64_t live_taps(const ConvStage& s) {
  std::int64_t taps = 0;
  for (int out = 0; out < s.conv; ++out) {
    for (int tap = 0; tap < s.kernel; ++tap) {
      const int in = out + tap - s.pad_begin;
      taps += in >= 0 && in < s.input;
    }
  }
  return taps;
}

/// Sets the pooled extents of a stage. A pooled cell is live if its window contains at least one cell that is not in
/// the ring.
void close_stage(ConvStage& s) {
  const int padded = s.conv + 2 * s.ring;
  s.pooled = (padded + 1) / 2;
  s.first = s.ring / 2;
  const int last = (s.ring + s.conv - 1) / 2;
  s.live = last - s.first + 1;
}

}  // namespace

std::int64_t ConvStage::parameters() const { return std::int64_t{kernel} * kernel * in_channels * channels + channels; }

std::int64_t ConvStage::multiply_adds() const {
  return std::int64_t{conv} * conv * kernel * kernel * in_channels * channels;
}

std::int64_t ConvStage::live_multiply_adds() const {
  const std::int64_t taps = live_taps(*this);
  return taps * taps * in_channels * channels;
}

std::int64_t ParameterSpec::count() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : shape) product *= extent;
  return product;
}

Model make_model(const ModelOptions& options) {
  if (options.classes < 1 || options.classes > kMaxClasses)
    throw Error(ErrorKind::kUsage, "model", message("needs 1 to ", kMaxClasses, " classes, got ", options.classes));
  if (!(options.slope >= 0 && options.slope < 1)) {
    throw Error(ErrorKind::kUsage, "model", message("slope must be in [0, 1), got ", options.slope));
  }
  constexpr std::array<int, kConvStages> kKernel{5, 3, 5};
  constexpr std::array<int, kConvStages> kChannels{44, 44, 88};
  const bool is_static = options.variant == Variant::kStatic;

  Model model{};
  model.options = options;
  model.input_channels = is_static ? 1 : 3;
  model.input_size = is_static ? 42 : 112;

  int channels = model.input_channels;
  int extent = model.input_size;  // the paper's extent
  int live = extent;              // stored extent
  int first = 0;                  // first live cell of the paper's extent
  for (int i = 0; i < kConvStages; ++i) {
    ConvStage& s = model.conv[static_cast<std::size_t>(i)];
    s.in_channels = channels;
    s.channels = kChannels[static_cast<std::size_t>(i)];
    s.kernel = kKernel[static_cast<std::size_t>(i)];
    const int half = s.kernel / 2;
    const int same =
        is_static ? 0 : half;  // the static variant pads after the activation, the micro one before the convolution
    s.input = live;
    s.pad_begin = same + first;
    s.pad_end = same + extent - first - live;
    s.conv = live + s.pad_begin + s.pad_end - s.kernel + 1;
    s.ring = is_static ? half : 0;
    s.pool = options.pool;
    close_stage(s);
    channels = s.channels;
    extent = s.pooled;
    live = s.live;
    first = s.first;
  }
  model.dense[0] = {channels * extent * extent, kHidden1, channels * live * live};
  model.dense[1] = {kHidden1, kHidden2, kHidden1};
  model.dense[2] = {kHidden2, options.classes, kHidden2};
  return model;
}

std::vector<ParameterSpec> Model::parameters() const {
  std::vector<ParameterSpec> specs;
  for (std::size_t i = 0; i < conv.size(); ++i) {
    const std::string name = "conv" + std::to_string(i + 1);
    const ConvStage& s = conv[i];
    specs.push_back({name + ".weight", {s.channels, s.in_channels, s.kernel, s.kernel}, true});
    specs.push_back({name + ".bias", {s.channels}, false});
  }
  for (std::size_t i = 0; i < dense.size(); ++i) {
    const std::string name = "fc" + std::to_string(i + 1);
    specs.push_back({name + ".weight", {dense[i].outputs, dense[i].inputs}, true});
    specs.push_back({name + ".bias", {dense[i].outputs}, false});
  }
  return specs;
}

std::int64_t Model::parameter_count() const {
  std::int64_t total = 0;
  for (const ConvStage& s : conv) total += s.parameters();
  for (const DenseLayer& d : dense) total += d.parameters();
  return total;
}

std::int64_t Model::dead_parameter_count() const {
  return std::int64_t{dense[0].inputs - dense[0].live_inputs} * dense[0].outputs;
}

std::vector<std::int32_t> Model::live_columns() const {
  const ConvStage& last = conv.back();
  std::vector<std::int32_t> columns;
  columns.reserve(static_cast<std::size_t>(dense[0].live_inputs));
  for (int c = 0; c < last.channels; ++c) {
    for (int y = 0; y < last.live; ++y) {
      for (int x = 0; x < last.live; ++x) {
        columns.push_back((c * last.pooled + last.first + y) * last.pooled + last.first + x);
      }
    }
  }
  return columns;
}

double Model::forward_flops() const {
  std::int64_t total = 0;
  for (const ConvStage& s : conv) total += s.multiply_adds();
  for (const DenseLayer& d : dense) total += std::int64_t{d.inputs} * d.outputs;
  return 2.0 * static_cast<double>(total);
}

double Model::training_flops() const {
  // forward pass, input gradient and weight gradient cost the same; the first convolution needs no input gradient
  return 3 * forward_flops() - 2.0 * static_cast<double>(conv[0].multiply_adds());
}

double Model::live_forward_flops() const {
  std::int64_t total = 0;
  for (const ConvStage& s : conv) total += s.live_multiply_adds();
  for (const DenseLayer& d : dense) total += std::int64_t{d.live_inputs} * d.outputs;
  return 2.0 * static_cast<double>(total);
}

double Model::live_training_flops() const {
  return 3 * live_forward_flops() - 2.0 * static_cast<double>(conv[0].live_multiply_adds());
}

std::string to_string(PoolKind pool) { return pool == PoolKind::kMax ? "max" : "average"; }

std::string to_string(Variant variant) { return variant == Variant::kStatic ? "static" : "micro"; }

Variant variant_from_string(const std::string& name) {
  if (name == "static") return Variant::kStatic;
  if (name == "micro") return Variant::kMicro;
  throw Error(ErrorKind::kUsage, "variant", "'" + name + "' is neither 'static' nor 'micro'");
}

}  // namespace shcnn
