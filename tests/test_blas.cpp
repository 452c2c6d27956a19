// Calls to cuBLAS, against a stand-in (support/cublas_stand_in.cpp): order of the operands, transposition, and set-up
// of the handle. Tests of cuBLAS itself run on a GPU as ops.cuda.dense.
#include <catch2/catch.hpp>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/blas.h"

using namespace shcnn;

namespace {

/// Transposed copy of the row-major matrix `from` (rows, cols).
std::vector<float> transposed(const std::vector<float>& from, int rows, int cols) {
  std::vector<float> to(from.size());
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c)
      to[static_cast<std::size_t>(c * rows + r)] = from[static_cast<std::size_t>(r * cols + c)];
  }
  return to;
}

}  // namespace

TEST_CASE("Row-major products through a column-major library, transposed or not", "[blas]") {
  Backend cpu = make_backend("cpu", {});
  const bool tf32 = GENERATE(false, true);
  cuda::Blas blas(*cpu.device, nullptr, tf32);
  constexpr int kRows = 3, kCols = 5, kDepth = 4;
  std::vector<float> a(kRows * kDepth), b(kDepth * kCols), want(kRows * kCols, tf32 ? 0.25f : 0.0f);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i * i % 11) - 4;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i * 7 % 13) - 6;
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kCols; ++c) {
      for (std::size_t k = 0; k < kDepth; ++k) want[r * kCols + c] += a[r * kDepth + k] * b[k * kCols + c];
    }
  }
  for (const bool a_transposed : {false, true}) {
    for (const bool b_transposed : {false, true}) {
      CAPTURE(tf32, a_transposed, b_transposed);
      const std::vector<float> left = a_transposed ? transposed(a, kRows, kDepth) : a;
      const std::vector<float> right = b_transposed ? transposed(b, kDepth, kCols) : b;
      std::vector<float> got(want.size(), -1);
      blas.product("test", kRows, kCols, kDepth, left.data(), a_transposed, right.data(), b_transposed, got.data());
      CHECK(got == want);
    }
  }
}

TEST_CASE("Extents beyond cuBLAS's indices are refused", "[blas]") {
  Backend cpu = make_backend("cpu", {});
  cuda::Blas blas(*cpu.device, nullptr, false);
  CHECK_THROWS_AS(blas.product("test", std::int64_t{1} << 31, 1, 1, nullptr, false, nullptr, false, nullptr), Error);
}
