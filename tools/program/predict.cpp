// shcnn predict: classifies the expression of faces in images, videos and folders of images.
#include <fmt/format.h>
#include <shcnn/shcnn.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "engine/net/finite_scores.h"
#include "tools/program/contact_sheet.h"
#include "tools/program/face_detector.h"
#include "tools/program/pictures.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

constexpr std::size_t kBatch = 64;  ///< faces per batch

struct PredictArguments {
  std::string weights, cascade, picture;
  std::vector<std::string> inputs;
  bool detect = false;
};

/// A face waiting to be classified.
struct Face {
  std::string input;
  int frame = -1;
  cv::Rect box;
  cv::Mat pixels;
};

/// Whether a picture is more likely to contain a face than to be a cropped face.
bool looks_like_a_scene(const cv::Mat& pixels) {
  constexpr double kFarFromSquare = 1.3;  // photos are 4:3, 3:2 or 16:9
  constexpr int kLarge = 400;             // pixels of the shorter side
  const int longer = std::max(pixels.cols, pixels.rows), shorter = std::min(pixels.cols, pixels.rows);
  return longer > kFarFromSquare * shorter || shorter > kLarge;
}

class Predictor {
 public:
  Predictor(const PredictArguments& args, const Common& common)
      : common_(common),
        sheet_(args.picture.empty() ? std::nullopt : std::optional<ContactSheet>(args.picture)),
        recognizer_(Recognizer::load(args.weights, {common.device, common.threads})) {
    if (args.detect && !of_faces()) {
      throw Failure(ExitCode::kUsage,
                    fmt::format("--detect: {} classifies flow images, which hold no faces to look for", args.weights));
    }
    if (args.detect) detector_.emplace(args.cascade);
  }

  void run(const std::vector<std::string>& inputs) {
    const PicturesSeen seen =
        for_each_picture(inputs, of_faces() ? 1 : 3, [this](const Picture& picture) { see(picture); });
    classify();
    if (without_face_) remark(common_, fmt::format("no face found in {} pictures", without_face_));
    if (scenes_) {
      remark(common_, fmt::format("{} pictures are large or far from square ({} is {} x {}) and were taken as one face "
                                  "each: did you mean --detect?",
                                  scenes_, first_scene_.input, first_scene_.box.width, first_scene_.box.height));
    }
    for (const VideoRead& video : seen.videos) {
      const std::string missing = incomplete(video);
      if (!missing.empty()) remark(common_, missing);
    }
    if (!seen.skipped.empty()) remark(common_, skipped_text(seen.skipped));
    if (sheet_) sheet_->write();
    if (common_.json) print_json(report(seen));
    tell_unread(seen);
  }

 private:
  bool of_faces() const { return recognizer_.variant() == "static"; }

  void see(const Picture& picture) {
    std::vector<cv::Rect> boxes{cv::Rect(0, 0, picture.pixels.cols, picture.pixels.rows)};
    if (detector_) {
      boxes = detector_->find(picture.pixels);
    } else if (of_faces() && looks_like_a_scene(picture.pixels)) {
      if (scenes_++ == 0) first_scene_ = {picture.input, picture.frame, boxes.front(), {}};
    }
    if (boxes.empty()) ++without_face_;
    for (const cv::Rect& box : boxes) {
      waiting_.push_back({picture.input, picture.frame, box, picture.pixels(box).clone()});
      if (waiting_.size() == kBatch) classify();
    }
  }

  Json report(const PicturesSeen& seen) const {
    Json unread = Json::array(), videos = Json::array();
    for (const VideoRead& video : seen.videos) {
      videos.push_back(counts_of(video));
      videos.back()["input"] = video.input;
    }
    for (const UnreadInput& one : seen.unread) unread.push_back({{"input", one.input}, {"message", one.message}});
    return {{"schema", kSchema},       {"predictions", predictions_},
            {"videos", videos},        {"without_face", without_face_},
            {"skipped", seen.skipped}, {"unread", unread}};
  }

  /// Throws if inputs could not be read: with a single input, its own error; otherwise lists all of them and throws a
  /// summary.
  void tell_unread(const PicturesSeen& seen) const {
    if (seen.unread.empty()) return;
    if (seen.inputs == 1) std::rethrow_exception(seen.unread.front().error);
    for (const UnreadInput& one : seen.unread) remark(common_, one.message);
    throw Failure(ExitCode::kBadData,
                  fmt::format("{} of {} inputs could not be read, the others are done; the first: {}",
                              seen.unread.size(), seen.inputs, seen.unread.front().message));
  }

