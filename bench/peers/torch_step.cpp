// Settings, chosen by a sweep on two Zen 3 cores: contiguous layout for the static variant and channels_last for the
// micro variant, oneDNN on, BLAS on the same OpenMP threads as libtorch (see bench/CMakeLists.txt), freed blocks kept
// by malloc, denormals flushed, gradients dropped instead of zeroed, L2 as Adam's own weight decay. Weight decay costs
// libtorch least; unlike the loss term it also applies to biases, so the results differ.
#include "bench/peers/torch_step.h"

#include <malloc.h>
#include <torch/torch.h>

#include <string>
#include <vector>

namespace shcnn::bench {

struct TorchStep::Impl {
  Model model;
  double slope, drop;
  bool channels_last;
  std::vector<torch::Tensor> weights, biases;
  torch::Tensor images, labels;
  std::unique_ptr<torch::optim::Adam> adam;

  torch::Tensor forward(torch::Tensor x) {
    for (std::size_t i = 0; i < model.conv.size(); ++i) {
      const ConvStage& s = model.conv[i];
      const bool is_static = model.options.variant == Variant::kStatic;
      x = torch::conv2d(x, weights[i], biases[i], 1, is_static ? 0 : s.kernel / 2);
      if (is_static) {
        x = torch::constant_pad_nd(torch::leaky_relu(x, slope), {s.ring, s.ring, s.ring, s.ring});
        x = torch::max_pool2d(x, 2, 2, 0, 1, /*ceil_mode=*/true);
      } else {
        x = torch::leaky_relu(torch::avg_pool2d(x, 2, 2), slope);
      }
    }
    x = x.contiguous().flatten(1);
    for (std::size_t i = 3; i < 5; ++i)
      x = torch::dropout(torch::leaky_relu(torch::linear(x, weights[i], biases[i]), slope), drop, true);
    return torch::linear(x, weights[5], biases[5]);
  }
};

TorchStep::TorchStep(const Model& model, const TrainConfig& config, int threads) : impl_(std::make_unique<Impl>()) {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2147483647);
  at::set_num_threads(threads);
  at::globalContext().setFlushDenormal(true);
  torch::manual_seed(1);
  impl_->model = model;
  impl_->slope = model.options.slope;
  impl_->drop = config.dropout;
  impl_->channels_last = model.options.variant == Variant::kMicro;
  for (const ParameterSpec& spec : model.parameters()) {
    torch::Tensor t = torch::randn(spec.shape) * 0.05;
    if (spec.shape.size() == 4 && impl_->channels_last) t = t.contiguous(torch::MemoryFormat::ChannelsLast);
    t.set_requires_grad(true);
    (spec.decayed ? impl_->weights : impl_->biases).push_back(t);
  }
  impl_->images = torch::rand({config.batch, model.input_channels, model.input_size, model.input_size});
  if (impl_->channels_last) impl_->images = impl_->images.contiguous(torch::MemoryFormat::ChannelsLast);
  impl_->labels = torch::softmax(torch::randn({config.batch, model.options.classes}), 1);
  std::vector<torch::Tensor> all = impl_->weights;
  all.insert(all.end(), impl_->biases.begin(), impl_->biases.end());
  impl_->adam = std::make_unique<torch::optim::Adam>(
      all, torch::optim::AdamOptions(config.learning_rate).weight_decay(2 * config.l2));
}

TorchStep::~TorchStep() = default;

double TorchStep::run() {
  impl_->adam->zero_grad();
  const torch::Tensor logits = impl_->forward(impl_->images);
  const torch::Tensor loss = -(impl_->labels * torch::log_softmax(logits, 1)).sum(1).mean();
  loss.backward();
  impl_->adam->step();
  return loss.item<double>();
}

const char* TorchStep::description() { return "libtorch " TORCH_VERSION; }

}  // namespace shcnn::bench
