#include <algorithm>

#include "engine/net/evaluator.h"
#include "engine/net/finite_scores.h"
#include "engine/net/resize.h"
#include "engine/train/checkpoint.h"
#include "kernels/backend.h"
#include "shcnn/shcnn.h"

namespace shcnn {
namespace {

constexpr int kFaceSize = 48;
constexpr std::int64_t kImagesPerPass = 256;  // limits the memory for long lists of images

/// Height and width to which images are scaled before cropping.
int image_size(const Model& model) { return model.options.variant == Variant::kStatic ? kFaceSize : model.input_size; }

}  // namespace

struct Recognizer::Impl {
  Impl(Weights w, const RecognizerOptions& options)
      : weights(std::move(w)),
        model(make_model(weights.model)),
        crops(evaluation_crops(weights.augment, image_size(model) > model.input_size)),
        backend(make_backend(options.device,
                             [&] {
                               BackendOptions backend_options;
                               backend_options.threads = options.threads;
                               return backend_options;
                             }())),
        network(*backend.device, backend.context, backend.ops, model, NetworkUse::kInference, 100) {
    weights.store_to(network.parameters());
    weights.tensors.clear();
  }

  Weights weights;
  Model model;
  std::vector<int> crops;
  Backend backend;
  Network<float> network;
};

Recognizer::Recognizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recognizer::Recognizer(Recognizer&&) noexcept = default;
Recognizer& Recognizer::operator=(Recognizer&&) noexcept = default;
Recognizer::~Recognizer() = default;

Recognizer Recognizer::load(const std::filesystem::path& weights, const RecognizerOptions& options) {
  return Recognizer(std::make_unique<Impl>(load_weights(weights), options));
}

Prediction Recognizer::predict(const Image& image) { return std::move(predict(std::vector<Image>{image}).front()); }

std::vector<Prediction> Recognizer::predict(const std::vector<Image>& images) {
  std::vector<Prediction> predictions;
  predictions.reserve(images.size());
  const int size = image_size(impl_->model), channels = impl_->model.input_channels;
  const auto image_bytes =
      static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * static_cast<std::size_t>(channels);
  const std::size_t classes = impl_->weights.class_names.size();

  for (std::size_t first = 0; first < images.size(); first += kImagesPerPass) {
    const std::size_t count = std::min<std::size_t>(kImagesPerPass, images.size() - first);
    Samples samples;
    samples.height = samples.width = size;
    samples.channels = channels;
    samples.class_names = impl_->weights.class_names;
    samples.pixels.resize(count * image_bytes);
    samples.labels.assign(count * classes, 0.0f);
    samples.truth.assign(count, -1);
    samples.names.resize(count);
    for (std::size_t i = 0; i < count; ++i)
      resize(images[first + i], channels, size, size, &samples.pixels[i * image_bytes]);

    const DeviceSamples<float> on_device(*impl_->backend.device, samples);
    Evaluator<float> evaluator(*impl_->backend.device, impl_->network, on_device, impl_->crops,
                               impl_->weights.input_scale);
    const Evaluation evaluation = evaluator.run();
    if (evaluation.non_finite_image >= 0) {
      throw NonFiniteScores(static_cast<std::int64_t>(first) + evaluation.non_finite_image);
    }
    for (std::size_t i = 0; i < count; ++i) {
      Prediction p;
      p.label = evaluation.predicted[i];
      p.scores.assign(evaluation.scores.begin() + static_cast<std::ptrdiff_t>(i * classes),
                      evaluation.scores.begin() + static_cast<std::ptrdiff_t>((i + 1) * classes));
      predictions.push_back(std::move(p));
    }
  }
  return predictions;
}

const std::vector<std::string>& Recognizer::class_names() const { return impl_->weights.class_names; }
std::string Recognizer::variant() const { return to_string(impl_->model.options.variant); }
std::string Recognizer::device() const { return impl_->backend.device->name(); }

}  // namespace shcnn
