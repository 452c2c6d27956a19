// Charts as inline SVG in the page's colours.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/metrics.h"

namespace shcnn::program {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< (x, y); NaN and infinite ones are left out
};

/// Up to four lines over one axis, as a <figure>; `marked` is an x to point out (the best epoch), NaN = none. Nothing
/// where no series has a point.
std::string line_chart(const std::string& title, const std::vector<Series>& series, double marked);

/// Rows: true class, columns: predicted class; a cell is as strong as its share of its row.
std::string confusion_html(const std::vector<std::string>& labels, const Confusion& confusion);

}  // namespace shcnn::program
