#include "tools/program/loso_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "io/images/image.h"
#include "tools/program/clip_pictures.h"
#include "tools/program/flow_overview.h"
#include "tools/program/pictures.h"

namespace shcnn::program {
namespace {

const cv::Scalar kPaper(255, 255, 255), kInk(40, 40, 40), kPale(215, 215, 215), kBlue(170, 100, 40),
    kLight(225, 195, 165);

void save(const std::string& path, const cv::Mat& picture) {
  io::write_png(path, image_of(picture), io::Overwrite::kYes);
}

void text(cv::Mat& picture, const std::string& line, cv::Point at, double size = 0.45,
          const cv::Scalar& colour = cv::Scalar(40, 40, 40)) {
  cv::putText(picture, line, at, cv::FONT_HERSHEY_SIMPLEX, size, colour, 1, cv::LINE_AA);
}

int text_width(const std::string& line, double size = 0.45) {
  int base = 0;
  return cv::getTextSize(line, cv::FONT_HERSHEY_SIMPLEX, size, 1, &base).width;
}

/// Shortens `line` at its end, with "..", to fit into `width` px.
std::string fitting(std::string line, int width, double size) {
  if (text_width(line, size) <= width) return line;
  while (line.size() > 1 && text_width(line + "..", size) > width) line.pop_back();
  return line + "..";
}

/// One panel of curves over epochs; the y axis is 0 to 1.
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
                             const std::vector<std::string>& class_names, const std::string& title,
                             const std::string& subtitle) {
  constexpr int kCell = 84, kMargin = 20, kTop = 134, kWidest = 200;
  int left = text_width("true class");
  for (const std::string& name : class_names) left = std::max(left, std::min(kWidest, text_width(name)));
  left += 2 * kMargin;
  const int n = confusion.classes;
  const std::string scores = fmt::format("{} of {} right: accuracy {:.4f}, UF1 {:.4f}, UAR {:.4f}", confusion.correct(),
                                         confusion.total(), confusion.accuracy(), confusion.uf1(), confusion.uar());
  const int width = std::max({left + n * kCell, kMargin + text_width(title, 0.5), kMargin + text_width(subtitle, 0.42),
                              kMargin + text_width(scores, 0.42)});
  cv::Mat picture(kTop + n * kCell + kMargin, width + kMargin, CV_8UC3, kPaper);
  text(picture, title, {kMargin, 26}, 0.5);
  text(picture, subtitle, {kMargin, 48}, 0.42);
  text(picture, scores, {kMargin, 68}, 0.42);
  text(picture, "predicted class", {left + (n * kCell - text_width("predicted class", 0.42)) / 2, kTop - 34}, 0.42);
  text(picture, "true class", {left - 12 - text_width("true class", 0.42), kTop - 10}, 0.42);
  for (int truth = 0; truth < n; ++truth) {
    const std::string name = fitting(class_names[static_cast<std::size_t>(truth)], kWidest, 0.45);
    text(picture, name, {left - 12 - text_width(name), kTop + truth * kCell + kCell / 2 + 4});
    const std::string above = fitting(class_names[static_cast<std::size_t>(truth)], kCell - 4, 0.4);
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

void write_flow_picture(const std::string& path, const io::ClipSet& clips, ClipImageStore& images,
                        flow::FlowColors colors) {
  constexpr int kTile = 112, kMargin = 8, kLeft = 110, kTop = 88, kMost = 5, kBar = 3;
  const auto n = static_cast<int>(clips.class_names.size());
  std::vector<ClipPictures> rows(static_cast<std::size_t>(n));
  std::size_t most = 0;
  for (int c = 0; c < n; ++c) {
    const auto clip = std::find_if(clips.clips.begin(), clips.clips.end(),
                                   [&](const io::Clip& one) { return one.label == c && one.apex > 0; });
    if (clip == clips.clips.end()) continue;
    const auto flows = images.get(static_cast<std::size_t>(clip - clips.clips.begin()));
    ClipPictures& row = rows[static_cast<std::size_t>(c)];
    row = clip_pictures(*clip, *flows, kMost, kTile);
    most = std::max(most, row.images.size());
  }
  const int columns = 2 + static_cast<int>(std::max<std::size_t>(most, 3));  // at least five columns, for the headings
  cv::Mat picture(kTop + n * (kTile + kMargin), kLeft + columns * (kTile + kMargin), CV_8UC3, kPaper);
  const auto x_of = [](int column) { return kLeft + column * (kTile + kMargin); };
  text(picture, "first frame", {x_of(0), kTop - 10}, 0.4);
  text(picture, "apex frame", {x_of(1), kTop - 10}, 0.4);
  text(picture, "flow images, first frame to later ones", {x_of(2), kTop - 28}, 0.4);
  text(picture, "(underlined: to the apex frame)", {x_of(2), kTop - 10}, 0.4);
  const cv::Mat key = flow_color_key(colors);
  key.copyTo(picture(cv::Rect(cv::Point(6, 4), key.size())));
  text(picture, "hue: direction of the movement (disc: away from its middle); brightness: length", {14 + key.cols, 20},
       0.4);
  for (int c = 0; c < n; ++c) {
    const int top = kTop + c * (kTile + kMargin);
    const std::string& name = clips.class_names[static_cast<std::size_t>(c)];
    text(picture, fitting(name, kLeft - 14, 0.42), {6, top + kTile / 2}, 0.42);
    const ClipPictures& row = rows[static_cast<std::size_t>(c)];
    if (row.frames.empty()) text(picture, "no clip with an apex frame", {x_of(0), top + kTile / 2}, 0.4);
    int column = 0;
    const auto place = [&](const cv::Mat& tile) {
      cv::Mat colour = tile;
      if (tile.channels() == 1) cv::cvtColor(tile, colour, cv::COLOR_GRAY2BGR);
      cv::resize(colour, picture(cv::Rect(x_of(column++), top, kTile, kTile)), cv::Size(kTile, kTile), 0, 0,
                 cv::INTER_NEAREST);
    };
    for (const cv::Mat& frame : row.frames) place(frame);
    for (const cv::Mat& image : row.images) place(image);
    if (row.apex >= 0)
      cv::rectangle(picture, cv::Rect(x_of(2 + row.apex), top + kTile + 2, kTile, kBar), kBlue, cv::FILLED);
  }
  save(path, picture);
}

}  // namespace shcnn::program
