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
  std::vector<std::pair<double, double>> points;  ///< (x, y); NaN and infinite ones are left out
};

/// How large a chart is and what it shows beside its lines.
struct ChartShape {
  double wide = 520, high = 250;               ///< px
  std::optional<std::pair<double, double>> y;  ///< ends of the axis; from the points where not given
  bool legend = true;
};
/// One of many: small, from 0 to 1, without legend.
ChartShape small_multiple();

/// Up to four lines over one axis, as a <figure>; `marked` is an x to point out (the best epoch), NaN = none. Nothing
/// where no series has a point.
std::string line_chart(const std::string& title, const std::vector<Series>& series, double marked,
                       const ChartShape& shape = {});
/// The colours of the lines of `names`, for charts without a legend of their own.
std::string legend(const std::vector<std::string>& names);

/// Rows: true class, columns: predicted class; a cell is as strong as its share of its row.
std::string confusion_html(const std::vector<std::string>& labels, const Confusion& confusion);

}  // namespace shcnn::program
