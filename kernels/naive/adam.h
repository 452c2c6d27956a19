// The optimiser in plain loops: the step's scalars, global-norm clipping, Adam with L2, its replay for parameters whose
// data gradient is zero, and the step's report. Formulas: math/adam.h and math/step_state.h. All sums are in double.
#pragma once

#include <cmath>

#include "kernels/naive/index.h"
#include "kernels/ops.h"

namespace shcnn::naive {

inline void advance_step(const Context&, StepSchedule schedule, StepState* state) { advance(*state, schedule); }

template <class T>
void clip_by_global_norm(const Context&, T max_norm, T lambda, std::int64_t decayed, View<const T> w, View<const T> g,
                         StepState* state, StepReport* report) {
  require_shape("clip_by_global_norm", "g", g, w.shape);
  double sum = 0;
  for (std::int64_t i = 0; i < w.count(); ++i) {
    const double decay = i < decayed ? static_cast<double>(lambda) : 0;
    sum += decayed_square(static_cast<double>(g.data[i]), decay, static_cast<double>(w.data[i]));
  }
  report->grad_norm = std::sqrt(sum);
  state->clip_scale = clip_scale_for(report->grad_norm, static_cast<double>(max_norm));
}

template <class T>
void adam_step(const Context&, AdamParams<T> params, std::int64_t decayed, const StepState* state, View<const T> g,
               View<T> w, View<T> m, View<T> v, StepReport* report) {
  require_shape("adam_step", "g", g, w.shape);
  require_shape("adam_step", "m", m, w.shape);
  require_shape("adam_step", "v", v, w.shape);
  if (report->non_finite > 0) return;
  double sum_squares = 0;
  std::int64_t non_finite = 0;
  for (std::int64_t i = 0; i < w.count(); ++i) {
    if (i < decayed) sum_squares += static_cast<double>(w.data[i]) * static_cast<double>(w.data[i]);
    const T lambda = i < decayed ? params.lambda : T(0);
    T weight = w.data[i], mean = m.data[i], square = v.data[i];
    adam_update(weight, mean, square, g.data[i], lambda, static_cast<T>(state->clip_scale), static_cast<T>(state->lr_t),
                params);
    if (!adam_is_finite(weight, mean, square)) {
      ++non_finite;
      continue;
    }
    w.data[i] = weight;
    m.data[i] = mean;
    v.data[i] = square;
  }
  report->sum_squares += sum_squares;
  report->non_finite += non_finite;
}

template <class T>
void adam_replay(const Context&, AdamParams<T> params, StepSchedule schedule, std::uint64_t first_step, View<T> w,
                 View<T> m, View<T> v, View<double> sum_squares) {
  require_shape("adam_replay", "m", m, w.shape);
  require_shape("adam_replay", "v", v, w.shape);
  StepState state;
  state.step = first_step - 1;
  for (std::int64_t step = 0; step < sum_squares.count(); ++step) {
    advance(state, schedule);
    double sum = 0;
    for (std::int64_t i = 0; i < w.count(); ++i) {
      sum += static_cast<double>(w.data[i]) * static_cast<double>(w.data[i]);
      adam_update(w.data[i], m.data[i], v.data[i], T(0), params.lambda, static_cast<T>(state.clip_scale),
                  static_cast<T>(state.lr_t), params);
    }
    sum_squares.data[step] = sum;
  }
}

inline void publish_report(const Context&, const StepState* state, const StepReport* report, View<StepReport> ring) {
  StepReport& slot = ring.data[state->step % static_cast<std::uint64_t>(ring.count())];
  slot = *report;
  slot.step = state->step;
}

inline std::size_t adam_workspace(std::int64_t) { return 0; }

}  // namespace shcnn::naive
