// A second implementation of SHCNN's forward pass and loss, written directly from the paper's Fig. 1: float64, NCHW,
// one image, with stored zero padding and all unused cells computed. Shares no code with kernels/ and engine/.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace shcnn::test {

struct ReferenceNet {
  bool is_static = true;
  bool max_pool = true;
  int classes = 7;
  double slope = 0.02;
  // conv1.weight, conv1.bias, .. fc3.weight, fc3.bias in the paper's order: (Co,Ci,K,K) and (O,I)
  std::vector<std::vector<double>> tensors;
};

namespace reference_detail {

struct Map {  // (channels, size, size)
  int channels, size;
  std::vector<double> data;
  Map(int c, int s) : channels(c), size(s), data(static_cast<std::size_t>(c * s * s), 0.0) {}
  double& at(int c, int y, int x) { return data[static_cast<std::size_t>((c * size + y) * size + x)]; }
  double at(int c, int y, int x) const { return data[static_cast<std::size_t>((c * size + y) * size + x)]; }
};

inline Map zero_pad(const Map& in, int pad) {
  Map out(in.channels, in.size + 2 * pad);
  for (int c = 0; c < in.channels; ++c)
    for (int y = 0; y < in.size; ++y)
      for (int x = 0; x < in.size; ++x) out.at(c, y + pad, x + pad) = in.at(c, y, x);
  return out;
}

inline Map conv_valid(const Map& in, const std::vector<double>& w, const std::vector<double>& b, int out_channels,
                      int k) {
  Map out(out_channels, in.size - k + 1);
  for (int o = 0; o < out_channels; ++o) {
    for (int y = 0; y < out.size; ++y)
      for (int x = 0; x < out.size; ++x) out.at(o, y, x) = b[static_cast<std::size_t>(o)];
    for (int i = 0; i < in.channels; ++i)
      for (int ky = 0; ky < k; ++ky)
        for (int kx = 0; kx < k; ++kx) {
          const double weight = w[static_cast<std::size_t>(((o * in.channels + i) * k + ky) * k + kx)];
          for (int y = 0; y < out.size; ++y) {
            const double* source = &in.data[static_cast<std::size_t>((i * in.size + y + ky) * in.size + kx)];
            double* target = &out.data[static_cast<std::size_t>((o * out.size + y) * out.size)];
            for (int x = 0; x < out.size; ++x) target[x] += weight * source[x];
          }
        }
  }
  return out;
}

inline void leaky(std::vector<double>& values, double slope) {
  for (double& v : values) v = std::max(slope * v, v);
}

/// 2x2 windows with stride 2; windows at the bottom and right edge contain only the cells inside the map.
inline Map pool(const Map& in, bool maximum) {
  Map out(in.channels, (in.size + 1) / 2);
  for (int c = 0; c < in.channels; ++c)
    for (int y = 0; y < out.size; ++y)
      for (int x = 0; x < out.size; ++x) {
        double best = -std::numeric_limits<double>::infinity(), sum = 0;
        int cells = 0;
        for (int v = 2 * y; v < std::min(2 * y + 2, in.size); ++v)
          for (int u = 2 * x; u < std::min(2 * x + 2, in.size); ++u, ++cells) {
            best = std::max(best, in.at(c, v, u));
            sum += in.at(c, v, u);
          }
        out.at(c, y, x) = maximum ? best : sum / cells;
      }
  return out;
}

}  // namespace reference_detail

/// Last pooled map of one image, flattened from (channels, size, size): the input of fc1. `image` is already scaled.
inline std::vector<double> reference_features(const ReferenceNet& net, const std::vector<double>& image) {
  using namespace reference_detail;
  const int kernels[] = {5, 3, 5}, channels[] = {44, 44, 88};
  Map map(net.is_static ? 1 : 3, net.is_static ? 42 : 112);
  map.data = image;
  for (int i = 0; i < 3; ++i) {
    const int k = kernels[i];
    const auto& w = net.tensors[static_cast<std::size_t>(2 * i)];
    const auto& b = net.tensors[static_cast<std::size_t>(2 * i + 1)];
    if (net.is_static) {
      Map z = conv_valid(map, w, b, channels[i], k);
      leaky(z.data, net.slope);
      map = pool(zero_pad(z, k / 2), net.max_pool);
    } else {
      map = pool(conv_valid(zero_pad(map, k / 2), w, b, channels[i], k), net.max_pool);
      leaky(map.data, net.slope);
    }
  }
  return map.data;
}

/// Unit `o` of fc1 (layer 0), fc2 (1) or fc3 (2) with its activation. `dropout` holds one factor per unit, 0 or 1 /
/// keep rate; empty means no dropout.
inline double reference_unit(const ReferenceNet& net, int layer, std::size_t o, const std::vector<double>& x,
                             const std::vector<double>& dropout = {}) {
  const auto& w = net.tensors[static_cast<std::size_t>(6 + 2 * layer)];
  double y = net.tensors[static_cast<std::size_t>(7 + 2 * layer)][o];
  for (std::size_t j = 0; j < x.size(); ++j) y += w[o * x.size() + j] * x[j];
  if (layer < 2) y = std::max(net.slope * y, y);
  return dropout.empty() ? y : y * dropout[o];
}

/// All units of layer `layer`.
inline std::vector<double> reference_dense(const ReferenceNet& net, int layer, const std::vector<double>& x,
                                           const std::vector<double>& dropout = {}) {
  std::vector<double> y(net.tensors[static_cast<std::size_t>(7 + 2 * layer)].size());
  for (std::size_t o = 0; o < y.size(); ++o) y[o] = reference_unit(net, layer, o, x, dropout);
  return y;
}

/// Logits of one image.
inline std::vector<double> reference_logits(const ReferenceNet& net, const std::vector<double>& image,
                                            const std::vector<double>& dropout1 = {},
                                            const std::vector<double>& dropout2 = {}) {
  const std::vector<double> h1 = reference_dense(net, 0, reference_features(net, image), dropout1);
  return reference_dense(net, 2, reference_dense(net, 1, h1, dropout2));
}

/// -sum_j p_j log softmax(o)_j
inline double reference_cross_entropy(const std::vector<double>& logits, const std::vector<double>& p) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0, loss = 0;
  for (const double o : logits) sum += std::exp(o - largest);
  for (std::size_t j = 0; j < logits.size(); ++j) loss -= p[j] * (logits[j] - largest - std::log(sum));
  return loss;
}

}  // namespace shcnn::test
