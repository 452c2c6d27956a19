// Loads a data set from disk as samples for the engine: selects reader, split, rule and classes.
#pragma once

#include <string>
#include <vector>

#include "engine/net/samples.h"
#include "io/faces/dataset.h"
#include "tools/program/common.h"

namespace shcnn::program {

/// Values of --dataset, --data, --rule and --no-cache.
struct DatasetChoice {
  std::string dataset;          ///< fer2013, ferplus or faces (folders of images by class)
  std::string data;             ///< folder, or the CSV file of fer2013
  std::string rule = "strict";  ///< ferplus: rows to use, "strict" (largest share > 0.5, no NF vote) or "soft" (>= 0.5)
  bool no_cache = false;
};

/// One split, ready for training or scoring.
struct LoadedSplit {
  Samples samples;
  std::string split;                  ///< "training", "public-test", "private-test"
  std::string rule;                   ///< name of the rule that selected the images
  std::vector<io::Problem> problems;  ///< of the whole data set
};

/// Adds --dataset, --data, --rule (used by ferplus only) and --no-cache.
void add_dataset_options(OptionSet& verb, DatasetChoice& choice);
/// Adds an option whose value is a split's name.
Option add_split_option(OptionSet& verb, const std::string& name, std::string& split, const std::string& what);

/// "training", "public-test" or "private-test"; Failure(kUsage) on any other text.
io::Usage usage_from_string(const std::string& split);
std::string split_name(io::Usage usage);

/// Names of the data sets found at `path` or, if it is a folder without any, in one folder below it; "faces" if none
/// is recognised. Failure(kBadData) if `path` does not exist or holds an archive but no data set.
std::vector<std::string> datasets_at(const std::string& path);

/// Reads the whole data set, from its cache if that is up to date; only ferplus uses `rule`. Errors of io/.
io::FaceSet read_dataset(const DatasetChoice& choice, const std::string& rule, const Common& common);

/// Images of one split that `rule` keeps. Failure(kBadData) if there are none; `otherwise` ends that message.
LoadedSplit load_split(const DatasetChoice& choice, const std::string& rule, const std::string& split,
                       const Common& common, const std::string& otherwise = "choose another split");

/// Prints one remark per problem.
void remark_problems(const Common& common, const std::vector<io::Problem>& problems);

/// Throws Failure(kUsage) that names the differing classes unless data and weights have the same classes in the same
/// order.
void require_classes_of_weights(const std::string& weights, const std::vector<std::string>& weights_classes,
                                const std::string& dataset, const std::vector<std::string>& data_classes);

}  // namespace shcnn::program
