// shcnn data synth clips: writes synthetic clips with small, known motion, in the layout of CASME, CASME II or SAMM.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "io/synth/clips.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

struct SynthClipsArguments {
  std::string out, layout = "casme2", faces;
  synth::ClipSynthOptions options;
  std::vector<int> frames = {10, 16};
  std::vector<double> peak = {0.6, 2.0};
};

void run_synth_clips(SynthClipsArguments args, const Common& common) {
  refuse_overwriting(args.out, common);
  synth::ClipSynthOptions options = args.options;
  options.layout = io::layout_from_name(args.layout);
  options.seed = common.seed;
  options.threads = common.threads;
  options.least_frames = args.frames.front();
  options.most_frames = args.frames.back();
  options.least_peak = args.peak.front();
  options.most_peak = args.peak.back();
  options.faces = args.faces;
  if (common.force) std::filesystem::remove_all(std::filesystem::path(args.out) / "truth");
  const synth::MadeClips made = synth::write_made_clips(args.out, options, io::Overwrite::kYes);
  if (common.json) {
    Json holes = Json::array();
    for (const synth::PlantedHole& hole : made.holes) holes.push_back({{"clip", hole.clip}, {"what", hole.what}});
    print_json({{"schema", kSchema},
                {"out", args.out},
                {"layout", args.layout},
                {"clips", made.clips},
                {"frames", made.frames},
                {"subjects", options.subjects},
                {"holes", holes},
                {"seed", common.seed}});
    return;
  }
  fmt::print("{} made clips, {} frames, {} subjects -> {}  (layout {}", made.clips, made.frames, options.subjects,
             args.out, args.layout);
  if (!made.holes.empty()) fmt::print(", {} holes: holes.csv lists them", made.holes.size());
  fmt::print(")\n");
}

}  // namespace

void add_data_synth_clips(OptionSet& synth, Common& common, Verbs& verbs) {
  OptionSet& verb = synth.add_verb(
      "clips",
      "Draws clips of faces that move by 0.3 to 2 px, from onset over apex to offset, in the layout of CASME, CASME "
      "II\n"
      "or SAMM with its coding file. truth/ holds the true motion from the first frame to the apex as .flo files, and\n"
      "clips.png shows onset, apex and offset of some of them with their difference from the onset, eightfold.",
      {"shcnn data synth clips --out DIR --layout casme2", "shcnn data synth clips --out DIR --layout samm --holes",
       "shcnn data synth clips --out DIR --layout casme --subjects 12 --clips 200 --peak 0.3 1.0"});
  auto args = std::make_shared<SynthClipsArguments>();
  synth::ClipSynthOptions& o = args->options;
  verb.add_option("--out", args->out, "output folder");
  verb.add_option("--layout", args->layout, "casme, casme2 or samm").show_default();
  verb.add_option("--subjects", o.subjects, "number of subjects").show_default();
  verb.add_option("--clips", o.clips, "number of clips").show_default();
  verb.add_option("--size", o.size, "width and height of a frame in pixels").show_default();
  verb.add_option("--frames", args->frames, "minimum and maximum number of frames per clip").values(2).show_default();
  verb.add_option("--peak", args->peak, "minimum and maximum motion at the apex, in pixels of a 120 x 120 frame")
      .values(2)
      .show_default();
  verb.add_option("--faces", args->faces, "folder of face images to move instead of drawn faces, one per subject");
  verb.add_flag("--holes", o.holes, "add clips with the defects of the real data set");
  verb.add_flag("--csv", o.csv, "write the coding file as .csv instead of .xlsx");
  add_threads(verb, common, "0 = every core this process may use");
  add_seed(verb, common);
  add_common(verb, common, false);
  verbs.push_back({&verb,
                   [&verb, args, &common] {
                     require_option(verb, "--out", "the folder to write");
                     run_synth_clips(*args, common);
                   },
                   {}});
}

}  // namespace shcnn::program
