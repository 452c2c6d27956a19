// shcnn data: the verbs about data sets.
#include "tools/program/verbs.h"

namespace shcnn::program {

void add_data(CLI::App& app, Common& common, Verbs& verbs) {
  CLI::App* data = add_verb(
      app, "data", "What a data set on disk holds; made data; other layouts.",
      {"shcnn data lint DIR", "shcnn data synth faces --out DIR", "shcnn data convert --from fer2013.csv --to DIR"});
  data->require_subcommand(1);
  add_data_lint(*data, common, verbs);
  add_data_synth(*data, common, verbs);
  add_data_convert(*data, common, verbs);
}

}  // namespace shcnn::program
