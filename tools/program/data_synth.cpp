// shcnn data synth faces: writes synthetic faces with seven expressions, in the layout of FER2013 or FER+.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "io/faces/dataset.h"
#include "io/faces/dataset_writers.h"
#include "io/synth/faces.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

namespace fs = std::filesystem;

struct SynthFacesArguments {
  std::string out;
  std::string layout = "csv";
  int count = 6000;
  bool contempt = false;
};

void run_synth_faces(const SynthFacesArguments& args, const Common& common) {
  const fs::path out(args.out);
  if (args.layout != "csv" && args.layout != "folders" && args.layout != "ferplus") {
    throw Failure(ExitCode::kUsage, fmt::format("--layout: '{}' is none of csv, folders, ferplus", args.layout));
  }
  refuse_overwriting(args.out, common);
  synth::FaceSynthOptions options;
  options.seed = common.seed;
  options.count = args.count;
  options.contempt = args.contempt;
  options.threads = common.threads;
  io::FaceSet faces;
  if (args.layout == "csv") {
    faces = synth::write_made_faces(out, options, io::Overwrite::kYes);
  } else {
    faces = synth::make_faces(options);
    if (args.layout == "folders") io::write_folders(out, faces, io::Overwrite::kYes);
    if (args.layout == "ferplus") io::write_ferplus_folders(out, faces, io::Overwrite::kYes);
  }

  Json counts = Json::object();
  for (const io::Usage usage : io::kUsages) {
    counts[std::string(io::usage_name(usage))] = faces.counts[static_cast<std::size_t>(usage)].rows;
  }
  if (common.json) {
    print_json(
        {{"schema", kSchema}, {"out", args.out}, {"images", faces.size()}, {"counts", counts}, {"seed", common.seed}});
  } else {
    fmt::print("{} made faces -> {}  (Training {}, PublicTest {}, PrivateTest {})\n", faces.size(), args.out,
               counts["Training"].get<int>(), counts["PublicTest"].get<int>(), counts["PrivateTest"].get<int>());
  }
}

}  // namespace

void add_data_synth(OptionSet& data, Common& common, Verbs& verbs) {
  OptionSet& synth =
      data.add_verb("synth", "Makes data: drawn, seeded, free of any real person.",
                    {"shcnn data synth faces --out DIR", "shcnn data synth clips --out DIR --layout casme2"});
  synth.require_verb();
  OptionSet& verb = synth.add_verb(
      "faces",
      "Draws 48 x 48 gray faces with seven expressions, 80/10/10 over Training, PublicTest and PrivateTest, as "
      "fer2013.csv\n"
      "and FER+ votes (fer2013new.csv), or as folders of images.",
      {"shcnn data synth faces --out DIR", "shcnn data synth faces --out DIR --count 20000 --seed 7 --layout folders"});
  auto args = std::make_shared<SynthFacesArguments>();
  verb.add_option("--out", args->out, "output folder");
  verb.add_option("--count", args->count, "number of faces").show_default().range(10, 1000000);
  verb.add_option("--layout", args->layout, "csv, folders (by class) or ferplus (FER+'s folders)").show_default();
  verb.add_flag("--contempt", args->contempt, "an eighth class in the votes of FER+; FER2013's labels call it neutral");
  add_threads(verb, common, "0 = every core this process may use");
  add_seed(verb, common);
  add_common(verb, common, false);
  verbs.push_back({&verb,
                   [&verb, args, &common] {
                     require_option(verb, "--out", "the folder to write");
                     run_synth_faces(*args, common);
                   },
                   {}});
  add_data_synth_clips(synth, common, verbs);
}

}  // namespace shcnn::program
