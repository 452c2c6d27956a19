// The same network built from oneDNN primitives: oneDNN chooses every layout ("any"), weights are laid out once for
// both directions, LeakyReLU is fused into convolutions and dense layers, and the zero ring is a reorder into a larger
// buffer whose border stays zero. Operations for which oneDNN has no primitive (LeakyReLU's gradient from its output,
// the score's gradient) are plain loops that the compiler vectorises.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <dnnl.hpp>
#include <functional>
#include <unordered_map>

#include "bench/peers/saliency_peer.h"

namespace shcnn::bench {
namespace {

using dnnl::memory;
using Dims = memory::dims;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

memory::desc plain(const Dims& dims, Tag tag) { return {dims, memory::data_type::f32, tag}; }
memory::desc any(const Dims& dims) { return plain(dims, Tag::any); }

class OneDnnSaliency final : public SaliencyPeer {
 public:
  OneDnnSaliency(const Model& model, const std::vector<std::vector<float>>& tensors, const std::vector<float>& x,
                 int threads)
      : model_(model), threads_(threads), n_(static_cast<std::int64_t>(x.size()) / (42 * 42)) {
    omp_set_num_threads(threads);
    gradient_.resize(x.size());
    memory forward = filled(plain({n_, 1, 42, 42}, Tag::nchw), x, {n_, 1, 42, 42}, Tag::nchw);
    for (std::size_t i = 0; i < 3; ++i) forward = add_conv(i, tensors, forward);
    for (std::size_t j = 0; j < 3; ++j) forward = add_dense(j, tensors, forward);
    logits_ = forward;
    memory backward = add_score();
    for (std::size_t j = 3; j-- > 0;) backward = add_dense_backward(j, tensors, backward);
    for (std::size_t i = 3; i-- > 0;) backward = add_conv_backward(i, tensors, backward);
    const memory out(plain({n_, 1, 42, 42}, Tag::nchw), engine_, gradient_.data());
    add_reorder(backward, out);
  }

  std::string description() const override {
    const dnnl_version_t* v = dnnl_version();
    return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  }

  const std::vector<float>& run() override {
    omp_set_num_threads(threads_);
    for (const auto& step : steps_) step();
    stream_.wait();
    return gradient_;
  }

 private:
  struct Conv {
    Dims x, z, padded, pooled, w;
    dnnl::convolution_forward::primitive_desc forward;
    dnnl::pooling_forward::primitive_desc pool;
    memory out, ring, workspace, y;
  };
  struct Dense {
    Dims x, w;
    dnnl::inner_product_forward::primitive_desc forward;
    memory y;
  };

  memory zeroed(const memory::desc& desc) {
    memory m(desc, engine_);
    std::memset(m.get_data_handle(), 0, desc.get_size());
    return m;
  }
  /// A memory with layout `desc` that holds `values`, which are given in layout (dims, tag).
  memory filled(const memory::desc& desc, const std::vector<float>& values, const Dims& dims, Tag tag) {
    memory from(plain(dims, tag), engine_, const_cast<float*>(values.data())), to = zeroed(desc);
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
    return to;
  }
  template <class Primitive>
  void add(const Primitive& primitive, const Arguments& arguments) {
    steps_.emplace_back([this, primitive, arguments] { primitive.execute(stream_, arguments); });
  }
  void add_reorder(const memory& from, const memory& to) {
    add(dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  }
  /// `from` in layout `desc`: itself, or a copy that is made in every run.
  memory laid_out(const memory& from, const memory::desc& desc) {
    if (from.get_desc() == desc) return from;
    const memory to = zeroed(desc);
    add_reorder(from, to);
    return to;
  }
  dnnl::primitive_attr leaky() const {
    dnnl::post_ops ops;
    ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, static_cast<float>(model_.options.slope), 0.0f);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(ops);
    return attributes;
  }
  /// g *= y > 0 ? 1 : slope; both have the same layout.
  void add_leaky_backward(const memory& g, const memory& y) {
    auto* const gradient = static_cast<float*>(g.get_data_handle());
    const auto* const output = static_cast<const float*>(y.get_data_handle());
    const auto count = static_cast<std::int64_t>(g.get_desc().get_size() / sizeof(float));
    const auto slope = static_cast<float>(model_.options.slope);
    steps_.emplace_back([=, keep = g, keep_y = y, this] {
      stream_.wait();
#pragma omp parallel for simd schedule(static)
      for (std::int64_t i = 0; i < count; ++i) gradient[i] *= output[i] > 0 ? 1.0f : slope;
    });
  }
  /// The part of `padded` inside its ring.
  memory inside(const memory& padded, const Dims& inner, int ring) {
    return memory(padded.get_desc().submemory_desc(inner, {0, 0, ring, ring}), engine_, padded.get_data_handle());
  }

