// The table of the stages in this folder.
#include "flow/cuda/kernel.h"

#define SHCNN_FLOW_TEXT_OF(name) #name
#define SHCNN_FLOW_TEXT(name) SHCNN_FLOW_TEXT_OF(name)

namespace shcnn::flow::SHCNN_EXECUTOR {

// pyramid.cu
void to_float(const Context&, const BatchImages&, const BatchPlanes& out, int pairs, int width, int height);
void resize(const Context&, const BatchResize&);
// warp.cu
void gradient(const Context&, const BatchLevel&);
void warp(const Context&, const BatchLevel&);
// median.cu
void median(const Context&, const BatchLevel&, int window);
// primal_dual.cu
void primal_dual(const Context&, const BatchLevel&, const StepSizes&, int steps, float* errors);
void advance(const Context&, const BatchLevel&, const StopRule&, int steps, const float* errors, int* finished);
void turn(const Context&, const BatchLevel&, bool after_median);
// flow_field.cu
void read_flow(const Context&, const BatchLevel&, const float* flow);
void write_flow(const Context&, const BatchLevel&, float* flow);
void resize_flow(const Context&, const BatchFlows& in, const BatchFlows& out, const ResizeAxis& horizontal,
                 const ResizeAxis& vertical);
// flow_image.cu
void flow_range(const Context&, const BatchFlows&, FlowRange* parts);
void flow_image(const Context&, const BatchFlows&, const FlowImageOptions&, const FlowRange* parts,
                std::uint8_t* images);

const BatchStages& stages() {
  static constexpr BatchStages kStages = {SHCNN_FLOW_TEXT(SHCNN_EXECUTOR),
                                          to_float,
                                          resize,
                                          gradient,
                                          warp,
                                          median,
                                          primal_dual,
                                          advance,
                                          turn,
                                          read_flow,
                                          write_flow,
                                          resize_flow,
                                          flow_range,
                                          flow_image};
  return kStages;
}

}  // namespace shcnn::flow::SHCNN_EXECUTOR
