#include "tools/program/loso_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "io/atomic_file.h"
#include "io/image.h"

namespace shcnn::program {
namespace {

const cv::Scalar kPaper(255, 255, 255), kInk(40, 40, 40), kPale(215, 215, 215), kBlue(170, 100, 40),
    kLight(225, 195, 165);

void save(const std::string& path, const cv::Mat& picture) {
  std::vector<unsigned char> bytes;
  cv::imencode(".png", picture, bytes);
  io::write_file(path, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                 io::Overwrite::kYes);
}

void text(cv::Mat& picture, const std::string& line, cv::Point at, double size = 0.45,
          const cv::Scalar& colour = cv::Scalar(40, 40, 40)) {
  cv::putText(picture, line, at, cv::FONT_HERSHEY_SIMPLEX, size, colour, 1, cv::LINE_AA);
}

int text_width(const std::string& line, double size = 0.45) {
  int base = 0;
  return cv::getTextSize(line, cv::FONT_HERSHEY_SIMPLEX, size, 1, &base).width;
}

/// One panel of curves over epochs; y from 0 to 1.
class Panel {
 public:
  Panel(cv::Mat& picture, cv::Rect area, int epochs, const std::string& title)
      : picture_(picture), area_(area), epochs_(epochs) {
    for (int i = 0; i <= 5; ++i) {
      const int y = area.y + area.height - i * area.height / 5;
      cv::line(picture, {area.x, y}, {area.x + area.width, y}, kPale, 1);
      const std::string label = fmt::format("{:.1f}", i / 5.0);
      text(picture, label, {area.x - 8 - text_width(label, 0.4), y + 4}, 0.4);
    }
    const int step = std::max(1, (epochs + 9) / 10);
    for (int e = 1; e <= epochs; e += step)
      text(picture, fmt::format("{}", e), {x_of(e) - 4, area.y + area.height + 18}, 0.4);
    text(picture, "epoch", {area.x + area.width / 2 - 18, area.y + area.height + 36}, 0.42);
    text(picture, title, {area.x, area.y - 12}, 0.5);
  }
  void draw(const std::vector<double>& values, const cv::Scalar& colour, int thickness) {
    for (std::size_t i = 1; i < values.size(); ++i) {
      cv::line(picture_, {x_of(static_cast<int>(i)), y_of(values[i - 1])},
               {x_of(static_cast<int>(i) + 1), y_of(values[i])}, colour, thickness, cv::LINE_AA);
    }
    if (values.size() == 1)
      cv::circle(picture_, {x_of(1), y_of(values[0])}, 1 + thickness, colour, cv::FILLED, cv::LINE_AA);
  }

