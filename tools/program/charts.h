// Charts as inline SVG in the page's colours.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/net/metrics.h"

namespace shcnn::program {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< (x, y); points with NaN or infinity are left out
};

/// Size of a chart, range of its y axis, and whether it has a legend.
struct ChartShape {
  double wide = 520, high = 250;               ///< px
  std::optional<std::pair<double, double>> y;  ///< range of the y axis; taken from the points if not given
  bool legend = true;
};
/// Shape for one of many charts: small, y from 0 to 1, no legend.
ChartShape small_multiple();

/// A <figure> with up to four lines on shared axes. `marked` is an x value to highlight (the best epoch), NaN = none.
/// Empty if no series has a point.
std::string line_chart(const std::string& title, const std::vector<Series>& series, double marked,
                       const ChartShape& shape = {});
/// Legend for the series `names`, for charts that are drawn without one.
std::string legend(const std::vector<std::string>& names);

/// Confusion matrix as a table. Rows: true class; columns: predicted class; cells are shaded by their share of the row.
std::string confusion_html(const std::vector<std::string>& labels, const Confusion& confusion);

}  // namespace shcnn::program
