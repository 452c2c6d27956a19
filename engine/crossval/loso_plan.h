// The plan of a cross-validation over clips: which clips each fold trains on and which it tests. A plan is made from
// the data and the configuration alone, is the same wherever it is made, and its hash stands in every fold's result.
//
//   loso    leave one subject out: a fold a subject (the paper)
//   kfold   subjects dealt to `folds` folds of about equal numbers of clips
//   lovo    leave one video out: a fold a clip; its subject's other clips are in training
//   composite data (CDE) are clips of several sets with the classes of one map: loso over all of their subjects
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
Protocol protocol_from_string(const std::string& name);  ///< "loso", "lovo", "kfold"; Error(kUsage) else
std::string to_string(Protocol protocol);

/// How the epoch whose predictions count is chosen. Every result names it.
enum class Selection {
  kLast,    ///< the last of a fixed number
  kInner,   ///< the best on a training subject that this second training leaves out
  kOracle,  ///< the best on the test clips themselves: the paper's way, which looks at the answers
};
inline constexpr Selection kSelections[] = {Selection::kLast, Selection::kInner, Selection::kOracle};
Selection selection_from_string(const std::string& name);  ///< "last", "inner", "oracle"; Error(kUsage) else
std::string to_string(Selection selection);

/// What a network of faces that was trained on FER+ lends (Table 10's group B, which the paper describes in one line:
/// "using the pretrained weights from FERPlus").
enum class Pretrained {
  kNone,
  kDirect,    ///< reading 1: it classifies as it is; its eight classes are mapped to the clips'
  kFrozen,    ///< reading 2: its layers stay as they are, a new last layer is trained
  kFineTune,  ///< reading 3: its layers are the start, all are trained, the last one anew
};
Pretrained pretrained_from_string(const std::string& name);  ///< "none", "direct", "frozen", "finetune"
std::string to_string(Pretrained reading);

/// Classes of clips that a plan takes at most: its confusion matrices have the square of it.
inline constexpr std::size_t kMostClipClasses = 100;

struct LosoConfig {
  std::string device = "cpu";  ///< "cpu", "cuda" or "simt": they differ in rounding, so folds of two are not mixed
  Protocol protocol = Protocol::kLoso;
  int folds = 5;      ///< of kfold
  int seeds = 1;      ///< every fold is run with train.seed, train.seed + 1, ...: for the spread
  bool inner = true;  ///< train a second time for Selection::kInner
  Vote vote = Vote::kMajority;
  Selection selection = Selection::kLast;  ///< the column that headlines
  ClipImageOptions images;
  TrainConfig train;
  Pretrained pretrained = Pretrained::kNone;
  std::string pretrained_hash;  ///< content hash of the weights

  /// Throws Error(kUsage) that names the field.
  void check() const;
  std::vector<std::pair<std::string, std::string>> fields() const;
};

/// One clip as the plan knows it: no path.
struct PlannedClip {
  std::string name, subject;
  std::int32_t truth = 0;
  std::int64_t images = 0;
  std::string content;  ///< clip_content_hash
};

/// One fold with one seed: what is run, and skipped or repeated, as a whole.
struct LosoTask {
  int fold = 0;
  std::uint64_t seed = 1;
  std::string name;                   ///< the subject, the clip, or "fold 3"
  std::vector<std::size_t> test;      ///< clips, in order
  std::vector<std::size_t> training;  ///< clips, in order
  std::string inner_subject;          ///< of the training clips; empty where there is no second training
  std::int64_t cost = 0;              ///< images to go through: what decides the order of running
};

struct LosoPlan {
  std::string dataset, classes_of;  ///< "casme2" or "casme2+samm"; the class map's name
  std::vector<std::string> class_names;
  std::vector<std::pair<std::string, std::string>> config;  ///< LosoConfig::fields()
  std::vector<PlannedClip> clips;
  std::vector<LosoTask> tasks;  ///< by seed, then by fold: their position is their number
  std::string hash;             ///< over everything above

  int folds() const;
  /// Of config; "" where it does not say.
  std::string setting(const std::string& name) const;
  /// Task numbers, longest first; of equal ones the lower.
  std::vector<std::size_t> longest_first() const;
};

/// Makes the plan. `hashes` of clip_content_hash. Asserts that no test subject (lovo: no test clip) is in training.
/// Error(kBadData) where there are fewer than two subjects, or a training part that lacks classes altogether;
/// Error(kUsage) where a training part has too few images for one batch.
LosoPlan make_plan(const LosoConfig& config, const io::ClipSet& clips, const std::string& dataset,
                   const std::vector<std::string>& hashes);

/// Throws Error(kInternal) where a subject (lovo: a clip) is on both sides of a task: called again before every fold.
void assert_apart(const LosoPlan& plan, const LosoTask& task, Protocol protocol);

/// 32 hexadecimal digits over a text: of plans and of fold files.
std::string hash_of_text(const std::string& text);

/// plan.json: everything, as text that is the same for the same plan.
std::string plan_text(const LosoPlan& plan);
/// Reads it back. io::Error (kBadData) where it is damaged: its hash must hold, and its parts must fit together.
/// Errors of refuse_other_schema.
LosoPlan read_plan(const std::filesystem::path& path);
/// io::Error (kUsage) where the plan of that text was made by a version of shcnn whose results differ from this one's;
/// (kBadData) where it is no JSON.
void refuse_other_schema(const std::filesystem::path& path, const std::string& text);
/// The text of RUN/plan.json, unchecked. io::Error (kBadData) where there is none.
std::string read_plan_text(const std::filesystem::path& path);

}  // namespace shcnn
