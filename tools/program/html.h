// A self-contained HTML page: text, tables, charts (inline SVG) and pictures (inline PNG), readable in light and dark,
// printable; nothing is fetched from elsewhere and no script runs.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <utility>
#include <vector>

namespace shcnn::program {

/// `text` with the characters that HTML gives a meaning replaced; bytes that are no UTF-8 become U+FFFD.
std::string escaped(const std::string& text);
/// <img> with the picture in it. `pixelated`: enlarged by the browser without smoothing.
std::string image_html(const cv::Mat& picture, const std::string& description, int css_width, bool pixelated);

/// One row a vector of cells. Cells are HTML already; those of `numbers` columns stand to the right.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::vector<bool> numbers;
};
std::string table_html(const Table& table);

class Page {
 public:
  explicit Page(std::string title) : title_(std::move(title)) {}
  void heading(const std::string& text) { body_ += "<h2>" + escaped(text) + "</h2>\n"; }
  void subheading(const std::string& text) { body_ += "<h3>" + escaped(text) + "</h3>\n"; }
  void paragraph(const std::string& text) { body_ += "<p>" + escaped(text) + "</p>\n"; }
  void note(const std::string& text) { body_ += "<p class=\"note\">" + escaped(text) + "</p>\n"; }
  /// What a reader must know before all else.
  void warning(const std::string& text) { body_ += "<p class=\"warning\">" + escaped(text) + "</p>\n"; }
  void html(const std::string& text) { body_ += text + "\n"; }
  const std::string& body() const { return body_; }  ///< what was added
  std::string text() const;                          ///< the whole page

 private:
  std::string title_, body_;
};

}  // namespace shcnn::program
