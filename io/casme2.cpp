#include "io/casme2.h"

#include "io/csv.h"

namespace shcnn::io {

const ClipConventions& casme2_conventions() {
  static const ClipConventions kConventions = {
      ClipLayout::kCasme2,
      {"casme2", "casmeii"},
      {"samm", "casme3"},
      sub_folder,
      [](const std::string& folder) { return lower_case(folder).starts_with("sub"); },
      false};
  return kConventions;
}

ClipSet read_casme2(const std::filesystem::path& folder, const ClipReadOptions& options) {
  return read_layout(casme2_conventions(), folder, options);
}

}  // namespace shcnn::io
