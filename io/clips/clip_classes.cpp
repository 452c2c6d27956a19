#include "io/clips/clip_classes.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "io/clips/coding_table.h"
#include "io/files/text.h"
#include "io/formats/table.h"

namespace shcnn::io {
namespace {

ClassMap one_to_one(std::vector<std::string> classes) {
  ClassMap map;
  map.classes = std::move(classes);
  for (std::size_t c = 0; c < map.classes.size(); ++c) {
    map.emotions.emplace_back(map.classes[c], static_cast<std::int32_t>(c));
  }
  return map;
}

ClassMap three_classes() {
  ClassMap map;
  map.classes = {"negative", "positive", "surprise"};
  map.emotions = {{"anger", 0},   {"fear", 0},      {"disgust", 0}, {"contempt", 0},
                  {"sadness", 0}, {"happiness", 1}, {"surprise", 2}};
  return map;
}

/// Formats label counts, most frequent first: "'happiness' (12), 'fear' (3)".
std::string counted(const std::map<std::string, std::int64_t>& labels) {
  constexpr std::size_t kShown = 12;
  std::vector<std::pair<std::string, std::int64_t>> order(labels.begin(), labels.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string out;
  for (std::size_t i = 0; i < std::min(order.size(), kShown); ++i) {
    out += (out.empty() ? "'" : ", '") + printable(order[i].first, 24) + "' (" + std::to_string(order[i].second) + ")";
  }
  return out + (order.size() > kShown ? " and " + std::to_string(order.size() - kShown) + " more" : "");
}

std::string known_labels(const ClassMap& map) {
  std::string out;
  for (const auto& [emotion, label] : map.emotions) out += (out.empty() ? "'" : ", '") + printable(emotion, 24) + "'";
  return out;
}

}  // namespace

ClassMap class_map(std::string_view name, ClipLayout layout) {
  ClassMap map;
  if (name == "paper") {
    switch (layout) {
      case ClipLayout::kCasme:
        map = one_to_one({"disgust", "surprise", "repression", "tense", "happiness"});
        break;
      case ClipLayout::kCasme2:
        map = one_to_one({"happiness", "others", "repression", "surprise", "disgust"});
        break;
      case ClipLayout::kSamm:
        map = three_classes();
        break;
    }
  } else if (name == "composite") {
    map = three_classes();
    map.emotions.emplace_back("repression", 0);
  } else if (name == "all") {
    map.every_emotion = true;
  } else {
    throw Error(ErrorKind::kUsage, std::string(name), "", "is no class map",
                "use paper, composite or all, or name a .csv file with the columns emotion and class");
  }
  map.name = name;
  return map;
}

ClassMap read_class_map(const std::filesystem::path& path) {
  const Table table = read_tables(path).front();
  ClassMap map;
  map.name = path.stem().string();
  if (table.rows.empty() || lower_case(table.rows[0].cell(0)) != "emotion" ||
      lower_case(table.rows[0].cell(1)) != "class") {
    throw table.bad(1, "the header is not 'emotion,class'", "begin the file with that line");
  }
  for (std::size_t i = 1; i < table.rows.size(); ++i) {
    const TableRow& row = table.rows[i];
    const std::string emotion = emotion_word(row.cell(0)), name = row.cell(1);
    if (emotion.empty() || name.empty()) throw table.bad(row.number, "has no emotion or no class", "fill both cells");
    const bool twice = std::any_of(map.emotions.begin(), map.emotions.end(),
                                   [&](const auto& entry) { return entry.first == emotion; });
    if (twice)
      throw table.bad(row.number, "emotion '" + printable(emotion, 40) + "' has a class already", "remove the row");
    auto at = std::find(map.classes.begin(), map.classes.end(), name);
    if (at == map.classes.end()) at = map.classes.insert(map.classes.end(), name);
    map.emotions.emplace_back(emotion, static_cast<std::int32_t>(at - map.classes.begin()));
  }
  if (map.classes.size() < 2) throw table.bad(1, "fewer than two classes follow", "add rows");
  return map;
}

void apply_class_map(ClipSet& clips, const ClassMap& given) {
  ClassMap map = given;
  if (map.every_emotion) {
    std::set<std::string> words;
    for (const Clip& clip : clips.clips) words.insert(clip.emotion);
    const std::string name = map.name;
    map = one_to_one({words.begin(), words.end()});
    map.name = name;
  }
  std::map<std::string, std::int64_t> labels;
  for (const Clip& clip : clips.clips) ++labels[clip.emotion];
  std::vector<Clip> kept;
  std::vector<std::int64_t> per_class(map.classes.size(), 0);
  for (Clip& clip : clips.clips) {
    const auto entry =
        std::find_if(map.emotions.begin(), map.emotions.end(), [&](const auto& e) { return e.first == clip.emotion; });
    if (entry == map.emotions.end()) {
      ++clips.dropped["class " + clip.emotion];
      continue;
    }
    clip.label = entry->second;
    ++per_class[static_cast<std::size_t>(clip.label)];
    kept.push_back(std::move(clip));
  }
  clips.clips = std::move(kept);
  clips.class_names = map.classes;
  clips.rule = map.name;
  if (std::count_if(per_class.begin(), per_class.end(), [](std::int64_t n) { return n > 0; }) < 2) {
    throw Error(ErrorKind::kBadData, clips.coding_file, "",
                "fewer than two classes of map '" + map.name + "' have clips; the labels found are " + counted(labels) +
                    ", the map knows " + known_labels(map),
                "choose another with --classes, or give it a .csv file with the columns emotion and class that names "
                "these labels");
  }
}

ExpectedClips expected_clips(ClipLayout layout, std::string_view map_name) {
  if (map_name == "paper") {
    switch (layout) {
      case ClipLayout::kCasme:
        return {180, 19, {44, 20, 38, 69, 9}, {}};
      case ClipLayout::kCasme2:
        return {246, 26, {32, 99, 27, 25, 63}, {2319, 6336, 2150, 1514, 4153}};
      case ClipLayout::kSamm:
        return {133, 0, {92, 26, 15}, {}};
    }
  }
  if (map_name == "composite" && layout == ClipLayout::kSamm) return {133, 0, {92, 26, 15}, {}};
  return {};
}

}  // namespace shcnn::io