 private:
  int x_of(int epoch) const {
    return epochs_ > 1 ? area_.x + (epoch - 1) * area_.width / (epochs_ - 1) : area_.x + area_.width / 2;
  }
  int y_of(double value) const { return area_.y + area_.height - static_cast<int>(value * area_.height + 0.5); }
  cv::Mat& picture_;
  cv::Rect area_;
  int epochs_;
};

}  // namespace

void write_confusion_picture(const std::string& path, const Confusion& confusion,
                             const std::vector<std::string>& class_names, const std::string& title) {
  constexpr int kCell = 84, kMargin = 20, kTop = 84;
  int left = 0;
  for (const std::string& name : class_names) left = std::max(left, text_width(name));
  left += 2 * kMargin;
  const int n = confusion.classes;
  cv::Mat picture(kTop + n * kCell + kMargin, left + n * kCell + kMargin, CV_8UC3, kPaper);
  text(picture, title, {kMargin, 26}, 0.5);
  text(picture,
       fmt::format("accuracy {:.4f}  UF1 {:.4f}  UAR {:.4f}", confusion.accuracy(), confusion.uf1(), confusion.uar()),
       {kMargin, 48}, 0.42);
  for (int truth = 0; truth < n; ++truth) {
    const std::string& name = class_names[static_cast<std::size_t>(truth)];
    text(picture, name, {left - 12 - text_width(name), kTop + truth * kCell + kCell / 2 + 4});
    const std::string above = name.substr(0, 10);
    text(picture, above, {left + truth * kCell + (kCell - text_width(above, 0.4)) / 2, kTop - 10}, 0.4);
    for (int predicted = 0; predicted < n; ++predicted) {
      const std::int64_t count = confusion.at(truth, predicted), support = confusion.of_truth(truth);
      const double share = support > 0 ? static_cast<double>(count) / static_cast<double>(support) : 0;
      const cv::Rect cell(left + predicted * kCell, kTop + truth * kCell, kCell, kCell);
      const cv::Scalar shade(255 - share * (255 - 120), 255 - share * (255 - 70), 255 - share * (255 - 20));
      cv::rectangle(picture, cell, shade, cv::FILLED);
      cv::rectangle(picture, cell, kPale, 1);
      const cv::Scalar ink = share > 0.55 ? kPaper : kInk;
      const std::string first = fmt::format("{}", count), second = fmt::format("{:.1f} %", 100 * share);
      text(picture, first, {cell.x + (kCell - text_width(first, 0.6)) / 2, cell.y + kCell / 2 - 2}, 0.6, ink);
      text(picture, second, {cell.x + (kCell - text_width(second, 0.38)) / 2, cell.y + kCell / 2 + 20}, 0.38, ink);
    }
  }
  save(path, picture);
}

void write_curves_picture(const std::string& path, const LosoPlan& plan, const std::vector<FoldResult>& folds) {
  int epochs = 0;
  for (const FoldResult& fold : folds) epochs = std::max(epochs, static_cast<int>(fold.epochs.size()));
  if (epochs == 0) return;  // nothing was trained
  constexpr int kWidth = 420, kHeight = 300, kLeft = 60, kTop = 60, kGap = 70;
  cv::Mat picture(kTop + kHeight + 60, kLeft + 2 * kWidth + kGap + 30, CV_8UC3, kPaper);
  text(picture, fmt::format("{}: {} folds, thin; their mean, bold", plan.dataset, folds.size()), {20, 22}, 0.5);
  Panel training(picture, {kLeft, kTop, kWidth, kHeight}, epochs, "accuracy on training images");
  Panel left_out(picture, {kLeft + kWidth + kGap, kTop, kWidth, kHeight}, epochs, "accuracy on left-out clips");
  std::vector<double> mean_training(static_cast<std::size_t>(epochs)), mean_left_out(static_cast<std::size_t>(epochs));
  for (const FoldResult& fold : folds) {
    std::vector<double> a, b;
    for (const FoldEpoch& e : fold.epochs) {
      a.push_back(e.accuracy);
      b.push_back(e.test_accuracy);
      mean_training[a.size() - 1] += e.accuracy / static_cast<double>(folds.size());
      mean_left_out[b.size() - 1] += e.test_accuracy / static_cast<double>(folds.size());
    }
    training.draw(a, kLight, 1);
    left_out.draw(b, kLight, 1);
  }
  training.draw(mean_training, kBlue, 2);
  left_out.draw(mean_left_out, kBlue, 2);
  save(path, picture);
}

void write_flow_picture(const std::string& path, const io::ClipSet& clips, ClipImageStore& images) {
  constexpr int kTile = 112, kMargin = 8, kColumns = 7, kLeft = 96, kTop = 30;
  const auto n = static_cast<int>(clips.class_names.size());
  cv::Mat picture(kTop + n * (kTile + kMargin), kLeft + kColumns * (kTile + kMargin), CV_8UC3, kPaper);
  const char* heads[] = {"first frame", "apex frame",
                         "flow images from the first frame to later ones; the middle one: apex"};
  for (int k = 0; k < 3; ++k) text(picture, heads[k], {kLeft + k * (kTile + kMargin), 20}, 0.4);
  for (int c = 0; c < n; ++c) {
    const auto clip = std::find_if(clips.clips.begin(), clips.clips.end(),
                                   [&](const io::Clip& one) { return one.label == c && one.apex > 0; });
    const int top = kTop + c * (kTile + kMargin);
    text(picture, clips.class_names[static_cast<std::size_t>(c)].substr(0, 11), {6, top + kTile / 2}, 0.42);
    if (clip == clips.clips.end()) continue;
    const auto place = [&](int column, const cv::Mat& tile) {
      tile.copyTo(picture(cv::Rect(kLeft + column * (kTile + kMargin), top, kTile, kTile)));
    };
    for (const int k : {0, 1}) {
      const io::Image frame =
          io::resized(io::read_image(clip->frames[static_cast<std::size_t>(k == 0 ? 0 : clip->apex)], 1), kTile, kTile);
      cv::Mat gray(kTile, kTile, CV_8UC1, const_cast<std::uint8_t*>(frame.pixels.data())), colour;
      cv::cvtColor(gray, colour, cv::COLOR_GRAY2BGR);
      place(k, colour);
    }
    const auto flows = images.get(static_cast<std::size_t>(clip - clips.clips.begin()));
    const auto last = static_cast<int>(flows->count()) - 1;
    const int apex = std::max(flows->apex, 0);
    const int shown[] = {0, apex / 2, apex, (apex + last + 1) / 2, last};
    for (int k = 0; k < 5; ++k) {
      cv::Mat rgb(flows->height, flows->width, CV_8UC3,
                  const_cast<std::uint8_t*>(flows->pixels.data() + shown[k] * flows->image_bytes())),
          bgr;
      cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
      cv::resize(bgr, bgr, cv::Size(kTile, kTile), 0, 0, cv::INTER_NEAREST);
      place(2 + k, bgr);
    }
  }
  save(path, picture);
}

}  // namespace shcnn::program
