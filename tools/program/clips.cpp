#include "tools/program/clips.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "io/clips/clip_check.h"
#include "io/clips/clip_classes.h"
#include "io/files/error.h"
#include "tools/program/datasets.h"
#include "tools/program/progress.h"

namespace shcnn::program {
namespace {

bool is_file_of_classes(const std::string& classes) {
  const std::string ending = std::filesystem::path(classes).extension().string();
  return ending == ".csv" || ending == ".xlsx";
}

}  // namespace

void add_clip_options(OptionSet& verb, ClipChoice& choice) {
  verb.add_option("--coding", choice.coding, "coding file (.xlsx or .csv), if it is not in the folder").show_default();
  verb.add_option("--frames", choice.frames, "part of the path of the folder of subjects to use: Cropped, RAW, ...")
      .show_default();
  verb.add_option("--span", choice.span, "frames to use: coded (onset to offset) or folder (all)").show_default();
  verb.add_option("--classes", choice.classes,
                  "paper, composite (MEGC's three), all, or a .csv file with the columns emotion and class")
      .show_default();
}

namespace {

/// The layout given by --dataset, or else detected from the coding file's name.
io::ClipLayout layout_of(const ClipChoice& choice) {
  if (!choice.dataset.empty()) return io::layout_from_name(choice.dataset);
  try {
    return io::layout_at(choice.data);
  } catch (const io::Error& error) {
    if (error.kind() != io::ErrorKind::kBadData) throw;
    const auto seen = io::unnamed_clips_at(choice.data);
    if (!seen) throw;
    std::vector<std::string> layouts, tables;
    for (const io::ClipLayout layout : seen->layouts)
      layouts.push_back(fmt::format("--dataset {}", io::layout_name(layout)));
    for (const std::string& table : seen->tables) tables.push_back("'" + io::printable(table, 60) + "'");
    throw Failure(
        ExitCode::kBadData,
        fmt::format("{}: holds clips in folders of subjects ('{}'), but no coding file that is named after "
                    "CASME, CASME II or SAMM; tables here: {}; use {} and, where it is another file, --coding",
                    choice.data, io::printable(seen->example.string(), 80),
                    tables.empty() ? "none" : fmt::format("{}", fmt::join(tables, ", ")), fmt::join(layouts, " or ")));
  }
}

io::ClipSet read_clips_of(const ClipChoice& choice, io::ClipLayout layout) {
  io::ClipReadOptions options;
  options.coding_file = choice.coding;
  options.frames = choice.frames;
  if (choice.span != "coded" && choice.span != "folder") {
    throw Failure(ExitCode::kUsage, fmt::format("--span: '{}' is neither coded nor folder", choice.span));
  }
  options.span = choice.span == "coded" ? io::ClipSpan::kCoded : io::ClipSpan::kFolder;
  return io::read_clips(layout, choice.data, options);
}

io::ClassMap class_map_of(const ClipChoice& choice, io::ClipLayout layout) {
  return is_file_of_classes(choice.classes) ? io::read_class_map(choice.classes)
                                            : io::class_map(choice.classes, layout);
}

/// Decodes every frame and shows the progress.
io::FrameCheck check_frames_of(const io::ClipSet& clips, const Common& common) {
  Progress progress("decoding", "frames", common.talkative());
  return io::check_frames(clips, [&](std::int64_t done, std::int64_t total) { progress.show(done, total); });
}

}  // namespace

bool holds_clips(const std::string& folder) {
  try {
    io::layout_at(folder);
    return true;
  } catch (const io::Error& error) {
    if (error.kind() != io::ErrorKind::kBadData) throw;
  }
  return datasets_at(folder) == std::vector<std::string>{"faces"} && io::unnamed_clips_at(folder);
}

io::ClipSet load_clips(const ClipChoice& choice) {
  const io::ClipLayout layout = layout_of(choice);
  const io::ClassMap map = class_map_of(choice, layout);
  io::ClipSet clips = read_clips_of(choice, layout);
  io::apply_class_map(clips, map);
  return clips;
}

Json clip_facts(const ClipChoice& choice, const Common& common) {
  const io::ClipLayout layout = layout_of(choice);
  const io::ClassMap map = class_map_of(choice, layout);
  io::ClipSet clips = read_clips_of(choice, layout);
  const io::ClipSet every = clips;  // includes clips whose label has no class in this map
  io::apply_class_map(clips, map);
  const io::FrameCheck check = check_frames_of(every, common);
  const io::ExpectedClips expected = io::expected_clips(clips.layout, clips.rule);
  const std::size_t n = clips.class_names.size();
  std::vector<std::int64_t> videos(n, 0), frames(n, 0);
  std::vector<std::set<std::string>> subjects(n);
  for (const io::Clip& clip : clips.clips) {
    const auto c = static_cast<std::size_t>(clip.label);
    ++videos[c];
    frames[c] += clip.span();
    subjects[c].insert(clip.subject);
  }
  Json classes = Json::array();
  for (std::size_t c = 0; c < n; ++c) {
    Json one = {{"class", clips.class_names[c]},
                {"videos", videos[c]},
                {"frames", frames[c]},
                {"subjects", subjects[c].size()}};
    if (c < expected.videos_per_class.size()) one["expected_videos"] = expected.videos_per_class[c];
    if (c < expected.frames_per_class.size()) one["expected_frames"] = expected.frames_per_class[c];
    classes.push_back(one);
  }
  Json problems = Json::array();
  clips.problems.insert(clips.problems.end(), check.problems.begin(), check.problems.end());
  for (const io::Problem& p : clips.problems) {
    problems.push_back({{"place", p.place}, {"message", p.message}, {"mend", p.remedy}});
  }
  Json out = {{"dataset", io::layout_name(clips.layout)},
              {"coding_file", clips.coding_file.filename().string()},
              {"frames", clips.folder.lexically_relative(choice.data).string()},
              {"classes_of", clips.rule},
              {"rows", clips.rows},
              {"videos", clips.clips.size()},
              {"subjects", clips.subjects().size()},
              {"frames_in_all", clips.frame_count()}};
  if (expected.videos > 0) out["expected_videos"] = expected.videos;
  if (expected.subjects > 0) out["expected_subjects"] = expected.subjects;
  out["decoded"] = {{"frames", check.frames},
                    {"unreadable", check.unreadable},
                    {"other_size", check.other_size},
                    {"clips", check.clips}};
  out["classes"] = classes;
  out["dropped"] = clips.dropped;
  out["problems"] = problems;
  return out;
}

void print_clip_facts(const Json& facts) {
  const auto beside = [](const Json& object, const char* key) {
    return object.contains(key) ? fmt::format(" (published: {})", object[key].get<std::int64_t>()) : std::string();
  };
  fmt::print("{}: {} with frames in {}, classes '{}'\n", facts["dataset"].get<std::string>(),
             facts["coding_file"].get<std::string>(), facts["frames"].get<std::string>(),
             facts["classes_of"].get<std::string>());
  fmt::print("  {} rows; {} videos{} of {} subjects{}, {} frames\n", facts["rows"].get<std::int64_t>(),
             facts["videos"].get<std::int64_t>(), beside(facts, "expected_videos"),
             facts["subjects"].get<std::int64_t>(), beside(facts, "expected_subjects"),
             facts["frames_in_all"].get<std::int64_t>());
  for (const Json& c : facts["classes"]) {
    fmt::print("  {:<12} {:>4} videos{} of {} subjects, {} frames{}\n", c["class"].get<std::string>(),
               c["videos"].get<std::int64_t>(), beside(c, "expected_videos"), c["subjects"].get<std::int64_t>(),
               c["frames"].get<std::int64_t>(), beside(c, "expected_frames"));
  }
  const Json& decoded = facts["decoded"];
  fmt::print("  {} frames decoded: {} cannot be read, {} have another size than most of their clip\n",
             decoded["frames"].get<std::int64_t>(), decoded["unreadable"].get<std::int64_t>(),
             decoded["other_size"].get<std::int64_t>());
  for (const auto& [reason, count] : facts["dropped"].items()) {
    fmt::print("  left out: {} ({})\n", count.get<std::int64_t>(), reason);
  }
  for (const Json& p : facts["problems"]) {
    fmt::print("  note: {}: {}; {}\n", p["place"].get<std::string>(), p["message"].get<std::string>(),
               p["mend"].get<std::string>());
  }
}

void refuse_bad_frames(const ClipChoice& choice, const Json& facts) {
  const Json& decoded = facts["decoded"];
  const auto unreadable = decoded["unreadable"].get<std::int64_t>(), other = decoded["other_size"].get<std::int64_t>();
  if (unreadable + other == 0) return;
  throw Failure(ExitCode::kBadData,
                fmt::format("{}: {} of {} frames in {} clips cannot be used, and loso would stop at them: {} cannot be "
                            "read, {} have another size; the notes name them: copy them again",
                            choice.data, unreadable + other, decoded["frames"].get<std::int64_t>(),
                            decoded["clips"].get<std::int64_t>(), unreadable, other));
}

}  // namespace shcnn::program
