#include "io/clips/clip_places.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "io/clips/coding_table.h"
#include "io/files/folder_entries.h"
#include "io/files/natural_less.h"
#include "io/files/text.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;

constexpr int kSearchDepth = 4;          ///< levels below the given folder that are searched for subjects' folders
constexpr std::size_t kMostTables = 16;  ///< maximum number of tables opened to look for a coding file's header

/// Collects errors of subfolders that cannot be listed. Such folders may not belong to the data set, so the first error
/// is thrown only if nothing was found without them.
struct ClosedFolders {
  std::vector<Error> errors;

  std::vector<fs::path> subfolders_of(const fs::path& folder) {
    try {
      return subfolders(folder);
    } catch (const Error& error) {
      errors.push_back(error);
      return {};
    }
  }
  void throw_first() const {
    if (!errors.empty()) throw errors.front();
  }
};

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> out = folder_entries(folder);
  std::sort(out.begin(), out.end(),
            [](const fs::path& a, const fs::path& b) { return natural_less(a.string(), b.string()); });
  return out;
}

bool holds(const std::string& text, const std::vector<std::string>& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](const std::string& part) { return text.find(part) != std::string::npos; });
}

/// Excel creates a lock file "~$NAME" next to an open workbook.
bool is_lock_file(const fs::path& path) { return path.filename().string().starts_with("~$"); }

bool is_readable_table(const fs::path& path) {
  const std::string ending = lower_case(path.extension().string());
  return ending == ".xlsx" || ending == ".csv";
}

bool is_named_after(const fs::path& path, const ClipConventions& conventions) {
  const std::string name = letters_and_digits(path.stem().string());
  return holds(name, conventions.coding_names) && !holds(name, conventions.not_coding);
}

/// Files in `place` whose names are those of a coding file.
std::vector<fs::path> named_tables(const fs::path& place, const ClipConventions& conventions) {
  std::vector<fs::path> out = tables_in(place);
  std::erase_if(out,
                [&](const fs::path& path) { return !is_readable_table(path) || !is_named_after(path, conventions); });
  return out;
}

/// Files whose names are those of a coding file: in the folder itself, else one level below it.
std::vector<fs::path> coding_candidates(const fs::path& folder, const ClipConventions& conventions,
                                        ClosedFolders& closed) {
  std::vector<fs::path> out = named_tables(folder, conventions);
  if (!out.empty()) return out;
  std::size_t looked_at = 0;
  constexpr std::size_t kMostFolders = 64;
  for (const fs::path& below : closed.subfolders_of(folder)) {
    if (conventions.is_subject(below.filename().string()) || ++looked_at > kMostFolders) continue;
    try {
      const std::vector<fs::path> found = named_tables(below, conventions);
      out.insert(out.end(), found.begin(), found.end());
    } catch (const Error& error) {
      closed.errors.push_back(error);
    }
  }
  return out;
}

/// Tables of any name that have a coding file's header.
std::vector<fs::path> tables_with_header(const fs::path& folder, const ClipConventions& conventions) {
  std::vector<fs::path> out;
  std::size_t opened = 0;
  for (const fs::path& path : tables_in(folder)) {
    if (!is_readable_table(path) || holds(letters_and_digits(path.stem().string()), conventions.not_coding)) continue;
    if (++opened > kMostTables) break;
    try {
      read_coding_table(path);
      out.push_back(path);
    } catch (const Error&) {  // not a coding file
    }
  }
  return out;
}

/// Finds the folders that hold at least one subject's folder with clip folders in it.
void find_roots(const fs::path& folder, const ClipConventions& conventions, int depth, ClosedFolders& closed,
                std::vector<fs::path>& out) {
  const std::vector<fs::path> below = closed.subfolders_of(folder);
  if (std::any_of(below.begin(), below.end(), [&](const fs::path& path) {
        return conventions.is_subject(path.filename().string()) && !closed.subfolders_of(path).empty();
      })) {
    out.push_back(folder);
    return;
  }
  if (depth == 0) return;
  for (const fs::path& path : below) find_roots(path, conventions, depth - 1, closed, out);
}

