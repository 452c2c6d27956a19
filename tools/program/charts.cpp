#include "tools/program/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tools/program/html.h"

namespace shcnn::program {
namespace {

constexpr double kRight = 14, kTop = 10, kBottom = 28;
constexpr double kSmall = 300;  ///< px; narrower charts have fewer ticks and smaller dots

/// Smallest of 1, 2, 5 times a power of ten that divides `range` into at most `most` parts.
double tick_step(double range, int most) {
  const double raw = range / most, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

struct Axis {
  double low = 0, high = 1, step = 1;
  static Axis over(double low, double high, int most, bool whole) {
    if (!(high > low)) {
      const double spare = low == 0 ? 1 : std::abs(low) * 0.1;
      low -= spare / 2;
      high += spare / 2;
    }
    Axis axis;
    axis.step = tick_step(high - low, most);
    if (whole) axis.step = std::max(1.0, axis.step);
    axis.low = whole ? low : std::floor(low / axis.step + 1e-9) * axis.step;
    axis.high = whole ? high : std::ceil(high / axis.step - 1e-9) * axis.step;
    return axis;
  }
  double at(double value, double from, double to) const { return from + (value - low) / (high - low) * (to - from); }
};

std::string key(std::size_t i, const std::string& name) {
  return fmt::format(" <span class=\"series\"><span class=\"key\" style=\"background:var(--s{})\"></span>{}</span>",
                     i % 4 + 1, escaped(name));
}

}  // namespace

ChartShape small_multiple() { return {250, 150, std::pair{0.0, 1.0}, false}; }

std::string legend(const std::vector<std::string>& names) {
  std::string out = "<p class=\"legend\">";
  for (std::size_t i = 0; i < names.size(); ++i) out += key(i, names[i]);
  return out + "</p>";
}

std::string line_chart(const std::string& title, const std::vector<Series>& series, double marked,
                       const ChartShape& shape) {
  const bool small = shape.wide < kSmall;
  const double wide = shape.wide, high = shape.high, left = small ? 32 : 52, dot = small ? 1.7 : 2.6;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double x_low = kInfinity, x_high = -kInfinity, y_low = kInfinity, y_high = -kInfinity;
  const auto shown = [](const std::pair<double, double>& p) {
    return std::isfinite(p.first) && std::isfinite(p.second);
  };
  for (const Series& s : series) {
    for (const auto& p : s.points) {
      if (!shown(p)) continue;
      x_low = std::min(x_low, p.first), x_high = std::max(x_high, p.first);
      y_low = std::min(y_low, p.second), y_high = std::max(y_high, p.second);
    }
  }
  if (x_low > x_high) return "";
  if (shape.y) y_low = shape.y->first, y_high = shape.y->second;
  const Axis x = Axis::over(x_low, x_high, small ? 4 : 8, true), y = Axis::over(y_low, y_high, small ? 2 : 5, false);
  const auto px = [&](double v) { return x.at(v, left, wide - kRight); };
  const auto py = [&](double v) { return y.at(v, high - kBottom, kTop); };

  std::string out = "<figure><figcaption>" + escaped(title);
  for (std::size_t i = 0; shape.legend && i < series.size(); ++i) out += key(i, series[i].name);
  out += fmt::format("</figcaption><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", wide, high,
                     escaped(title));
  for (int k = 0; y.low + k * y.step <= y.high + 1e-9 * y.step; ++k) {
    const double value = y.low + k * y.step;
    out += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"var(--line)\"/>"
        "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:.4g}</text>",
        left, wide - kRight, py(value), left - 6, py(value) + 4, std::abs(value) < 1e-9 * y.step ? 0 : value);
  }
  for (double value = std::ceil(x.low / x.step) * x.step; value <= x.high + 1e-9; value += x.step) {
    out += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:g}</text>", px(value), high - 8, value);
  }
  if (marked >= x.low && marked <= x.high) {
    out += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"var(--faint)\" stroke-dasharray=\"4 4\"/>",
        px(marked), kTop, high - kBottom);
  }
  for (std::size_t i = 0; i < series.size(); ++i) {
    std::string path, dots;
    for (const auto& p : series[i].points) {
      if (!shown(p)) continue;
      path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "" : " ", px(p.first), py(p.second));
      dots += fmt::format(
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"var(--s{})\"><title>{}: {:g}, {:.5g}</title></circle>",
          px(p.first), py(p.second), dot, i % 4 + 1, escaped(series[i].name), p.first, p.second);
    }
    out += fmt::format("<polyline fill=\"none\" stroke=\"var(--s{})\" stroke-width=\"2\" points=\"{}\"/>{}", i % 4 + 1,
                       path, dots);
  }
  return out + "</svg></figure>";
}

std::string confusion_html(const std::vector<std::string>& labels, const Confusion& confusion) {
  std::string out = "<div class=\"scroll\"><table><thead><tr><th>truth \\ predicted</th>";
  for (const std::string& label : labels) out += "<th class=\"n\">" + escaped(label) + "</th>";
  out += "</tr></thead><tbody>";
  for (int t = 0; t < confusion.classes; ++t) {
    out += "<tr><th>" + escaped(labels[static_cast<std::size_t>(t)]) + "</th>";
    const auto total = static_cast<double>(confusion.of_truth(t));
    for (int p = 0; p < confusion.classes; ++p) {
      const double share = total > 0 ? static_cast<double>(confusion.at(t, p)) / total : 0;
      out += fmt::format("<td class=\"n\" style=\"background:rgba({},{:.3f})\" title=\"{:.2f} %\">{}</td>",
                         t == p ? "31,111,178" : "209,102,10", 0.6 * share, 100 * share, confusion.at(t, p));
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>";
}

}  // namespace shcnn::program
