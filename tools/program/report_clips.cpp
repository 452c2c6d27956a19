#include "tools/program/report_clips.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "tools/program/clip_pictures.h"
#include "tools/program/config_file.h"
#include "tools/program/flow_overview.h"
#include "tools/program/loso_session.h"

namespace shcnn::program {
namespace {

constexpr std::size_t kClips = 6;  ///< shown of correct and of wrong predictions
constexpr int kImages = 3;         ///< images shown per clip, beside two frames
constexpr int kSide = 112;         ///< side of a frame's picture, px
constexpr int kCssWide = 100;

struct Predicted {
  std::size_t clip;  ///< index into the clips of the plan
  std::int32_t predicted;
  std::int64_t agreeing, images;
  int turn = 0;  ///< number of earlier clips with the same share and true class
  double share() const { return images > 0 ? static_cast<double>(agreeing) / static_cast<double>(images) : 0; }
};

/// A session with the arguments of the run, used only to read its clips and images.
struct ClipsOfRun {
  LosoArguments args;
  Common common;
  std::unique_ptr<LosoSession> session;

  ClipsOfRun(const LosoRecord& run, const ReportOptions& options, const Common& given) {
    if (!std::filesystem::exists(run.path / kConfigFile))
      throw Failure(ExitCode::kBadData, "config.toml, which says where they are, is missing");
    read_stored_arguments(run.path.string(), args, common);
    if (!options.data.empty()) args.data = options.data;
    common.threads = given.threads;
    session = std::make_unique<LosoSession>(args, common);
    if (session->plan().hash != run.plan.hash)
      throw Failure(ExitCode::kBadData, args.data.front() + " holds other clips than those of the run");
  }
};

/// Sorts by descending share of agreeing images; with equal shares, the true classes alternate.
void sort_for_show(std::vector<Predicted>& list, const LosoPlan& plan) {
  std::map<std::pair<double, std::int32_t>, int> seen;
  for (Predicted& p : list) p.turn = seen[{p.share(), plan.clips[p.clip].truth}]++;
  std::stable_sort(list.begin(), list.end(), [](const Predicted& a, const Predicted& b) {
    return a.share() != b.share() ? a.share() > b.share() : a.turn < b.turn;
  });
}

class Gallery {
 public:
  Gallery(Page& page, const LosoRecord& run, ClipsOfRun* clips) : page_(page), run_(run), clips_(clips) {}

  void show(const char* heading, const std::vector<Predicted>& list) {
    page_.subheading(heading);
    if (list.empty()) {
      page_.note("none");
      return;
    }
    std::string html = "<div class=\"clips\">";
    for (std::size_t i = 0; i < std::min(kClips, list.size()); ++i) html += figure(list[i]);
    page_.html(html + "</div>");
  }

 private:
  std::string figure(const Predicted& p) {
    const PlannedClip& clip = run_.plan.clips[p.clip];
    const std::string& predicted = run_.plan.class_names[static_cast<std::size_t>(p.predicted)];
    const std::string& truth = run_.plan.class_names[static_cast<std::size_t>(clip.truth)];
    std::string caption = p.predicted == clip.truth
                              ? fmt::format("<b>{}</b>", escaped(predicted))
                              : fmt::format("taken for <b>{}</b>, is <b>{}</b>", escaped(predicted), escaped(truth));
    caption += fmt::format("; {} of {} images say so; {}", p.agreeing, p.images, escaped(clip.name));
    std::string strip;
    if (clips_ != nullptr) {
      const io::Clip& source = clips_->session->clips().clips[p.clip];
      const ClipPictures pictures = clip_pictures(source, *clips_->session->images().get(p.clip), kImages, kSide);
      const bool flow = clips_->session->config().images.input == ClipInput::kFlow;
      const char* second = source.apex >= 0 ? "apex frame" : "middle frame";
      if (source.apex < 0) caption += "; no apex coded, the second picture is the middle frame";
      for (std::size_t k = 0; k < pictures.frames.size() && flow; ++k) {
        strip += image_html(pictures.frames[k], clip.name + (k == 0 ? ": first frame" : std::string(": ") + second),
                            kCssWide, false);
      }
      for (const cv::Mat& image : pictures.images)
        strip += image_html(image, clip.name + (flow ? ": flow image" : ": frame"), kCssWide, !flow);
      strip = "<div class=\"strip\">" + strip + "</div>";
    }
    return "<figure class=\"clip\">" + strip + "<figcaption>" + caption + "</figcaption></figure>";
  }

  Page& page_;
  const LosoRecord& run_;
  ClipsOfRun* clips_;
};

}  // namespace

void add_clips(Page& page, const LosoRecord& run, const ReportOptions& options, const Common& common) {
  std::vector<Predicted> right, wrong;
  for (const FoldResult& fold : run.summary.folds) {
    const LosoTask& task = run.plan.tasks[fold.task];
    if (task.seed != run.shown_seed()) continue;
    for (std::size_t i = 0; i < task.test.size(); ++i) {
      const auto vote = fold.votes[i].find(run.headline);
      if (vote == fold.votes[i].end()) continue;
      const PlannedClip& clip = run.plan.clips[task.test[i]];
      const std::int32_t predicted = vote->second.by(run.vote);
      const std::int64_t agreeing = vote->second.counts.at(static_cast<std::size_t>(predicted));
      (predicted == clip.truth ? right : wrong).push_back({task.test[i], predicted, agreeing, clip.images, 0});
    }
  }
  sort_for_show(right, run.plan);
  sort_for_show(wrong, run.plan);

  page.heading("Clips");
  std::unique_ptr<ClipsOfRun> clips;
  if (!options.pictures) {
    page.note("Pictures were not asked for.");
  } else {
    try {
      clips = std::make_unique<ClipsOfRun>(run, options, common);
    } catch (const std::exception& e) {
      page.note(
          fmt::format("No pictures: the clips of the run cannot be read any more ({}). Name their folder with "
                      "--data.",
                      e.what()));
    }
  }
  if (clips && clips->session->config().images.input == ClipInput::kFlow) {
    page.html(
        "<div class=\"key-line\">" +
        image_html(flow_color_key(clips->session->config().images.flow.colors), "key of the colours", 56, false) +
        "<p class=\"note\">Of each clip: the first frame, the apex frame, and flow images from the first frame to "
        "later ones, as the network saw them. Hue is the direction of the movement (disc: movement away from its "
        "middle), brightness its length, on a scale of each image's own where --flow-scale is 0.</p></div>");
  } else if (clips) {
    page.note("Of each clip: frames as the network saw them.");
  }
  page.note(
      fmt::format("Sorted by the share of a clip's images that agree with the vote; predictions of '{}', {} at "
                  "most of each kind.",
                  title_of(run.headline), kClips));
  const auto galleries = [&](ClipsOfRun* source) {
    Page part("");
    Gallery gallery(part, run, source);
    gallery.show("Best predictions: right, and most images agree", right);
    gallery.show("Worst predictions: wrong, and most images agree", wrong);
    return part.body();
  };
  try {
    page.html(galleries(clips.get()));
  } catch (const std::exception& e) {  // a frame or a cached image cannot be read
    if (!clips) throw;
    page.note(fmt::format("No pictures: {}", e.what()));
    page.html(galleries(nullptr));
  }
}

}  // namespace shcnn::program
