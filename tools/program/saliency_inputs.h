// Shared by `saliency` and `attack`: the input images, and a network on a device that computes saliency maps.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/explain/saliency.h"
#include "engine/net/finite_scores.h"
#include "engine/train/checkpoint.h"
#include "kernels/backend.h"
#include "tools/program/datasets.h"

namespace shcnn::program {

struct SaliencyArguments {
  std::string weights, out, precision = "float32";
  std::vector<std::string> inputs;  ///< images and folders of images; if empty, `data` is used
  DatasetChoice data;               ///< used if there are no `inputs`
  std::string split = "private-test";
  std::int64_t limit = 0;     ///< use only the first images of the split; 0 = all
  std::int64_t pictures = 0;  ///< write files to `out` only for the first images; 0 = all
  std::int64_t batch = 100;
};
void add_saliency_options(OptionSet& verb, SaliencyArguments& args);
/// Throws Failure(kUsage) on missing or conflicting arguments.
void check_saliency_arguments(const OptionSet& verb, const SaliencyArguments& args, const Common& common);

/// Images of one size, as input for the network.
struct SaliencyInputs {
  int height = 48, width = 48, channels = 1;
  std::vector<std::string> names;    ///< (M): path, or name of the image in the data set
  std::vector<std::int32_t> truth;   ///< (M): true class, -1 if unknown
  std::vector<std::uint8_t> pixels;  ///< (M, height, width, channels)

  std::int64_t count() const { return static_cast<std::int64_t>(names.size()); }
  std::int64_t bytes() const { return std::int64_t{height} * width * channels; }  ///< bytes per image
  const std::uint8_t* image(std::int64_t i) const { return pixels.data() + i * bytes(); }
};
/// Reads the images given in `args`. Image files are scaled to the size that `weights` was trained on (48 x 48 gray or
/// 112 x 112 RGB); a data set must have that size already.
SaliencyInputs read_saliency_inputs(const SaliencyArguments& args, const Weights& weights, const Common& common);

/// Returns run(), which processes the images of `inputs` from index `first` on. Converts NonFiniteScores to a
/// Failure(kNonFinite) that names the image.
template <class Run>
auto naming_images(const SaliencyInputs& inputs, std::int64_t first, const Run& run) {
  try {
    return run();
  } catch (const NonFiniteScores& e) {
    throw Failure(ExitCode::kNonFinite,
                  inputs.names.at(static_cast<std::size_t>(first + e.image())) + ": " + NonFiniteScores::kWhy);
  }
}

/// A trained network on a device, with its SaliencyMapper. float: all devices; double: only `cpu`, with naive kernels.
template <class T>
class SaliencyMachine {
 public:
  SaliencyMachine(const Weights& weights, const SaliencyInputs& inputs, std::int64_t batch, const Common& common);
  SaliencyMapper<T>& mapper() { return *mapper_; }
  std::string device() const { return backend_.device->name(); }

 private:
  Backend backend_;
  std::unique_ptr<Network<T>> network_;
  std::unique_ptr<SaliencyMapper<T>> mapper_;
};

/// File name stem for an image, e.g. "0007-face" for image 7, "some/where/face.png".
std::string file_stem(std::int64_t image, const std::string& name);
/// Index of the class `name`; Failure(kUsage) that lists all names if there is no such class.
std::int32_t class_number(const std::vector<std::string>& class_names, const std::string& name);

}  // namespace shcnn::program
