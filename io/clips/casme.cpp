#include "io/clips/casme.h"

namespace shcnn::io {

const ClipConventions& casme_conventions() {
  static const ClipConventions kConventions = {ClipLayout::kCasme,
                                               {"casme", "coding"},
                                               {"casme2", "casmeii", "samm", "casme3"},
                                               sub_folder,
                                               is_worded_subject,
                                               [](const std::string& text) { return text; },
                                               false};
  return kConventions;
}

ClipSet read_casme(const std::filesystem::path& folder, const ClipReadOptions& options) {
  return read_layout(casme_conventions(), folder, options);
}

}  // namespace shcnn::io
