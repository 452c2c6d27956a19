#include "tools/program/report_sections.h"

#include <fmt/format.h>

#include "tools/program/machine.h"

namespace shcnn::program {

std::string tile(const std::string& value, const std::string& what) {
  return "<div class=\"tile\"><b>" + escaped(value) + "</b><span>" + escaped(what) + "</span></div>";
}

std::string class_table(const std::vector<std::string>& labels, const Confusion& c, const std::string& unit) {
  Table table{{"class", escaped(unit), "precision", "recall", "F1"}, {}, {false, true, true, true, true}};
  for (int k = 0; k < c.classes; ++k) {
    table.rows.push_back({escaped(labels[static_cast<std::size_t>(k)]), fmt::format("{}", c.of_truth(k)),
                          fmt::format("{:.4f}", c.precision(k)), fmt::format("{:.4f}", c.recall(k)),
                          fmt::format("{:.4f}", c.f1(k))});
  }
  table.rows.push_back({"<b>mean</b>", fmt::format("{}", c.total()), "", fmt::format("<b>{:.4f}</b>", c.uar()),
                        fmt::format("<b>{:.4f}</b>", c.uf1())});
  return table_html(table);
}

std::string settings_table(const std::vector<std::pair<std::string, std::string>>& settings) {
  Table table{{}, {}, {}};
  for (const auto& [key, value] : settings) table.rows.push_back({escaped(key), escaped(value)});
  return table_html(table);
}

Table version_table() {
  const Machine machine = this_machine();
  Table table{{}, {}, {}};
  table.rows.push_back(
      {"report written by", escaped(std::string("shcnn ") + SHCNN_VERSION + " (compiler " + __VERSION__ + ")")});
  table.rows.push_back(
      {"report written on", escaped(fmt::format("{}, {} cores for this process", machine.processor, machine.cores))});
  return table;
}

}  // namespace shcnn::program
