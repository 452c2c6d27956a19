// shcnn predict: the expression of faces in images, videos and folders of images.
#include <fmt/format.h>
#include <shcnn/shcnn.h>

#include <memory>
#include <optional>

#include "tools/program/contact_sheet.h"
#include "tools/program/face_detector.h"
#include "tools/program/pictures.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

constexpr std::size_t kBatch = 64;  ///< faces classified at once

struct PredictArguments {
  std::string weights, cascade, picture;
  std::vector<std::string> inputs;
  bool detect = false;
};

/// A face in a picture, waiting for its turn.
struct Face {
  std::string input;
  int frame;
  cv::Rect box;
  cv::Mat gray;
};

class Predictor {
 public:
  Predictor(const PredictArguments& args, const Common& common)
      : common_(common), recognizer_(Recognizer::load(args.weights, {common.device, common.threads})) {
    if (recognizer_.variant() != "static") {
      throw Failure(ExitCode::kUsage, fmt::format("{}: these weights classify flow images, not faces", args.weights));
    }
    if (args.detect) detector_.emplace(args.cascade);
    if (!args.picture.empty()) sheet_.emplace();
  }

  void see(const Picture& picture) {
    std::vector<cv::Rect> boxes{cv::Rect(0, 0, picture.gray.cols, picture.gray.rows)};
    if (detector_) boxes = detector_->find(picture.gray);
    if (boxes.empty()) ++without_face_;
    for (const cv::Rect& box : boxes) {
      waiting_.push_back({picture.input, picture.frame, box, picture.gray(box).clone()});
      if (waiting_.size() == kBatch) classify();
    }
  }

  void finish(const PredictArguments& args) {
    classify();
    if (without_face_) remark(common_, fmt::format("no face found in {} pictures", without_face_));
    if (sheet_) sheet_->write(args.picture);
    if (common_.json) print_json({{"schema", kSchema}, {"predictions", predictions_}, {"without_face", without_face_}});
  }

 private:
  void classify() {
    std::vector<Image> images;
    for (const Face& face : waiting_) {
      images.push_back({face.gray.data, face.gray.cols, face.gray.rows, static_cast<std::ptrdiff_t>(face.gray.step)});
    }
    const std::vector<Prediction> found = recognizer_.predict(images);
    for (std::size_t i = 0; i < found.size(); ++i) tell(waiting_[i], found[i]);
    waiting_.clear();
  }

  void tell(const Face& face, const Prediction& prediction) {
    const std::vector<std::string>& names = recognizer_.class_names();
    const std::string& label = names[static_cast<std::size_t>(prediction.label)];
    const float score = prediction.scores[static_cast<std::size_t>(prediction.label)];
    if (sheet_) sheet_->add(face.gray, label, score);
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
  Recognizer recognizer_;
  std::optional<FaceDetector> detector_;
  std::optional<ContactSheet> sheet_;
  std::vector<Face> waiting_;
  Json predictions_ = Json::array();
  std::int64_t without_face_ = 0;
};

void run_predict(const PredictArguments& args, const Common& common) {
  if (!args.picture.empty()) refuse_overwriting(args.picture, common);
  Predictor predictor(args, common);
  for_each_picture(args.inputs, [&predictor](const Picture& picture) { predictor.see(picture); });
  predictor.finish(args);
}

}  // namespace

void add_predict(OptionSet& app, Common& common, Verbs& verbs) {
  OptionSet& verb = app.add_verb(
      "predict",
      "Names the expression of each face. A picture is taken as one face, unless --detect looks for faces in it.",
      {"shcnn predict --weights RUN/weights.safetensors face.png",
       "shcnn predict --weights FILE --detect party.jpg film.mp4",
       "shcnn predict --weights FILE --json --picture sheet.png FOLDER"});
  auto args = std::make_shared<PredictArguments>();
  verb.add_option("--weights", args->weights, "weights.safetensors of a run");
  verb.add_option("inputs", args->inputs, "images, videos, folders of images").repeatable();
  verb.add_flag("--detect", args->detect, "look for faces in each picture (OpenCV's Haar cascade)");
  verb.add_option("--cascade", args->cascade, "the cascade's file, where OpenCV's is not found");
  verb.add_option("--picture", args->picture, "PNG to draw the faces and their labels into");
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
