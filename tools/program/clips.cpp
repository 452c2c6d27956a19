#include "tools/program/clips.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "io/clip_classes.h"

namespace shcnn::program {
namespace {

bool is_file_of_classes(const std::string& classes) {
  const std::string ending = std::filesystem::path(classes).extension().string();
  return ending == ".csv" || ending == ".xlsx";
}

}  // namespace

void add_clip_options(OptionSet& verb, ClipChoice& choice) {
  verb.add_option("--coding", choice.coding, "coding file (.xlsx or .csv), where the folder does not hold it")
      .show_default();
  verb.add_option("--frames", choice.frames, "which folder of subjects, by a part of its path: Cropped, RAW, ...")
      .show_default();
  verb.add_option("--span", choice.span, "coded: onset to offset; folder: every frame of a clip's folder")
      .show_default();
  verb.add_option("--classes", choice.classes,
                  "paper, composite (MEGC's three), all, or a .csv file with the columns emotion and class")
      .show_default();
}

io::ClipSet load_clips(const ClipChoice& choice) {
  io::ClipReadOptions options;
  options.coding_file = choice.coding;
  options.frames = choice.frames;
  if (choice.span != "coded" && choice.span != "folder") {
    throw Failure(ExitCode::kUsage, fmt::format("--span: '{}' is neither coded nor folder", choice.span));
  }
  options.span = choice.span == "coded" ? io::ClipSpan::kCoded : io::ClipSpan::kFolder;
  const io::ClipLayout layout =
      choice.dataset.empty() ? io::layout_at(choice.data) : io::layout_from_name(choice.dataset);
  const io::ClassMap map =
      is_file_of_classes(choice.classes) ? io::read_class_map(choice.classes) : io::class_map(choice.classes, layout);
  io::ClipSet clips = io::read_clips(layout, choice.data, options);
  io::apply_class_map(clips, map);
  return clips;
}

Json clip_facts(const ClipChoice& choice) {
  const io::ClipSet clips = load_clips(choice);
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
  for (const io::Problem& p : clips.problems) {
    problems.push_back({{"place", p.place}, {"message", p.message}, {"mend", p.mend}});
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
  for (const auto& [reason, count] : facts["dropped"].items()) {
    fmt::print("  left out: {} ({})\n", count.get<std::int64_t>(), reason);
  }
  for (const Json& p : facts["problems"]) {
    fmt::print("  note: {}: {}; {}\n", p["place"].get<std::string>(), p["message"].get<std::string>(),
               p["mend"].get<std::string>());
  }
}

}  // namespace shcnn::program