  memory add_conv(std::size_t i, const std::vector<std::vector<float>>& tensors, const memory& x) {
    const ConvStage& s = model_.conv[i];
    Conv& c = conv_[i];
    const std::int64_t in = i == 0 ? 42 : model_.conv[i - 1].pooled, out = in - s.kernel + 1, wide = out + 2 * s.ring;
    c.x = {n_, s.in_channels, in, in};
    c.w = {s.channels, s.in_channels, s.kernel, s.kernel};
    c.z = {n_, s.channels, out, out};
    c.padded = {n_, s.channels, wide, wide};
    c.pooled = {n_, s.channels, s.pooled, s.pooled};
    c.forward = {{dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct, any(c.x), any(c.w),
                  any({s.channels}), any(c.z), Dims{1, 1}, Dims{0, 0}, Dims{0, 0}},
                 leaky(),
                 engine_};
    const memory w = filled(c.forward.weights_desc(), tensors[2 * i], c.w, Tag::oihw);
    const memory b = filled(c.forward.bias_desc(), tensors[2 * i + 1], {s.channels}, Tag::x);
    c.out = zeroed(c.forward.dst_desc());
    add(dnnl::convolution_forward(c.forward), {{DNNL_ARG_SRC, laid_out(x, c.forward.src_desc())},
                                               {DNNL_ARG_WEIGHTS, w},
                                               {DNNL_ARG_BIAS, b},
                                               {DNNL_ARG_DST, c.out}});
    Tag tag = Tag::nchw;
    for (const Tag candidate : {Tag::nChw16c, Tag::nChw8c, Tag::nhwc}) {
      if (plain(c.z, candidate) == c.out.get_desc()) tag = candidate;
    }
    c.ring = zeroed(plain(c.padded, tag));
    add_reorder(c.out, inside(c.ring, c.z, s.ring));
    const std::int64_t odd = wide % 2;
    c.pool = {{dnnl::prop_kind::forward_training, dnnl::algorithm::pooling_max, c.ring.get_desc(), any(c.pooled),
               Dims{2, 2}, Dims{2, 2}, Dims{0, 0}, Dims{odd, odd}},
              engine_};
    c.y = zeroed(c.pool.dst_desc());
    c.workspace = zeroed(c.pool.workspace_desc());
    add(dnnl::pooling_forward(c.pool),
        {{DNNL_ARG_SRC, c.ring}, {DNNL_ARG_DST, c.y}, {DNNL_ARG_WORKSPACE, c.workspace}});
    return c.y;
  }

  memory add_dense(std::size_t j, const std::vector<std::vector<float>>& tensors, const memory& x) {
    const DenseLayer& layer = model_.dense[j];
    Dense& d = dense_[j];
    const std::int64_t out = layer.outputs, pooled = model_.conv[2].pooled;
    d.x = j == 0 ? conv_[2].pooled : Dims{n_, layer.inputs};
    d.w = j == 0 ? Dims{out, model_.conv[2].channels, pooled, pooled} : Dims{out, layer.inputs};
    const dnnl::inner_product_forward::desc desc(dnnl::prop_kind::forward_training, any(d.x), any(d.w), any({out}),
                                                 any({n_, out}));
    d.forward = j < 2 ? dnnl::inner_product_forward::primitive_desc(desc, leaky(), engine_)
                      : dnnl::inner_product_forward::primitive_desc(desc, engine_);
    const memory w = filled(d.forward.weights_desc(), tensors[6 + 2 * j], d.w, j == 0 ? Tag::oihw : Tag::nc);
    const memory b = filled(d.forward.bias_desc(), tensors[7 + 2 * j], {out}, Tag::x);
    d.y = zeroed(d.forward.dst_desc());
    add(dnnl::inner_product_forward(d.forward), {{DNNL_ARG_SRC, laid_out(x, d.forward.src_desc())},
                                                 {DNNL_ARG_WEIGHTS, w},
                                                 {DNNL_ARG_BIAS, b},
                                                 {DNNL_ARG_DST, d.y}});
    return d.y;
  }

