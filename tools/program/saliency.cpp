// shcnn saliency: maps which pixels raise or lower the score of a class, and reports whether the maps have vanished.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <span>

#include "io/files/output_folder.h"
#include "io/formats/npy.h"
#include "tools/program/progress.h"
#include "tools/program/saliency_inputs.h"
#include "tools/program/saliency_panel.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

constexpr double kVanished = 1e-8;  ///< the paper's example of a vanished gradient

struct Arguments : SaliencyArguments {
  std::string of_class;
};

/// Counts how many maps have vanished.
struct Tally {
  std::int64_t maps = 0, vanished = 0, all_zero = 0;
  double smallest = 0;  ///< minimum over the maps of their largest gradient
  void add(const MapFacts& facts) {
    smallest = maps == 0 ? facts.largest : std::min(smallest, facts.largest);
    ++maps;
    vanished += facts.largest < kVanished;
    all_zero += facts.zeros == facts.values;
  }
  Json json() const {
    const double share = maps ? static_cast<double>(vanished) / static_cast<double>(maps) : 0;
    return {{"largest_below_1e-8", vanished}, {"share", share}, {"all_zero", all_zero}, {"smallest_largest", smallest}};
  }
};

Json facts_json(const MapFacts& facts) {
  return {{"largest", facts.largest},
          {"zeros", facts.zeros},
          {"zero_share", facts.zero_share()},
          {"denormal_share", facts.denormal_share()},
          {"values", facts.values}};
}

template <class T>
class SaliencyRun {
 public:
  SaliencyRun(const Arguments& args, const Weights& weights, const SaliencyInputs& inputs, const Common& common)
      : args_(args),
        weights_(weights),
        inputs_(inputs),
        common_(common),
        machine_(weights, inputs, args.batch, common) {}

  void run() {
    if (!args_.out.empty()) io::make_output_folder(args_.out);
    Progress progress("mapping", "images", common_.talkative());
    const std::int64_t pass = machine_.mapper().images_per_pass();
    for (std::int64_t first = 0; first < inputs_.count(); first += pass) {
      const std::int64_t images = std::min(pass, inputs_.count() - first);
      SaliencyRequest request;
      if (!args_.of_class.empty()) {
        request.classes.assign(static_cast<std::size_t>(images), class_number(weights_.class_names, args_.of_class));
      }
      const SaliencyMaps<T> maps =
          naming_images(inputs_, first, [&] { return machine_.mapper().run(inputs_.image(first), images, request); });
      for (std::int64_t i = 0; i < images; ++i) tell(maps, i, first + i);
      progress.show(first + images, inputs_.count());
    }
    progress.clear();
    finish();
  }

 private:
  void tell(const SaliencyMaps<T>& maps, std::int64_t i, std::int64_t image) {
    const MapFacts original = facts_of(maps.original_of(i), maps.values());
    const MapFacts improved = facts_of(maps.improved_of(i), maps.values());
    original_.add(original);
    improved_.add(improved);
    const auto& names = weights_.class_names;
    const std::string& name = inputs_.names[static_cast<std::size_t>(image)];
    const std::string& predicted = names[static_cast<std::size_t>(maps.predicted[static_cast<std::size_t>(i)])];
    const std::string& target = names[static_cast<std::size_t>(maps.target[static_cast<std::size_t>(i)])];
    const std::string status = to_string(maps.status[static_cast<std::size_t>(i)]);
    Json files = Json::object();
    if (!args_.out.empty() && (args_.pictures == 0 || image < args_.pictures)) files = draw(maps, i, image);
    if (!common_.json) {
      if (inputs_.count() <= kLines) {
        fmt::print("{}  {}  original {:.2e} ({:.1f} % zero), improved {:.2e} ({:.1f} % zero){}\n", name, predicted,
                   original.largest, 100 * original.zero_share(), improved.largest, 100 * improved.zero_share(),
                   status == "ok" ? "" : "  " + status);
      }
      return;
    }
    Json scores = Json::object(), improved_scores = Json::object();
    for (std::size_t k = 0; k < names.size(); ++k) {
      const std::size_t at = static_cast<std::size_t>(i) * names.size() + k;
      scores[names[k]] = maps.scores[at];
      improved_scores[names[k]] = maps.improved_scores[at];
    }
    Json one = {{"input", name},
                {"label", predicted},
                {"map_of", target},
                {"status", status},
                {"scores", scores},
                {"improved_scores", improved_scores},
                {"original", facts_json(original)},
                {"improved", facts_json(improved)}};
    if (!files.empty()) one["files"] = files;
    json_.push_back(std::move(one));
  }

