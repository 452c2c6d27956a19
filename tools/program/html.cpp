#include "tools/program/html.h"

#include <fmt/format.h>

#include "tools/program/saliency_panel.h"

namespace shcnn::program {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --paper: #ffffff; --card: #f6f7f9; --ink: #1c2126; --faint: #5c6670; --line: #d5dae0;
  --s1: #1f6fb2; --s2: #d1660a; --s3: #2b8a3e; --s4: #8a3ab9; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --card: #1d2126; --ink: #e6e9ec; --faint: #9aa4ae;
  --line: #383f47; --s1: #6bb1ea; --s2: #f3a154; --s3: #74c987; --s4: #c79be6; } }
@media print { :root { color-scheme: light; --paper: #ffffff; --card: #ffffff; --ink: #000000; --faint: #444444; --line: #bbbbbb;
  --s1: #1f6fb2; --s2: #d1660a; --s3: #2b8a3e; --s4: #8a3ab9; } body { max-width: none; }
  section, figure, tr, .tiles, .group { break-inside: avoid; } h2, h3 { break-after: avoid; } }
* { box-sizing: border-box; }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; max-width: 1120px;
  margin: 0 auto; padding: 24px; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
h1 { font-size: 26px; margin: 0 0 4px; overflow-wrap: anywhere; } h2 { font-size: 19px; margin: 36px 0 10px;
  border-bottom: 1px solid var(--line); padding-bottom: 4px; } h3 { font-size: 15px; margin: 18px 0 6px; }
p { margin: 8px 0; } .note { color: var(--faint); font-size: 13.5px; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 16px 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 16px; }
.tile b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; } .tile span { color: var(--faint); font-size: 13px; }
.warning { background: var(--card); border-left: 4px solid var(--s2); padding: 10px 14px; overflow-wrap: anywhere; }
.groups { display: flex; flex-wrap: wrap; gap: 14px 18px; margin: 16px 0; } .groups h3 { margin: 0; }
.group { display: flex; flex-direction: column; }
.groups .tiles { margin: auto 0 0; padding-top: 6px; gap: 8px; } .groups .tile { padding: 8px 10px; } .groups .tile b { font-size: 20px; } .groups .note { margin: 0; max-width: 330px; }
.caution .tile { border-style: dashed; } .caution h3 { color: var(--s2); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; margin: 8px 0; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 10px; border-bottom: 1px solid var(--line); text-align: left; overflow-wrap: anywhere; }
th { color: var(--faint); font-weight: 600; } th, .n, .whole { overflow-wrap: normal; } .n { text-align: right; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 18px; }
.charts.small { grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 14px; } .charts.small figcaption { font-size: 13px; }
.legend { font-size: 14px; } .legend .key { margin-left: 0; } .legend .series { margin-right: 16px; }
figure { margin: 0; } figcaption { color: var(--faint); font-size: 13px; overflow-wrap: anywhere; }
.charts figcaption { font-size: 14px; color: var(--ink); }
 .series { white-space: nowrap; } .key { display: inline-block; width: 14px; height: 3px; vertical-align: middle; margin: 0 5px 0 12px; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--faint); font-size: 11px; }
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 12px; }
.faces figcaption { font-size: 12px; line-height: 1.35; }
.clips { display: grid; grid-template-columns: repeat(auto-fill, minmax(480px, 1fr)); gap: 16px 20px; }
.strip { display: flex; gap: 4px; } .strip img { flex: 0 1 100px; min-width: 0; } .clips figcaption { font-size: 13px; }
.key-line { display: flex; gap: 14px; align-items: center; } .key-line img { flex: none; border-radius: 28px; }
.beside { display: flex; flex-wrap: wrap; gap: 8px 36px; align-items: flex-start; }
img { max-width: 100%; border-radius: 4px; } .pixels { image-rendering: pixelated; }
.panel img { background: #ffffff; width: 100%; }
)";

std::string base64(const std::vector<unsigned char>& bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    unsigned word = 0;
    for (std::size_t k = 0; k < 3; ++k) word = word << 8 | (k < left ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= left ? kDigits[word >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

/// Length in bytes of the UTF-8 character at `at`; 0 if there is no valid one.
std::size_t character_at(const std::string& text, std::size_t at) {
  const auto byte = [&text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  const std::size_t length = first < 0x80                     ? 1
                             : first >= 0xc2 && first <= 0xdf ? 2
                             : first >= 0xe0 && first <= 0xef ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(at + k) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = character_at(text, i);
    if (length == 0 || (length == 1 && static_cast<unsigned char>(text[i]) < 0x20 && text[i] != '\n')) {
      out += "\xef\xbf\xbd";
      ++i;
      continue;
    }
    const char c = text[i];
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out.append(text, i, length);
    }
    i += length;
  }
  return out;
}

std::string image_html(const cv::Mat& picture, const std::string& description, int css_width, bool pixelated) {
  return fmt::format("<img{} width=\"{}\" alt=\"{}\" src=\"data:image/png;base64,{}\">",
                     pixelated ? " class=\"pixels\"" : "", css_width, escaped(description), base64(png_of(picture)));
}

std::string table_html(const Table& table) {
  const auto cell = [&table](const char* tag, std::size_t column, const std::string& html) {
    const bool number = column < table.numbers.size() && table.numbers[column];
    return fmt::format("<{0}{1}>{2}</{0}>", tag, number ? " class=\"n\"" : "", html);
  };
  std::string out = "<div class=\"scroll\"><table>";
  if (!table.header.empty()) {
    out += "<thead><tr>";
    for (std::size_t c = 0; c < table.header.size(); ++c) out += cell("th", c, table.header[c]);
    out += "</tr></thead>";
  }
  out += "<tbody>";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c) out += cell("td", c, row[c]);
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>";
}

std::string Page::text() const {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<title>{0}</title>\n<style>{1}</style>\n"
      "</head>\n<body>\n<h1>{0}</h1>\n{2}</body>\n</html>\n",
      escaped(title_), kStyle, body_);
}

}  // namespace shcnn::program
