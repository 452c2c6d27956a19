#include "io/clips/samm.h"

#include <algorithm>

namespace shcnn::io {
namespace {

constexpr std::size_t kSubjectDigits = 3;

std::string subject(const std::string& text) { return padded_subject(text, "", kSubjectDigits); }

bool is_subject(const std::string& folder) {
  return !folder.empty() && folder.size() <= kSubjectDigits &&
         std::all_of(folder.begin(), folder.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Pads the subject number at the beginning of a clip's name: "6_1_7" -> "006_1_7".
std::string clip_name(const std::string& text) {
  const std::string number = text.substr(0, text.find('_'));
  return is_subject(number) && number.size() < text.size() ? subject(number) + text.substr(number.size()) : text;
}

}  // namespace

const ClipConventions& samm_conventions() {
  static const ClipConventions kConventions = {ClipLayout::kSamm, {"samm"}, {"casme", "long"}, subject, is_subject,
                                               clip_name,         true};
  return kConventions;
}

ClipSet read_samm(const std::filesystem::path& folder, const ClipReadOptions& options) {
  return read_layout(samm_conventions(), folder, options);
}

}  // namespace shcnn::io
