#include "io/clips/casme2.h"

namespace shcnn::io {

const ClipConventions& casme2_conventions() {
  static const ClipConventions kConventions = {ClipLayout::kCasme2,
                                               {"casme2", "casmeii"},
                                               {"samm", "casme3"},
                                               sub_folder,
                                               is_worded_subject,
                                               [](const std::string& text) { return text; },
                                               false};
  return kConventions;
}

ClipSet read_casme2(const std::filesystem::path& folder, const ClipReadOptions& options) {
  return read_layout(casme2_conventions(), folder, options);
}

}  // namespace shcnn::io