  /// dS_j/do for the largest logit j of each image; logits are (N, n), row by row.
  memory add_score() {
    const memory g = zeroed(logits_.get_desc());
    const auto* const o = static_cast<const float*>(logits_.get_data_handle());
    auto* const out = static_cast<float*>(g.get_data_handle());
    const auto classes = static_cast<std::int64_t>(model_.options.classes);
    steps_.emplace_back([=, keep = g, this] {
      stream_.wait();
      for (std::int64_t i = 0; i < n_; ++i) {
        const float* row = o + i * classes;
        float* grad = out + i * classes;
        const std::int64_t top = std::max_element(row, row + classes) - row;
        float sum = 0;
        for (std::int64_t k = 0; k < classes; ++k) sum += grad[k] = std::exp(row[k] - row[top]);
        const float score = grad[top] / sum;
        for (std::int64_t k = 0; k < classes; ++k) grad[k] = k == top ? score * (1 - score) : -score * grad[k] / sum;
      }
    });
    return g;
  }

  memory add_dense_backward(std::size_t j, const std::vector<std::vector<float>>& tensors, const memory& g) {
    Dense& d = dense_[j];
    const std::int64_t out = model_.dense[j].outputs;
    const dnnl::inner_product_backward_data::primitive_desc desc({any(d.x), any(d.w), any({n_, out})}, engine_,
                                                                 d.forward);
    const memory w = filled(desc.weights_desc(), tensors[6 + 2 * j], d.w, j == 0 ? Tag::oihw : Tag::nc);
    const memory dx = zeroed(desc.diff_src_desc());
    add(dnnl::inner_product_backward_data(desc),
        {{DNNL_ARG_DIFF_DST, laid_out(g, desc.diff_dst_desc())}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DIFF_SRC, dx}});
    if (j == 0) return dx;
    const memory below = laid_out(dx, dense_[j - 1].y.get_desc());
    add_leaky_backward(below, dense_[j - 1].y);
    return below;
  }

  memory add_conv_backward(std::size_t i, const std::vector<std::vector<float>>& tensors, const memory& g) {
    Conv& c = conv_[i];
    const std::int64_t odd = c.padded[2] % 2;
    const dnnl::pooling_backward::primitive_desc pool({dnnl::algorithm::pooling_max, c.ring.get_desc(), c.y.get_desc(),
                                                       Dims{2, 2}, Dims{2, 2}, Dims{0, 0}, Dims{odd, odd}},
                                                      engine_, c.pool);
    const memory padded = zeroed(c.ring.get_desc());
    add(dnnl::pooling_backward(pool), {{DNNL_ARG_DIFF_DST, laid_out(g, c.y.get_desc())},
                                       {DNNL_ARG_DIFF_SRC, padded},
                                       {DNNL_ARG_WORKSPACE, c.workspace}});
    const memory dz = zeroed(c.out.get_desc());
    inside_.push_back(padded);
    add_reorder(inside(padded, c.z, model_.conv[i].ring), dz);
    add_leaky_backward(dz, c.out);
    const dnnl::convolution_backward_data::primitive_desc desc(
        {dnnl::algorithm::convolution_direct, any(c.x), any(c.w), any(c.z), Dims{1, 1}, Dims{0, 0}, Dims{0, 0}},
        engine_, c.forward);
    const memory w = filled(desc.weights_desc(), tensors[2 * i], c.w, Tag::oihw);
    const memory dx = zeroed(desc.diff_src_desc());
    add(dnnl::convolution_backward_data(desc),
        {{DNNL_ARG_DIFF_DST, laid_out(dz, desc.diff_dst_desc())}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DIFF_SRC, dx}});
    return dx;
  }

  Model model_;
  int threads_;
  std::int64_t n_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  Conv conv_[3];
  Dense dense_[3];
  memory logits_;
  std::vector<memory> inside_;  // owners of the memory that sub-memories point into
  std::vector<std::function<void()>> steps_;
  std::vector<float> gradient_;
};

}  // namespace

std::unique_ptr<SaliencyPeer> onednn_saliency(const Model& model, const std::vector<std::vector<float>>& tensors,
                                              const std::vector<float>& x, int threads) {
  return std::make_unique<OneDnnSaliency>(model, tensors, x, threads);
}

}  // namespace shcnn::bench