std::string list_of_names(const std::vector<fs::path>& paths) {
  std::string out;
  for (const fs::path& path : paths) out += (out.empty() ? "'" : ", '") + path.filename().string() + "'";
  return out;
}

/// The last number in a text; -1 if there is none or it has more than nine digits.
std::int64_t number_in(const std::string& text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t end = text.size();
  while (end > 0 && !is_digit(text[end - 1])) --end;
  std::size_t begin = end;
  while (begin > 0 && is_digit(text[begin - 1])) --begin;
  std::int64_t value = -1;
  if (begin == end || !parse_integer(text.substr(begin, end - begin), 0, 999999999, value)) return -1;
  return value;
}

}  // namespace

std::string letters_and_digits(std::string_view text) {
  std::string out;
  for (const char c : lower_case(text)) {
    const bool beyond_ascii = static_cast<unsigned char>(c) >= 0x80;
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || beyond_ascii) out += c;
  }
  return out;
}

std::vector<fs::path> subfolders(const fs::path& folder) { return only_folders(sorted_entries(folder)); }

std::string padded_subject(const std::string& text, const std::string& prefix, int width) {
  const std::int64_t number = frame_number(text).value_or(number_in(text));  // a csv file may hold "1.0"
  if (number < 0) return text;
  std::string digits = std::to_string(number);
  if (digits.size() < static_cast<std::size_t>(width))
    digits.insert(0, static_cast<std::size_t>(width) - digits.size(), '0');
  return prefix + digits;
}

std::string sub_folder(const std::string& text) { return padded_subject(text, "sub", 2); }

bool is_worded_subject(const std::string& folder) {
  const std::string name = letters_and_digits(folder);
  if (name.starts_with("sub")) {  // the sheet may also use letters for subjects: "subA"
    return name != "sub" && name != "subs" && name != "subject" && name != "subjects";
  }
  return name.size() > 1 && name.starts_with('s') && name.find_first_not_of("0123456789", 1) == std::string::npos;
}

std::vector<fs::path> tables_in(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const fs::path& path : sorted_entries(folder)) {
    const bool table = is_readable_table(path) || lower_case(path.extension().string()) == ".xls";
    if (table && !is_lock_file(path) && fs::is_regular_file(status_of(path))) out.push_back(path);
  }
  return out;
}

fs::path choose_root(const fs::path& folder, const ClipConventions& conventions, const ClipReadOptions& options,
                     std::vector<Problem>& problems) {
  ClosedFolders closed;
  std::vector<fs::path> roots;
  find_roots(folder, conventions, kSearchDepth, closed, roots);
  if (roots.empty()) {
    closed.throw_first();
    throw Error(ErrorKind::kBadData, folder, "", "holds no folders of subjects",
                "name the folder that holds " + conventions.subject_folder("1") + ", " +
                    conventions.subject_folder("2") + " and so on, or one above it");
  }
  const auto with = [&](const std::string& part) {
    return std::find_if(roots.begin(), roots.end(), [&](const fs::path& root) {
      return lower_case(root.lexically_relative(folder).string()).find(part) != std::string::npos;
    });
  };
  if (!options.frames.empty()) {
    const auto asked = with(lower_case(options.frames));
    if (asked == roots.end()) {
      std::string names;
      for (const fs::path& root : roots)
        names += (names.empty() ? "" : ", ") + root.lexically_relative(folder).string();
      throw Error(ErrorKind::kBadData, folder, "", "no folder of subjects has '" + options.frames + "' in its path",
                  "use one of: " + names);
    }
    return *asked;
  }
  const auto cropped = with("crop");
  const fs::path chosen = cropped != roots.end() ? *cropped : roots.front();
  if (roots.size() > 1) {
    problems.push_back({folder.string(),
                        "has " + std::to_string(roots.size()) + " folders of subjects; '" +
                            chosen.lexically_relative(folder).string() + "' is read",
                        "name another with --frames"});
  }
  return chosen;
}

