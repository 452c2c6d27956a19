// Parses the device name and calls the matching factory. If this build lacks the executor, make_backend throws an Error
// that says so; it never falls back to another device.
#include <charconv>
#include <string_view>

#include "kernels/backend.h"

namespace shcnn {
namespace {

constexpr const char* kPlace = "--device";

[[noreturn]] [[maybe_unused]] void not_built(const char* executor) {
  throw Error(ErrorKind::kDevice, kPlace,
              message("'", executor, "' is not part of this build; use 'cpu', or configure a build that has it"));
}

/// The ordinal of "cuda" (0) or "cuda:<ordinal>"; -1 for any other text.
int cuda_ordinal(std::string_view device) {
  constexpr std::string_view kPrefix = "cuda";
  if (device.substr(0, kPrefix.size()) != kPrefix) return -1;
  device.remove_prefix(kPrefix.size());
  if (device.empty()) return 0;
  if (device.front() != ':') return -1;
  device.remove_prefix(1);
  int ordinal = -1;
  const auto [end, error] = std::from_chars(device.data(), device.data() + device.size(), ordinal);
  return error == std::errc() && end == device.data() + device.size() && ordinal >= 0 ? ordinal : -1;
}

}  // namespace

Backend make_backend(const std::string& device, const BackendOptions& options) {
  if (device == "cpu") return cpu_backend(options);
  if (device == "simt") {
#if defined(SHCNN_HAVE_SIMT)
    return simt_backend(options);
#else
    not_built("simt");
#endif
  }
  if (const int ordinal = cuda_ordinal(device); ordinal >= 0) {
#if defined(SHCNN_HAVE_CUDA)
    return cuda_backend(ordinal, options);
#else
    not_built("cuda");
#endif
  }
  throw Error(ErrorKind::kUsage, kPlace, message("'", device, "' is none of 'cpu', 'simt', 'cuda', 'cuda:<ordinal>'"));
}

}  // namespace shcnn
