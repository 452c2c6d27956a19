// From a painted face to gray bytes: sampling, lens blur, exposure, sensor noise.
#pragma once

#include <cstdint>
#include <vector>

#include "io/synth/face_parameters.h"

namespace shcnn::synth {

/// `size` x `size` gray levels, row by row, 0..255. The same bytes on every machine. Noise is drawn per pixel, so two
/// sizes of one face differ by more than a resize; blur scales with the size. `size` >= 8.
std::vector<std::uint8_t> render_face(const FaceParameters& face, int size);

}  // namespace shcnn::synth
