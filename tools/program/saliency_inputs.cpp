#include "tools/program/saliency_inputs.h"

#include <fmt/format.h>
#include <shcnn/shcnn.h>

#include <algorithm>
#include <filesystem>
#include <type_traits>

#include "engine/net/resize.h"
#include "io/images/image.h"
#include "tools/program/pictures.h"

namespace shcnn::program {
namespace {

namespace fs = std::filesystem;

constexpr int kFaceSize = 48;

/// Image files given by the arguments; folders are replaced by the images in them.
std::vector<std::string> files_of(const std::vector<std::string>& inputs, const Common& common) {
  std::vector<std::string> files;
  for (const std::string& input : inputs) {
    if (!fs::exists(input)) throw Failure(ExitCode::kBadData, input + ": does not exist");
    if (!fs::is_directory(input)) {
      files.push_back(input);
      continue;
    }
    const FolderFiles found = images_in(input);
    files.insert(files.end(), found.files.begin(), found.files.end());
    if (!found.skipped.empty()) remark(common, input + ": " + skipped_text(found.skipped));
  }
  return files;
}

}  // namespace

void add_saliency_options(OptionSet& verb, SaliencyArguments& args) {
  verb.add_option("--weights", args.weights, "weights.safetensors of a run");
  verb.add_option("inputs", args.inputs, "images or folders of images; or use --dataset").repeatable();
  verb.add_option("--out", args.out, "output folder for pictures; without it only numbers are printed");
  add_dataset_options(verb, args.data);
  add_split_option(verb, "--split", args.split, "split of the data set");
  verb.add_option("--limit", args.limit, "use only the first images of the split; 0 = all").show_default().at_least(0);
  verb.add_option("--pictures", args.pictures, "write files only for the first images; 0 = all")
      .show_default()
      .at_least(0);
  verb.add_option("--precision", args.precision, "float32, or float64 (cpu only, slow)").show_default();
  verb.add_option("--batch", args.batch, "samples per batch; changes memory use and rounding only")
      .show_default()
      .range(1, 65536);
}

void check_saliency_arguments(const OptionSet& verb, const SaliencyArguments& args, const Common& common) {
  require_option(verb, "--weights", "weights.safetensors of a run");
  if (args.inputs.empty() == args.data.data.empty()) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("{} needs images, or a data set (--dataset and --data), not both", verb.name()));
  }
  if (!args.data.data.empty()) require_option(verb, "--dataset", "fer2013, ferplus or faces");
  if (args.precision != "float32" && args.precision != "float64") {
    throw Failure(ExitCode::kUsage, fmt::format("--precision: '{}' is neither float32 nor float64", args.precision));
  }
  if (args.precision == "float64" && common.device != "cpu") {
    throw Failure(ExitCode::kUsage,
                  fmt::format("--precision float64 runs on --device cpu alone, not on {}", common.device));
  }
  if (!args.out.empty()) refuse_overwriting(args.out, common);
}

SaliencyInputs read_saliency_inputs(const SaliencyArguments& args, const Weights& weights, const Common& common) {
  const bool faces = weights.model.variant == Variant::kStatic;
  const Model model = make_model(weights.model);
  SaliencyInputs inputs;
  inputs.height = inputs.width = faces ? kFaceSize : model.input_size;
  inputs.channels = model.input_channels;
  if (!args.data.data.empty()) {
    const LoadedSplit data = load_split(args.data, args.data.rule, args.split, common);
    remark_problems(common, data.problems);
    const Samples& s = data.samples;
    require_classes_of_weights(args.weights, weights.class_names, args.data.dataset, s.class_names);
    if (s.height != inputs.height || s.width != inputs.width || s.channels != inputs.channels) {
      throw Failure(ExitCode::kBadData,
                    fmt::format("{}: images of {} x {} x {}, the network wants {} x {} x {}", args.data.data, s.height,
                                s.width, s.channels, inputs.height, inputs.width, inputs.channels));
    }
    const auto count = static_cast<std::size_t>(args.limit > 0 ? std::min(args.limit, s.count()) : s.count());
    inputs.names.assign(s.names.begin(), s.names.begin() + static_cast<std::ptrdiff_t>(count));
    inputs.truth.assign(s.truth.begin(), s.truth.begin() + static_cast<std::ptrdiff_t>(count));
    inputs.pixels.assign(s.pixels.begin(), s.pixels.begin() + static_cast<std::ptrdiff_t>(count) * inputs.bytes());
    return inputs;
  }
  for (const std::string& file : files_of(args.inputs, common)) {
    const io::Image image = io::read_image(file, inputs.channels);
    if (!faces) require_colours(file, image);
    inputs.names.push_back(file);
    inputs.truth.push_back(-1);
    inputs.pixels.resize(inputs.pixels.size() + static_cast<std::size_t>(inputs.bytes()));
    resize({image.pixels.data(), image.width, image.height, std::ptrdiff_t{image.width} * image.channels},
           inputs.channels, inputs.width, inputs.height,
           inputs.pixels.data() + inputs.pixels.size() - static_cast<std::size_t>(inputs.bytes()));
  }
  return inputs;
}

template <class T>
SaliencyMachine<T>::SaliencyMachine(const Weights& weights, const SaliencyInputs& inputs, std::int64_t batch,
                                    const Common& common)
    : backend_(make_backend(common.device, [&common] {
        BackendOptions options;
        options.threads = common.threads;
        return options;
      }())) {
  const Model model = make_model(weights.model);
  const std::vector<int> crops = evaluation_crops(weights.augment, inputs.height > model.input_size);
  const auto least = static_cast<std::int64_t>(crops.size());
  const std::int64_t most = std::max<std::int64_t>(1, inputs.count()) * least;
  const auto ops = [this] {
    if constexpr (std::is_same_v<T, double>) {
      return naive_ops<double>();
    } else {
      return backend_.ops;
    }
  }();
  network_ = std::make_unique<Network<T>>(*backend_.device, backend_.context, ops, model, NetworkUse::kSaliency,
                                          std::clamp(batch, least, most));
  weights.store_to(network_->parameters());
  mapper_ = std::make_unique<SaliencyMapper<T>>(*backend_.device, *network_, crops, weights.input_scale, inputs.height,
                                                inputs.width);
}

template class SaliencyMachine<float>;
template class SaliencyMachine<double>;

std::string file_stem(std::int64_t image, const std::string& name) {
  std::string stem = fs::path(name).stem().string();
  for (char& c : stem) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
    if (!plain) c = '_';
  }
  return fmt::format("{:04}-{}", image, stem);
}

std::int32_t class_number(const std::vector<std::string>& class_names, const std::string& name) {
  const auto found = std::find(class_names.begin(), class_names.end(), name);
  if (found == class_names.end()) {
    throw Failure(ExitCode::kUsage, fmt::format("--class: '{}' is none of {}", name, fmt::join(class_names, ", ")));
  }
  return static_cast<std::int32_t>(found - class_names.begin());
}

}  // namespace shcnn::program
