// libtorch with the settings that a sweep found fastest for this network on a CPU: contiguous layout, oneDNN on, BLAS
// on libtorch's own OpenMP threads (bench/CMakeLists.txt), freed blocks kept by malloc, denormals flushed. The
// parameters require no gradients, so that autograd computes only the gradients on the way to the input.
#include <malloc.h>
#include <torch/torch.h>

#include <algorithm>

#include "bench/peers/saliency_peer.h"

namespace shcnn::bench {
namespace {

class TorchSaliency final : public SaliencyPeer {
 public:
  TorchSaliency(const Model& model, const std::vector<std::vector<float>>& tensors, const std::vector<float>& x,
                int threads)
      : model_(model) {
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 2147483647);
    at::set_num_threads(threads);
    at::globalContext().setFlushDenormal(true);
    const std::vector<ParameterSpec> specs = model.parameters();
    for (std::size_t i = 0; i < specs.size(); ++i) {
      (specs[i].decayed ? weights_ : biases_)
          .push_back(torch::from_blob(const_cast<float*>(tensors[i].data()), specs[i].shape).clone());
    }
    const std::int64_t size = model.input_size, n = static_cast<std::int64_t>(x.size()) / (size * size);
    x_ = torch::from_blob(const_cast<float*>(x.data()), {n, 1, size, size}).clone().set_requires_grad(true);
    gradient_.resize(x.size());
  }

  std::string description() const override { return "libtorch " TORCH_VERSION; }

  const std::vector<float>& run() override {
    torch::Tensor x = x_;
    const double slope = model_.options.slope;
    for (std::size_t i = 0; i < model_.conv.size(); ++i) {
      const int ring = model_.conv[i].ring;
      x = torch::leaky_relu(torch::conv2d(x, weights_[i], biases_[i]), slope);
      x = torch::max_pool2d(torch::constant_pad_nd(x, {ring, ring, ring, ring}), 2, 2, 0, 1, /*ceil_mode=*/true);
    }
    x = x.flatten(1);
    for (std::size_t i = 3; i < 5; ++i) x = torch::leaky_relu(torch::linear(x, weights_[i], biases_[i]), slope);
    const torch::Tensor scores = torch::softmax(torch::linear(x, weights_[5], biases_[5]), 1);
    const torch::Tensor gradient = torch::autograd::grad({std::get<0>(scores.max(1)).sum()}, {x_})[0].contiguous();
    std::copy_n(gradient.data_ptr<float>(), gradient_.size(), gradient_.begin());
    return gradient_;
  }

 private:
  Model model_;
  std::vector<torch::Tensor> weights_, biases_;
  torch::Tensor x_;
  std::vector<float> gradient_;
};

}  // namespace

std::unique_ptr<SaliencyPeer> torch_saliency(const Model& model, const std::vector<std::vector<float>>& tensors,
                                             const std::vector<float>& x, int threads) {
  return std::make_unique<TorchSaliency>(model, tensors, x, threads);
}

}  // namespace shcnn::bench
