// median: u1 and u2 over a square window, with the sorting networks of flow/math/median_network.h. The threads of a
// block (32 x 8 pixels) sort the window column of every pixel column (including the radius on both sides) once and
// store the ranks in shared memory; then each thread gathers the 3 or 5 sorted columns of its window. Outside the image
// the border pixel is repeated. The 5 x 5 window takes about 130 minima and maxima per pixel.
#include "flow/cuda/kernel.h"
#include "flow/math/median_network.h"

namespace shcnn::flow::SHCNN_EXECUTOR {
namespace {

struct Floats {
  using Value = float;
#if defined(__CUDACC__)
  __device__ static float least(float a, float b) { return fminf(a, b); }
  __device__ static float most(float a, float b) { return fmaxf(a, b); }
#else
  static float least(float a, float b) { return a < b ? a : b; }
  static float most(float a, float b) { return a > b ? a : b; }
#endif
};
using Network = MedianNetwork<Floats>;

/// Columns per row in shared memory: ranks[rank][row of the block][column].
template <int kWindow>
constexpr int kColumns = kBlockW + kWindow / 2 * 2;

template <int kWindow>
__global__ void __launch_bounds__(kBlockW* kBlockH) median_kernel(BatchLevel level) {
  constexpr int kRadius = kWindow / 2, kPitch = kColumns<kWindow>;
  const auto [x, y, layer] = pixel();
  const int pair = layer / level.components, component = layer % level.components;
  const Progress& progress = level.progress[pair];
  if (progress.state != PairState::kRunning) return;
  const int in = progress.u * level.components + component, out = (1 - progress.u) * level.components + component;
  const bool inside = x < level.width && y < level.height;
  if (component == 2) {  // u3 is not filtered
    if (inside) level.u.row(pair, out, y)[x] = level.u.row(pair, in, y)[x];
    return;
  }
  float* const ranks = shared_memory<float>() + threadIdx.y * kPitch;
  const int first_x = static_cast<int>(blockIdx.x) * kBlockW - kRadius;
  for (int column = static_cast<int>(threadIdx.x); column < kPitch; column += kBlockW) {
    const int image_x = clamp(first_x + column, 0, level.width - 1);
    float v[kWindow];
#pragma unroll
    for (int k = 0; k < kWindow; ++k) {
      v[k] = level.u.row(pair, in, clamp(y + k - kRadius, 0, level.height - 1))[image_x];
    }
    Network::sort(v);
#pragma unroll
    for (int k = 0; k < kWindow; ++k) ranks[k * kBlockH * kPitch + column] = v[k];
  }
  __syncthreads();
  if (!inside) return;
  float m[kWindow][kWindow];
#pragma unroll
  for (int r = 0; r < kWindow; ++r) {
#pragma unroll
    for (int k = 0; k < kWindow; ++k) m[r][k] = ranks[r * kBlockH * kPitch + static_cast<int>(threadIdx.x) + k];
  }
  level.u.row(pair, out, y)[x] = Network::middle(m);
}

template <int kWindow>
void run(const Context& context, const BatchLevel& level) {
  launch(context, "median", median_kernel<kWindow>,
         pixel_grid("median", level.width, level.height, level.pairs * level.components), pixel_block(),
         sizeof(float) * kWindow * kBlockH * kColumns<kWindow>, level);
}

}  // namespace

void median(const Context& context, const BatchLevel& level, int window) {
  if (window == 3) return run<3>(context, level);
  run<5>(context, level);
}

}  // namespace shcnn::flow::SHCNN_EXECUTOR
