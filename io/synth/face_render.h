// Renders a painted face to gray bytes: sampling, lens blur, exposure, sensor noise.
#pragma once

#include <cstdint>
#include <vector>

#include "io/synth/face_parameters.h"

namespace shcnn::synth {

/// Renders `size` x `size` gray levels (0..255), row by row; `size` >= 8. The bytes are the same on every machine.
/// Noise is drawn per pixel, so two sizes of one face differ by more than a resize; blur scales with the size.
std::vector<std::uint8_t> render_face(const FaceParameters& face, int size);

}  // namespace shcnn::synth
