#include "io/samm.h"

#include <algorithm>

namespace shcnn::io {

const ClipConventions& samm_conventions() {
  static const ClipConventions kConventions = {ClipLayout::kSamm,
                                               {"samm"},
                                               {"casme", "long"},
                                               [](const std::string& text) { return padded_subject(text, "", 3); },
                                               [](const std::string& folder) {
                                                 return folder.size() == 3 &&
                                                        std::all_of(folder.begin(), folder.end(),
                                                                    [](char c) { return c >= '0' && c <= '9'; });
                                               },
                                               true};
  return kConventions;
}

ClipSet read_samm(const std::filesystem::path& folder, const ClipReadOptions& options) {
  return read_layout(samm_conventions(), folder, options);
}

}  // namespace shcnn::io
