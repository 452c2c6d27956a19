// Selects an executor's stages by device name; there is no fallback to another executor.
#include <string_view>

#include "flow/cuda/stages.h"
#include "kernels/error.h"

namespace shcnn::flow {

const BatchStages& select_batch_stages(const std::string& device) {
  if (device == "simt") return simt::stages();
  if (device == "cuda" || std::string_view(device).substr(0, 5) == "cuda:") {
#if defined(SHCNN_HAVE_CUDA)
    return cuda::stages();
#else
    throw Error(ErrorKind::kDevice, "--device", "'cuda' is not part of this build; use 'cpu'");
#endif
  }
  throw Error(ErrorKind::kUsage, "--device", message("'", device, "' is none of 'simt', 'cuda', 'cuda:<ordinal>'"));
}

}  // namespace shcnn::flow
