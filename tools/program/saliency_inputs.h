// What `saliency` and `attack` share: the images they look at, and a network on a device that maps them.
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
  std::vector<std::string> inputs;  ///< images and folders of images
  DatasetChoice data;               ///< else a split of a data set
  std::string split = "private-test";
  std::int64_t limit = 0;     ///< images of the split, from the first on; 0 = all
  std::int64_t pictures = 0;  ///< images that get files in `out`; 0 = all
  std::int64_t batch = 100;
};
void add_saliency_options(OptionSet& verb, SaliencyArguments& args);
/// Throws Failure(kUsage) on arguments that do not go together.
void check_saliency_arguments(const OptionSet& verb, const SaliencyArguments& args, const Common& common);

/// Images of one size, as the network takes them.
struct SaliencyInputs {
  int height = 48, width = 48, channels = 1;
  std::vector<std::string> names;    ///< (M): path, or the data set's name of the image
  std::vector<std::int32_t> truth;   ///< (M): true class, -1 where not known
  std::vector<std::uint8_t> pixels;  ///< (M, height, width, channels)

  std::int64_t count() const { return static_cast<std::int64_t>(names.size()); }
  std::int64_t bytes() const { return std::int64_t{height} * width * channels; }  ///< of one image
  const std::uint8_t* image(std::int64_t i) const { return pixels.data() + i * bytes(); }
};
/// Reads the images that `args` names, scaled to what `weights` was trained on (48 x 48 gray or 112 x 112 RGB).
SaliencyInputs read_saliency_inputs(const SaliencyArguments& args, const Weights& weights, const Common& common);

/// run(), whose NonFiniteScores count from image `first` of `inputs` on: Failure(kNonFinite) that names the image.
template <class Run>
auto naming_images(const SaliencyInputs& inputs, std::int64_t first, const Run& run) {
  try {
    return run();
  } catch (const NonFiniteScores& e) {
    throw Failure(ExitCode::kNonFinite,
                  inputs.names.at(static_cast<std::size_t>(first + e.image())) + ": " + NonFiniteScores::kWhy);
  }
}

/// A trained network, planned for saliency, with its mapper. float on every device; double on `cpu`, in plain loops.
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

/// "0007-face" for image 7 of "some/where/face.png".
std::string file_stem(std::int64_t image, const std::string& name);
/// Class numbers of a name; Failure(kUsage) that lists the names if it is none.
std::int32_t class_number(const std::vector<std::string>& class_names, const std::string& name);

}  // namespace shcnn::program
