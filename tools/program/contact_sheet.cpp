#include "tools/program/contact_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "io/images/image.h"
#include "tools/program/exit_code.h"
#include "tools/program/pictures.h"

namespace shcnn::program {
namespace {

constexpr int kFace = 144;  ///< side of a picture, px
constexpr int kText = 38;   ///< height of the text below a picture, px
constexpr int kMargin = 8;
constexpr std::size_t kColumns = 6;
const cv::Scalar kPaper(255, 255, 255), kInk(40, 40, 40), kBar(190, 130, 60);

}  // namespace

ContactSheet::ContactSheet(std::string path) : path_(std::move(path)) {
  if (std::filesystem::path(path_).extension() != ".png") {
    throw Failure(ExitCode::kUsage, path_ + ": a picture of the faces needs a name that ends in .png");
  }
}

void ContactSheet::add(const cv::Mat& picture, const std::string& label, float score) {
  if (tiles_.size() == kMost) return;
  cv::Mat tile(kFace + kText, kFace, CV_8UC3, kPaper), face;
  cv::resize(picture, face, cv::Size(kFace, kFace), 0, 0, cv::INTER_CUBIC);
  cv::cvtColor(face, face, face.channels() == 1 ? cv::COLOR_GRAY2BGR : cv::COLOR_RGB2BGR);
  face.copyTo(tile(cv::Rect(0, 0, kFace, kFace)));
  cv::putText(tile, fmt::format("{} {:.2f}", label, score), cv::Point(2, kFace + 18), cv::FONT_HERSHEY_SIMPLEX, 0.45,
              kInk, 1, cv::LINE_AA);
  cv::rectangle(tile, cv::Rect(2, kFace + 25, std::max(1, static_cast<int>(score * (kFace - 4))), 5), kBar, cv::FILLED);
  tiles_.push_back(tile);
}

void ContactSheet::write() const {
  const std::size_t columns = std::clamp<std::size_t>(tiles_.size(), 1, kColumns);
  const std::size_t rows = (tiles_.size() + columns - 1) / columns;
  const int step_x = kFace + kMargin, step_y = kFace + kText + kMargin;
  cv::Mat sheet(static_cast<int>(rows) * step_y + kMargin, static_cast<int>(columns) * step_x + kMargin, CV_8UC3,
                kPaper);
  for (std::size_t i = 0; i < tiles_.size(); ++i) {
    const int x = kMargin + static_cast<int>(i % columns) * step_x,
              y = kMargin + static_cast<int>(i / columns) * step_y;
    tiles_[i].copyTo(sheet(cv::Rect(cv::Point(x, y), tiles_[i].size())));
  }
  io::write_png(path_, image_of(sheet), io::Overwrite::kYes);
}

}  // namespace shcnn::program
