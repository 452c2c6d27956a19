// The table of one instruction set's stages; compiled once per ISA, like every stage in this folder.
#include "flow/stages.h"

#define SHCNN_FLOW_TEXT_OF(name) #name
#define SHCNN_FLOW_TEXT(name) SHCNN_FLOW_TEXT_OF(name)

namespace shcnn::flow::SHCNN_FLOW_ISA {

bool to_float(const GrayImage& image, Plane out, Rows rows);
void resize(Plane in, Plane out, int out_width, const ResizeAxis& horizontal, const ResizeAxis& vertical, double factor,
            Rows rows);
void gradient(const Level& level, Rows rows);
void warp(const Level& level, Rows rows);
void median(const Level& level, int window, Rows rows);
void primal_dual(const Level& level, const StepSizes& steps, Rows rows, float* row_error);
void dual_row(const Level& level, const StepSizes& steps, int y);
bool flow_range(const FlowField& flow, Rows rows, FlowRange& range);
void flow_image(const FlowField& flow, const FlowImageOptions& options, IntensityScale scale, const RgbImage& image,
                Rows rows);

const Stages& stages() {
  static constexpr Stages kStages = {SHCNN_FLOW_TEXT(SHCNN_FLOW_ISA),
                                     to_float,
                                     resize,
                                     gradient,
                                     warp,
                                     median,
                                     primal_dual,
                                     dual_row,
                                     flow_range,
                                     flow_image};
  return kStages;
}

}  // namespace shcnn::flow::SHCNN_FLOW_ISA
