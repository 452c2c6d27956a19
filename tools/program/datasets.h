// From a data set on disk to the samples that the engine takes: which reader, which split, which rule, which classes.
#pragma once

#include <string>
#include <vector>

#include "engine/net/samples.h"
#include "io/faces/dataset.h"
#include "tools/program/common.h"

namespace shcnn::program {

/// What --dataset, --data and --rule say.
struct DatasetChoice {
  std::string dataset;          ///< fer2013, ferplus or faces (folders of images by class)
  std::string data;             ///< folder, or fer2013's csv file
  std::string rule = "strict";  ///< ferplus: rows to use, "strict" (largest share > 0.5, no NF vote) or "soft" (>= 0.5)
  bool no_cache = false;
};

/// One split, ready for training or scoring.
struct LoadedSplit {
  Samples samples;
  std::string split;                  ///< "training", "public-test", "private-test"
  std::string rule;                   ///< the name of what decided which images count
  std::vector<io::Problem> problems;  ///< of the whole data set
};

/// Adds --dataset, --data and, for sets of votes, --rule.
void add_dataset_options(OptionSet& verb, DatasetChoice& choice);
/// Adds an option whose value is a split's name.
Option add_split_option(OptionSet& verb, const std::string& name, std::string& split, const std::string& what);

/// "training", "public-test" or "private-test"; Failure(kUsage) on any other text.
io::Usage usage_from_string(const std::string& split);
std::string split_name(io::Usage usage);

/// The names of the data sets that are at `path` or, where it is a folder without any, in one folder below; "faces"
/// where it looks like none. Failure(kBadData) if it does not exist or holds archives instead.
std::vector<std::string> datasets_at(const std::string& path);

/// Reads the whole data set, from its cache where that is current; `rule` matters to ferplus alone. Errors of io/.
io::FaceSet read_dataset(const DatasetChoice& choice, const std::string& rule, const Common& common);

/// The images of one split that count under `rule`. Failure(kBadData) if there is none; `otherwise` ends its line.
LoadedSplit load_split(const DatasetChoice& choice, const std::string& rule, const std::string& split,
                       const Common& common, const std::string& otherwise = "choose another split");

/// A remark for each.
void remark_problems(const Common& common, const std::vector<io::Problem>& problems);

/// Failure(kUsage) that says which classes differ, unless the data have the classes of the weights (in their order).
void require_classes_of_weights(const std::string& weights, const std::vector<std::string>& weights_classes,
                                const std::string& dataset, const std::vector<std::string>& data_classes);

}  // namespace shcnn::program
