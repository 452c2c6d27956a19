// The plan of a cross-validation over clips: the training and test clips of each fold. A plan depends only on the data
// and the configuration and is the same on every machine. Its hash is stored in every fold's result.
//
//   loso    leave one subject out: one fold per subject (the paper)
//   kfold   subjects are distributed over `folds` folds with about equal numbers of clips
//   lovo    leave one video out: one fold per clip; the other clips of its subject are in training
//   composite data (CDE) are clips of several data sets whose classes come from one map: loso over all subjects
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "engine/crossval/clip_images.h"
#include "engine/crossval/vote.h"
#include "engine/train/train_config.h"
#include "io/clips/clip_set.h"

namespace shcnn {

enum class Protocol { kLoso, kLovo, kKfold };
Protocol protocol_from_string(const std::string& name);  ///< "loso", "lovo", "kfold"; otherwise throws Error(kUsage)
std::string to_string(Protocol protocol);

/// How to select the epoch whose predictions are scored. Every result names the method.
enum class Selection {
  kLast,    ///< the last epoch of a fixed number
  kInner,   ///< the best epoch on one training subject, which is left out of a second training for this purpose
  kOracle,  ///< the best epoch on the test clips: the paper's method, which uses the test labels
};
inline constexpr Selection kSelections[] = {Selection::kLast, Selection::kInner, Selection::kOracle};
Selection selection_from_string(const std::string& name);  ///< "last", "inner", "oracle"; else Error(kUsage)
std::string to_string(Selection selection);

/// How the weights of a face network trained on FER+ are used (Table 10's group B). The paper only says "using the
/// pretrained weights from FERPlus"; three interpretations are implemented.
enum class Pretrained {
  kNone,
  kDirect,    ///< 1: the network classifies unchanged; its eight classes are mapped to those of the clips
  kFrozen,    ///< 2: all layers but the last stay unchanged; a new last layer is trained
  kFineTune,  ///< 3: all layers are trained, starting from the weights except for a new last layer
};
Pretrained pretrained_from_string(const std::string& name);  ///< "none", "direct", "frozen", "finetune"
std::string to_string(Pretrained reading);

/// Maximum number of clip classes in a plan. Its square is the size of a confusion matrix.
inline constexpr std::size_t kMostClipClasses = 100;

struct LosoConfig {
  std::string device = "cpu";  ///< "cpu", "cuda" or "simt": their rounding differs, so a plan uses one of them
  Protocol protocol = Protocol::kLoso;
  int folds = 5;      ///< number of folds, for kfold
  int seeds = 1;      ///< number of runs per fold, with train.seed, train.seed + 1, ..., to measure the spread
  bool inner = true;  ///< run the second training for Selection::kInner
  Vote vote = Vote::kMajority;
  Selection selection = Selection::kLast;  ///< the selection reported as the main result
  ClipImageOptions images;
  TrainConfig train;
  Pretrained pretrained = Pretrained::kNone;
  std::string pretrained_hash;  ///< weights_hash of the pretrained weights; empty for kNone

  /// Throws Error(kUsage) that names the field.
  void check() const;
  std::vector<std::pair<std::string, std::string>> fields() const;
};

/// One clip in a plan. It has no path, so that plans are equal on all machines.
struct PlannedClip {
  std::string name, subject;
  std::int32_t truth = 0;
  std::int64_t images = 0;
  std::string content;  ///< clip_content_hash
};

/// One fold with one seed: the unit that is run, skipped or repeated.
struct LosoTask {
  int fold = 0;
  std::uint64_t seed = 1;
  std::string name;                   ///< the subject, the clip, or "fold 3"
  std::vector<std::size_t> test;      ///< clip indices, ascending
  std::vector<std::size_t> training;  ///< clip indices, ascending
  std::string inner_subject;          ///< one of the training clips' subjects; empty if there is no second training
  std::int64_t cost = 0;              ///< number of images to process, which determines the order of the tasks
};

struct LosoPlan {
  std::string dataset, classes_of;  ///< e.g. "casme2" or "casme2+samm"; name of the class map
  std::vector<std::string> class_names;
  std::vector<std::pair<std::string, std::string>> config;  ///< LosoConfig::fields()
  std::vector<PlannedClip> clips;
  std::vector<LosoTask> tasks;  ///< by seed, then by fold; a task's number is its index
  std::string hash;             ///< hash of all members above

  int folds() const;
  /// The value of a field of `config`; "" if it has no such field.
  std::string setting(const std::string& name) const;
  /// Task numbers by descending cost; the lower number first on ties.
  std::vector<std::size_t> longest_first() const;
};

/// Makes the plan. `hashes` are the clips' clip_content_hash values. Asserts that no test subject (lovo: no test clip)
/// is in training. Throws Error(kBadData) for fewer than two subjects, more than kMostClipClasses classes, or training
/// clips of fewer than two classes; Error(kUsage) if training clips have too few images for one batch.
LosoPlan make_plan(const LosoConfig& config, const io::ClipSet& clips, const std::string& dataset,
                   const std::vector<std::string>& hashes);

/// Throws Error(kInternal) if a subject (lovo: a clip) is in training and in test. Called again before every fold.
void assert_apart(const LosoPlan& plan, const LosoTask& task, Protocol protocol);

/// Hash of a text as 32 hexadecimal digits, for plans and fold files.
std::string hash_of_text(const std::string& text);

/// The content of plan.json: the whole plan. Equal plans give equal text.
std::string plan_text(const LosoPlan& plan);
/// Reads plan.json. Throws io::Error (kBadData) if it is damaged, its hash is wrong or its parts are inconsistent, and
/// the errors of refuse_other_schema.
LosoPlan read_plan(const std::filesystem::path& path);
/// Throws io::Error (kUsage) if this plan text was made by a version of shcnn whose results differ from those of this
/// version, (kBadData) if it is not JSON. `path` is for the messages.
void refuse_other_schema(const std::filesystem::path& path, const std::string& text);
/// The text of RUN/plan.json, unchecked. Throws io::Error (kBadData) if it is missing.
std::string read_plan_text(const std::filesystem::path& path);

}  // namespace shcnn
