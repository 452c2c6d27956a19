// Convolution by its definition on explicitly padded planes, one sample and one channel pair at a time.
#pragma once

#include "kernels/ops.h"
#include "reference/layout.h"

namespace shcnn::test::reference {

/// Scatters each padded input cell to the outputs whose window contains it.
inline Tensor<double> conv2d(ConvPads pads, const Tensor<double>& x, const Tensor<double>& w, const Shape& z_shape) {
  const std::int64_t kernel = w.shape[2];
  Tensor<double> z(z_shape);
  for (std::int64_t n = 0; n < x.shape[3]; ++n) {
    for (std::int64_t c = 0; c < x.shape[0]; ++c) {
      Plane<double> plane = padded_plane(x, c, n, pads.begin, pads.end);
      for (std::int64_t p = 0; p < x.shape[1] + pads.begin + pads.end; ++p) {
        for (std::int64_t q = 0; q < x.shape[2] + pads.begin + pads.end; ++q) {
          for (std::int64_t o = 0; o < w.shape[0]; ++o) {
            for (std::int64_t k = 0; k < kernel; ++k) {
              for (std::int64_t l = 0; l < kernel; ++l) {
                const std::int64_t i = p - k, j = q - l;
                if (i < 0 || j < 0 || i >= z_shape[1] || j >= z_shape[2]) continue;
                z[chwn(z_shape, o, i, j, n)] += plane(p, q) * w[((o * x.shape[0] + c) * kernel + k) * kernel + l];
              }
            }
          }
        }
      }
    }
  }
  return z;
}

/// Full correlation of dz, padded by kernel - 1 on every side, with the filters rotated by 180 degrees; the input's
/// padding is then cropped.
inline Tensor<double> conv2d_input_gradient(ConvPads pads, const Tensor<double>& w, const Tensor<double>& dz,
                                            const Shape& x_shape) {
  const std::int64_t kernel = w.shape[2];
  Tensor<double> dx(x_shape);
  for (std::int64_t n = 0; n < dz.shape[3]; ++n) {
    for (std::int64_t o = 0; o < dz.shape[0]; ++o) {
      Plane<double> plane = padded_plane(dz, o, n, static_cast<int>(kernel - 1), static_cast<int>(kernel - 1));
      for (std::int64_t c = 0; c < x_shape[0]; ++c) {
        for (std::int64_t y = 0; y < x_shape[1]; ++y) {
          for (std::int64_t x = 0; x < x_shape[2]; ++x) {
            double sum = 0;
            for (std::int64_t k = 0; k < kernel; ++k) {
              for (std::int64_t l = 0; l < kernel; ++l) {
                const std::int64_t turned = ((o * x_shape[0] + c) * kernel + kernel - 1 - k) * kernel + kernel - 1 - l;
                sum += plane(y + pads.begin + k, x + pads.begin + l) * w[turned];
              }
            }
            dx[chwn(x_shape, c, y, x, n)] += sum;
          }
        }
      }
    }
  }
  return dx;
}

/// dw(o,c,k,l): the padded input, shifted by (k, l), times dz, summed over the whole map and the batch.
inline Tensor<double> conv2d_filter_gradient(ConvPads pads, const Tensor<double>& x, const Tensor<double>& dz,
                                             const Shape& w_shape) {
  const std::int64_t kernel = w_shape[2];
  Tensor<double> dw(w_shape);
  for (std::int64_t n = 0; n < x.shape[3]; ++n) {
    for (std::int64_t c = 0; c < x.shape[0]; ++c) {
      Plane<double> plane = padded_plane(x, c, n, pads.begin, pads.end);
      for (std::int64_t o = 0; o < dz.shape[0]; ++o) {
        for (std::int64_t i = 0; i < dz.shape[1]; ++i) {
          for (std::int64_t j = 0; j < dz.shape[2]; ++j) {
            for (std::int64_t k = 0; k < kernel; ++k) {
              for (std::int64_t l = 0; l < kernel; ++l) {
                dw[((o * x.shape[0] + c) * kernel + k) * kernel + l] +=
                    plane(i + k, j + l) * dz[chwn(dz.shape, o, i, j, n)];
              }
            }
          }
        }
      }
    }
  }
  return dw;
}

}  // namespace shcnn::test::reference