  Json draw(const SaliencyMaps<T>& maps, std::int64_t i, std::int64_t image) {
    const std::string& name = inputs_.names[static_cast<std::size_t>(image)];
    const PanelRow row = panel_row(maps, i, inputs_.image(image), name, weights_.class_names);
    const std::string stem = file_stem(image, name);
    const auto path = [&](const char* ending) { return (std::filesystem::path(args_.out) / (stem + ending)).string(); };
    const std::vector<std::int64_t> shape{maps.channels, maps.height, maps.width};
    const auto values = static_cast<std::size_t>(maps.values());
    write_png(path("-panel.png"), draw_panel({row}));
    write_png(path("-overlay.png"), draw_overlay(row));
    io::write_npy(path("-original.npy"), shape, std::span<const T>(maps.original_of(i), values), io::Overwrite::kYes);
    io::write_npy(path("-improved.npy"), shape, std::span<const T>(maps.improved_of(i), values), io::Overwrite::kYes);
    return {{"panel", path("-panel.png")},
            {"overlay", path("-overlay.png")},
            {"original", path("-original.npy")},
            {"improved", path("-improved.npy")}};
  }

  void finish() const {
    if (common_.json) {
      print_json({{"schema", kSchema},
                  {"images", inputs_.count()},
                  {"precision", args_.precision},
                  {"original", original_.json()},
                  {"improved", improved_.json()},
                  {"maps", json_}});
      return;
    }
    const auto line = [](const char* name, const Tally& t) {
      fmt::print(
          "{}: largest gradient below 1e-8 in {} of {} maps ({:.2f} %), {} exactly zero; smallest largest {:.2e}\n",
          name, t.vanished, t.maps,
          t.maps ? 100.0 * static_cast<double>(t.vanished) / static_cast<double>(t.maps) : 0.0, t.all_zero, t.smallest);
    };
    line("original", original_);
    line("improved", improved_);
    fmt::print("gradients are per gray level, in {} on {}\n", args_.precision, machine_.device());
  }

  static constexpr std::int64_t kLines = 200;  ///< maximum number of images with a line of their own

  const Arguments& args_;
  const Weights& weights_;
  const SaliencyInputs& inputs_;
  const Common& common_;
  SaliencyMachine<T> machine_;
  Tally original_, improved_;
  Json json_ = Json::array();
};

void run_saliency(const Arguments& args, const Common& common) {
  const Weights weights = load_weights(args.weights);
  if (!args.of_class.empty()) class_number(weights.class_names, args.of_class);  // fails early on an unknown class
  const SaliencyInputs inputs = read_saliency_inputs(args, weights, common);
  if (args.precision == "float64") {
    SaliencyRun<double>(args, weights, inputs, common).run();
  } else {
    SaliencyRun<float>(args, weights, inputs, common).run();
  }
}

}  // namespace

void add_saliency(OptionSet& app, Common& common, Verbs& verbs) {
  OptionSet& verb =
      app.add_verb("saliency",
                   "Maps how each pixel moves a class's score: the gradient of S (original) and of V "
                   "(improved, the paper's III-F).\n"
                   "Writes a panel, an overlay and both maps (.npy, per gray level) for each image.",
                   {"shcnn saliency --weights RUN/weights.safetensors --out MAPS face.png",
                    "shcnn saliency --weights FILE --out MAPS --class happy FOLDER",
                    "shcnn saliency --weights FILE --dataset ferplus --data DIR --split private-test --json"});
  auto args = std::make_shared<Arguments>();
  add_saliency_options(verb, *args);
  verb.add_option("--class", args->of_class, "explain this class instead of the predicted one");
  add_common(verb, common, true);
  verbs.push_back({&verb,
                   [&verb, args, &common] {
                     check_saliency_arguments(verb, *args, common);
                     run_saliency(*args, common);
                   },
                   {}});
}

}  // namespace shcnn::program
