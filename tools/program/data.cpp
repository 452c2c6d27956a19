// shcnn data: verbs for data sets.
#include "tools/program/verbs.h"

namespace shcnn::program {

void add_data(OptionSet& app, Common& common, Verbs& verbs) {
  OptionSet& data = app.add_verb(
      "data", "What a data set on disk holds; made data; other layouts.",
      {"shcnn data lint DIR", "shcnn data synth faces --out DIR", "shcnn data convert --from fer2013.csv --to DIR"});
  data.require_verb();
  add_data_lint(data, common, verbs);
  add_data_synth(data, common, verbs);
  add_data_convert(data, common, verbs);
}

}  // namespace shcnn::program