fs::path choose_coding(const fs::path& folder, const ClipConventions& conventions, const ClipReadOptions& options,
                       std::vector<Problem>& problems) {
  if (!options.coding_file.empty()) return options.coding_file;
  ClosedFolders closed;
  std::vector<fs::path> found = coding_candidates(folder, conventions, closed);
  if (found.empty() && folder.has_parent_path()) {
    const fs::path parent = fs::absolute(folder).lexically_normal().parent_path();
    try {
      found = named_tables(parent, conventions);  // `folder` may be the frames' folder, with the sheet next to it
    } catch (const Error& error) {
      closed.errors.push_back(error);
    }
  }
  const std::string layout(layout_name(conventions.layout));
  if (found.empty()) {
    found = tables_with_header(folder, conventions);
    if (found.size() == 1) {
      problems.push_back({folder.string(),
                          "holds no coding file that is named after " + layout + "; '" +
                              found.front().filename().string() + "' has its header and is read",
                          "name it, or another, as the coding file"});
      return found.front();
    }
    if (found.size() > 1) {
      throw Error(ErrorKind::kBadData, folder, "",
                  "holds several tables that may be the coding file of " + layout + ": " + list_of_names(found),
                  "name one with --coding");
    }
    closed.throw_first();
    const std::vector<fs::path> tables = tables_in(folder);
    const bool old =
        std::any_of(tables.begin(), tables.end(), [](const fs::path& path) { return !is_readable_table(path); });
    throw Error(
        ErrorKind::kBadData, folder, "",
        "holds no coding file (.xlsx or .csv) of " + layout + (tables.empty() ? "" : ", only " + list_of_names(tables)),
        old ? "open the old .xls workbook in a spreadsheet program and save it as .xlsx"
            : "put it there, or name it with --coding");
  }
  // choose the newest: "updated" wins over dates, later dates over earlier ones
  const auto older = [](const fs::path& a, const fs::path& b) {
    const std::string x = lower_case(a.filename().string()), y = lower_case(b.filename().string());
    const bool updated_x = x.find("updated") != std::string::npos, updated_y = y.find("updated") != std::string::npos;
    if (updated_x != updated_y) return updated_y;
    return natural_less(x, y);
  };
  const fs::path chosen = *std::max_element(found.begin(), found.end(), older);
  if (found.size() > 1) {
    problems.push_back(
        {folder.string(),
         "has " + std::to_string(found.size()) + " coding files; '" + chosen.filename().string() + "' is read",
         "name another with --coding"});
  }
  return chosen;
}

bool looks_like(const fs::path& folder, const ClipConventions& conventions) {
  if (!fs::is_directory(status_of(folder))) return false;
  ClosedFolders closed;
  if (coding_candidates(folder, conventions, closed).empty()) return false;
  std::vector<fs::path> roots;
  find_roots(folder, conventions, kSearchDepth, closed, roots);
  if (roots.empty()) closed.throw_first();
  return !roots.empty();
}

std::optional<fs::path> first_clip(const fs::path& folder, const ClipConventions& conventions) {
  ClosedFolders closed;
  std::vector<fs::path> roots;
  find_roots(folder, conventions, kSearchDepth, closed, roots);
  for (const fs::path& root : roots) {
    for (const fs::path& subject : closed.subfolders_of(root)) {
      if (!conventions.is_subject(subject.filename().string())) continue;
      const std::vector<fs::path> clips = closed.subfolders_of(subject);
      if (!clips.empty()) return clips.front().lexically_relative(folder);
    }
  }
  return std::nullopt;
}

}  // namespace shcnn::io
