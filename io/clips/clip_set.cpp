#include "io/clips/clip_set.h"

#include <algorithm>
#include <array>
#include <set>

#include "io/clips/casme.h"
#include "io/clips/casme2.h"
#include "io/clips/clip_folders.h"
#include "io/clips/samm.h"
#include "io/files/error.h"
#include "io/files/memory.h"
#include "io/files/natural_less.h"

namespace shcnn::io {

std::string_view layout_name(ClipLayout layout) {
  switch (layout) {
    case ClipLayout::kCasme:
      return "casme";
    case ClipLayout::kCasme2:
      return "casme2";
    case ClipLayout::kSamm:
      return "samm";
  }
  return "";
}

ClipLayout layout_from_name(std::string_view name) {
  for (const ClipLayout layout : {ClipLayout::kCasme, ClipLayout::kCasme2, ClipLayout::kSamm}) {
    if (name == layout_name(layout)) return layout;
  }
  throw Error(ErrorKind::kUsage, std::string(name), "", "is no data set of clips", "use casme, casme2 or samm");
}

std::vector<std::string> ClipSet::subjects() const {
  std::set<std::string> names;
  for (const Clip& clip : clips) names.insert(clip.subject);
  std::vector<std::string> out(names.begin(), names.end());
  std::sort(out.begin(), out.end(), natural_less);
  return out;
}

std::int64_t ClipSet::frame_count() const {
  std::int64_t sum = 0;
  for (const Clip& clip : clips) sum += clip.span();
  return sum;
}

namespace {

const ClipConventions& conventions_of(ClipLayout layout) {
  return layout == ClipLayout::kCasme2 ? casme2_conventions()
         : layout == ClipLayout::kSamm ? samm_conventions()
                                       : casme_conventions();
}

}  // namespace

ClipSet read_clips(ClipLayout layout, const std::filesystem::path& folder, const ClipReadOptions& options) {
  return with_memory_for(folder, [&] { return read_layout(conventions_of(layout), folder, options); });
}

ClipLayout layout_at(const std::filesystem::path& folder) {
  // The coding file's name identifies the data set. CASME comes last because it also accepts any name with "coding".
  for (const ClipLayout layout : {ClipLayout::kCasme2, ClipLayout::kSamm, ClipLayout::kCasme}) {
    if (looks_like(folder, conventions_of(layout))) return layout;
  }
  throw Error(ErrorKind::kBadData, folder, "", "holds no coding file of CASME, CASME II or SAMM beside frames",
              "name the folder that holds both, or say which layout it is");
}

std::optional<UnnamedClips> unnamed_clips_at(const std::filesystem::path& folder) {
  // grouped by the names of their subjects' folders
  const std::array<std::vector<ClipLayout>, 2> alike = {
      {{ClipLayout::kCasme2, ClipLayout::kCasme}, {ClipLayout::kSamm}}};
  for (const std::vector<ClipLayout>& layouts : alike) {
    if (const auto clip = first_clip(folder, conventions_of(layouts.front()))) {
      UnnamedClips out{*clip, layouts, {}};
      for (const std::filesystem::path& table : tables_in(folder)) out.tables.push_back(table.filename().string());
      return out;
    }
  }
  return std::nullopt;
}

}  // namespace shcnn::io
