// A self-contained, printable HTML page: text, tables, charts (inline SVG) and pictures (inline PNG), with light and
// dark colours. It loads nothing from elsewhere and contains no scripts.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <utility>
#include <vector>

namespace shcnn::program {

/// `text` with HTML special characters escaped; bytes that are not valid UTF-8 become U+FFFD.
std::string escaped(const std::string& text);
/// <img> with the embedded picture. `pixelated`: the browser enlarges it without smoothing.
std::string image_html(const cv::Mat& picture, const std::string& description, int css_width, bool pixelated);

/// Each row is a vector of cells. Cells are HTML, not escaped again; columns flagged in `numbers` are right-aligned.
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
  /// Text that is highlighted because it affects how the page must be understood.
  void warning(const std::string& text) { body_ += "<p class=\"warning\">" + escaped(text) + "</p>\n"; }
  void html(const std::string& text) { body_ += text + "\n"; }
  const std::string& body() const { return body_; }  ///< HTML added so far
  std::string text() const;                          ///< the complete HTML document

 private:
  std::string title_, body_;
};

}  // namespace shcnn::program