  void classify() {
    std::vector<Image> images;
    for (const Face& face : waiting_) {
      images.push_back(
          {face.pixels.data, face.pixels.cols, face.pixels.rows, static_cast<std::ptrdiff_t>(face.pixels.step)});
    }
    const std::vector<Prediction> found = scores_of(images);
    for (std::size_t i = 0; i < found.size(); ++i) tell(waiting_[i], found[i]);
    waiting_.clear();
  }

  /// Scores of all images; NonFiniteScores becomes an error that names the file.
  std::vector<Prediction> scores_of(const std::vector<Image>& images) {
    try {
      return recognizer_.predict(images);
    } catch (const NonFiniteScores& e) {
      throw Failure(ExitCode::kNonFinite, fmt::format("{}: {}", waiting_.at(static_cast<std::size_t>(e.image())).input,
                                                      NonFiniteScores::kWhy));
    }
  }

  void tell(const Face& face, const Prediction& prediction) {
    const std::vector<std::string>& names = recognizer_.class_names();
    const std::string& label = names[static_cast<std::size_t>(prediction.label)];
    const float score = prediction.scores[static_cast<std::size_t>(prediction.label)];
    if (sheet_) sheet_->add(face.pixels, label, score);
    if (common_.json) {
      Json scores = Json::object();
      for (std::size_t c = 0; c < names.size(); ++c) scores[names[c]] = prediction.scores[c];
      Json one = {{"input", face.input}, {"label", label}, {"scores", scores}};
      one["box"] = {face.box.x, face.box.y, face.box.width, face.box.height};
      if (face.frame >= 0) one["frame"] = face.frame;
      predictions_.push_back(std::move(one));
      return;
    }
    std::string place = face.input;
    if (face.frame >= 0) place += fmt::format("#{}", face.frame);
    if (detector_) place += fmt::format("  {},{} {}x{}", face.box.x, face.box.y, face.box.width, face.box.height);
    fmt::print("{}  {} {:.3f}\n", place, label, score);
  }

  const Common& common_;
  std::optional<ContactSheet> sheet_;
  Recognizer recognizer_;
  std::optional<FaceDetector> detector_;
  std::vector<Face> waiting_;
  Json predictions_ = Json::array();
  std::int64_t without_face_ = 0;
  std::int64_t scenes_ = 0;  ///< pictures classified as one face although looks_like_a_scene
  Face first_scene_;
};

void run_predict(const PredictArguments& args, const Common& common) {
  if (!args.picture.empty()) refuse_overwriting(args.picture, common);
  Predictor(args, common).run(args.inputs);
}

}  // namespace

void add_predict(OptionSet& app, Common& common, Verbs& verbs) {
  OptionSet& verb = app.add_verb(
      "predict",
      "Names the expression of each face. A picture is taken as one face, unless --detect looks for faces in it.\n"
      "Weights of loso classify flow images (shcnn flow makes them). Inputs that cannot be read are named, the others\n"
      "are done, and the exit code is 3.",
      {"shcnn predict --weights RUN/weights.safetensors face.png",
       "shcnn predict --weights FILE --detect party.jpg film.mp4",
       "shcnn predict --weights FILE --json --picture sheet.png FOLDER"});
  auto args = std::make_shared<PredictArguments>();
  verb.add_option("--weights", args->weights, "weights.safetensors of a run");
  verb.add_option("inputs", args->inputs, "images, videos, or folders of them").repeatable();
  verb.add_flag("--detect", args->detect, "detect faces in each image (OpenCV's Haar cascade)");
  verb.add_option("--cascade", args->cascade, "file of the cascade, if OpenCV's is not found");
  verb.add_option("--picture", args->picture, "PNG file with the faces and their labels");
  add_common(verb, common, true);
  verbs.push_back({&verb,
                   [&verb, args, &common] {
                     require_option(verb, "--weights", "weights.safetensors of a run");
                     if (args->inputs.empty()) {
                       throw Failure(ExitCode::kUsage, "predict needs an image, a video or a folder of images");
                     }
                     run_predict(*args, common);
                   },
                   {}});
}

}  // namespace shcnn::program
