// Times the saliency of 42 x 42 faces: this project ("ours"), libtorch and oneDNN, in turn in one process, so that all
// run under the same conditions.
//
//   bench_saliency [--threads N] [--rounds N] [--milliseconds N]
//
// Computes one map per image, of the predicted class's score, for one image and for a batch of 100. Ours goes from
// bytes to a map in bytes' units on the host (crop, scale, forward, backward, back to the face); the peers go from a
// float batch to its gradient. In a round each program runs for about `milliseconds`; the medians of the rounds are
// compared. Before any timing, every peer's gradient is compared with ours.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/peers/saliency_peer.h"
#include "engine/explain/saliency.h"
#include "engine/net/initialise.h"
#include "kernels/backend.h"
#include "kernels/math/philox.h"

namespace {

using namespace shcnn;

double milliseconds() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Program {
  std::string name;
  double wanted;  ///< target for this program's time divided by ours; 0 = none
  std::function<void()> run;
  std::vector<double> rounds;  ///< milliseconds per call
};

struct Spread {
  double median, least, most;
};
Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

/// Share of the images whose gradients differ by more than rounding explains. Two cells of a pool, or a LeakyReLU's
/// input and zero, may be so close that two programs choose differently; this happens for some noise images.
double share_apart(const std::vector<float>& ours, const std::vector<float>& theirs, std::size_t values) {
  std::size_t apart = 0, images = ours.size() / values;
  for (std::size_t image = 0; image < images; ++image) {
    double error = 0, norm = 0;
    for (std::size_t i = image * values; i < (image + 1) * values; ++i) {
      error += (static_cast<double>(ours[i]) - theirs[i]) * (static_cast<double>(ours[i]) - theirs[i]);
      norm += static_cast<double>(theirs[i]) * theirs[i];
    }
    apart += !(error <= 1e-8 * norm);
  }
  return static_cast<double>(apart) / static_cast<double>(images);
}

struct Peer {
  std::unique_ptr<bench::SaliencyPeer> program;
  double wanted;  ///< target for its time divided by ours; 0 = none
};

/// The peers that were found at build time.
std::vector<Peer> peers_of_this_build([[maybe_unused]] const Model& model,
                                      [[maybe_unused]] const std::vector<std::vector<float>>& tensors,
                                      [[maybe_unused]] const std::vector<float>& x, [[maybe_unused]] int threads,
                                      [[maybe_unused]] double torch_wanted, [[maybe_unused]] double onednn_wanted) {
  std::vector<Peer> peers;
#ifdef SHCNN_HAVE_TORCH
  peers.push_back({bench::torch_saliency(model, tensors, x, threads), torch_wanted});
#endif
#ifdef SHCNN_HAVE_ONEDNN
  peers.push_back({bench::onednn_saliency(model, tensors, x, threads), onednn_wanted});
#endif
  return peers;
}

int compare(std::int64_t batch, int threads, int rounds, double round_ms, double torch_wanted, double onednn_wanted) {
  const Model model = make_model(ModelOptions{});
  BackendOptions options;
  options.threads = threads;
  Backend backend = make_backend("cpu", options);
  Network<float> network(*backend.device, backend.context, backend.ops, model, NetworkUse::kSaliency, batch);
  initialise(network.parameters(), model, {}, 1);
  const int size = model.input_size;
  SaliencyMapper<float> mapper(*backend.device, network, {4}, 1.0 / 255, size, size);  // the patch is the whole image
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(batch * size * size));
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(philox_word(1, Purpose::kTest, 0, i));
  std::vector<float> x(bytes.begin(), bytes.end());
  for (float& v : x) v *= 1.0f / 255;

  SaliencyRequest request;
  request.improved = false;
  std::vector<Program> programs;
  programs.push_back({"shcnn", 0, [&] { mapper.run(bytes.data(), batch, request); }, {}});
  std::vector<float> map = mapper.run(bytes.data(), batch, request).original;
  for (float& v : map) v *= 255;  // per unit of the input, as in the peers

  std::vector<std::vector<float>> tensors;
  for (std::size_t i = 0; i < model.parameters().size(); ++i)
    tensors.push_back(network.parameters().read(i, ParameterKind::kValue));
  const std::vector<Peer> peers = peers_of_this_build(model, tensors, x, threads, torch_wanted, onednn_wanted);
  if (peers.empty()) std::printf("  neither libtorch nor oneDNN was there at build time: no peers\n");
  for (const Peer& peer : peers) {
    const std::string name = peer.program->description();
    const double apart = share_apart(map, peer.program->run(), map.size() / static_cast<std::size_t>(batch));
    std::printf("  %-16s gradients equal ours to 1e-4 in %.0f %% of the images\n", name.c_str(), 100 * (1 - apart));
    if (apart > 0.15) throw Error(ErrorKind::kInternal, name, "computes something else");
    programs.push_back({name, peer.wanted, [p = peer.program.get()] { p->run(); }, {}});
  }

  for (Program& p : programs) {
    for (int i = 0; i < 3; ++i) p.run();
  }
  for (int round = 0; round < rounds; ++round) {
    for (Program& p : programs) {
      const double begin = milliseconds();
      double now = begin;
      int calls = 0;
      while (now - begin < round_ms || calls == 0) {
        p.run();
        ++calls;
        now = milliseconds();
      }
      p.rounds.push_back((now - begin) / calls);
    }
  }
  std::printf("batch %lld, %d thread%s; %s\n", static_cast<long long>(batch), threads, threads == 1 ? "" : "s",
              backend.device->name().c_str());
  const Spread ours = spread(programs.front().rounds);
  int missed = 0;
  for (const Program& p : programs) {
    const Spread s = spread(p.rounds);
    std::printf("  %-16s median %8.3f ms  (%.3f .. %.3f)", p.name.c_str(), s.median, s.least, s.most);
    if (&p != &programs.front()) {
      std::printf("  %.2f times ours by medians, %.2f by best rounds", s.median / ours.median, s.least / ours.least);
      if (p.wanted > 0) std::printf("; wanted %.1f", p.wanted);
      missed += s.median / ours.median < p.wanted;
    }
    std::printf("\n");
  }
  return missed;
}

}  // namespace

int main(int argc, char** argv) {
  int threads = 1, rounds = 15, round_ms = 150;
  try {
    for (int i = 1; i < argc; i += 2) {
      const std::string key = argv[i];
      const int value = i + 1 < argc ? std::atoi(argv[i + 1]) : 0;
      int* target = key == "--threads"        ? &threads
                    : key == "--rounds"       ? &rounds
                    : key == "--milliseconds" ? &round_ms
                                              : nullptr;
      if (!target || value <= 0) throw Error(ErrorKind::kUsage, key, "[--threads N] [--rounds N] [--milliseconds N]");
      *target = value;
    }
    const int missed = compare(1, threads, rounds, round_ms, 3.5, 1.5) + compare(100, threads, rounds, round_ms, 2, 0);
    if (missed) std::printf("%d of the wanted ratios missed\n", missed);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_saliency: %s\n", error.what());
    return 1;
  }
}
