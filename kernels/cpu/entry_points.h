// Declares the ops that are compiled once for each instruction set, in the namespace SHCNN_ISA_NAMESPACE. Included by
// their sources (one set) and three times by cpu_backend.cpp, so it has no include guard. Documentation: kernels/ops.h.

namespace shcnn::cpu::SHCNN_ISA_NAMESPACE {

using In = View<const float>;
using Out = View<float>;

void conv2d_forward(const Context&, ConvPads, In x, In w, Out z);
void conv2d_backward_data(const Context&, ConvPads, In w, In dz, Out dx);
void conv2d_backward_filter(const Context&, ConvPads, In x, In dz, Out dw);
std::size_t conv2d_workspace(const ConvGeometry&);

void max_pool_forward(const Context&, MaxPool, float slope, In z, In b, Out y, View<std::uint8_t> winner);
void max_pool_backward(const Context&, MaxPool, float slope, In y, View<const std::uint8_t> winner, In dy, Out dz,
                       Out db);
void avg_pool_forward(const Context&, float slope, In z, In b, Out y);
void avg_pool_backward(const Context&, float slope, In y, In dy, Out dz, Out db);

void dense_forward(const Context&, In x, In w, In b, Out y);
void dense_backward_data(const Context&, In w, In dy, Out dx);
void dense_backward_filter(const Context&, In x, In dy, Out dw, Out db);
std::size_t dense_workspace(std::int64_t inputs, std::int64_t outputs, std::int64_t samples);

void leaky_dropout_forward(const Context&, LeakyDropout, const StepState*, Out y);
void leaky_dropout_backward(const Context&, LeakyDropout, const StepState*, In y, Out dy);

void clip_by_global_norm(const Context&, float max_norm, float lambda, std::int64_t decayed, In w, In g, StepState*,
                         StepReport*);
void adam_step(const Context&, AdamParams<float>, std::int64_t decayed, const StepState*, In g, Out w, Out m, Out v,
               StepReport*);
void adam_replay(const Context&, AdamParams<float>, StepSchedule, std::uint64_t first_step, Out w, Out m, Out v,
                 View<double> sum_squares);
std::size_t adam_workspace(std::int64_t parameters);

}  // namespace shcnn::cpu::SHCNN_ISA_NAMESPACE
