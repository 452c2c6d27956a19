// Runs one fold: trains the network on the training clips, classifies the test clips after every epoch, and selects an
// epoch by each Selection. Images are streamed from the ClipImageStore, so memory does not grow with the number of
// clips.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/crossval/clip_images.h"
#include "engine/crossval/loso_plan.h"
#include "engine/crossval/vote.h"
#include "engine/net/image_scorer.h"
#include "engine/net/network.h"
#include "engine/train/checkpoint.h"

namespace shcnn {

/// Results of one epoch.
struct FoldEpoch {
  int epoch = 0;                           ///< from 1
  double cross_entropy = 0, accuracy = 0;  ///< on training images, with dropout: means over the epoch's steps
  double test_accuracy = 0;                ///< on test clips (first training) or inner subject's clips (second)
  std::int64_t skipped = 0;                ///< steps that produced a NaN or an infinity; not included in the means
};

/// The result of a fold.
struct FoldResult {
  std::size_t task = 0;
  std::vector<FoldEpoch> epochs, inner_epochs;  ///< of the first training and of the second one, for Selection::kInner
  std::map<Selection, int> chosen;              ///< epoch chosen by each Selection; 0 if there was no training
  /// For each test clip of the task, in order: the vote of the epoch chosen by each Selection.
  std::vector<std::map<Selection, ClipVote>> votes;
  std::int64_t neutral = -1;  ///< Pretrained::kDirect: number of test images classified as neutral; else -1
};

struct FoldHooks {
  std::function<void(std::int64_t step, std::int64_t steps)> on_step;  ///< counts over the whole fold
  std::function<bool()> should_stop;                                   ///< true ends the fold without a result
  std::function<void(const Weights&)> on_weights;  ///< after the first training's last epoch; not for kDirect
};

/// Runs folds one after another on one device. The network's memory is allocated once.
class FoldWorker {
 public:
  /// References must outlive this object. `pretrained` may be null. Throws the errors of check_pretrained.
  FoldWorker(Backend& backend, const LosoConfig& config, const LosoPlan& plan, ClipImageStore& images,
             const Weights* pretrained);

  /// Returns nothing if should_stop returned true. Throws Error(kNonFinite) if training produces a NaN or an infinity
  /// and TrainConfig::on_nan is kStop; kRollback restores the start of the epoch.
  std::optional<FoldResult> run(std::size_t task, const FoldHooks& hooks);

  const MemoryPlan& memory() const { return network_.memory(); }

 private:
  struct Sample {
    std::size_t clip;
    std::int64_t image;
  };
  /// Trains from the initial parameters; calls after_epoch(record) while the network has the parameters of that epoch.
  /// Returns false if should_stop returned true.
  bool train(const std::vector<std::size_t>& clips, std::uint64_t seed, const FoldHooks& hooks,
             const std::function<void(FoldEpoch&)>& after_epoch);
  void start(std::uint64_t seed);
  void restore_frozen();
  using Snapshot = std::map<ParameterKind, std::vector<std::vector<float>>>;
  Snapshot read_all() const;
  void write_all(const Snapshot& snapshot);
  Weights weights(int epoch) const;
  ImageScores as_clip_classes(const ImageScores& faces) const;
  double accuracy_of(const std::vector<std::size_t>& clips, const std::vector<ClipVote>& votes) const;
  std::vector<ClipVote> vote_on_clips(const std::vector<std::size_t>& clips, double* cross_entropy,
                                      std::int64_t* neutral);

  Backend& backend_;
  const LosoConfig& config_;
  const LosoPlan& plan_;
  ClipImageStore& images_;
  const Weights* pretrained_;
  Protocol protocol_;
  Network<float> network_;
  ImageScorer scorer_;
  std::vector<int> crops_;
  std::uint64_t initial_seed_ = 0;
  std::vector<std::vector<float>> initial_;  ///< initial tensors of the training, for initial_seed_
  std::vector<std::int32_t> clip_class_;     ///< kDirect: clip class of each class of the weights, -1 = none
  std::int32_t neutral_class_ = -1;
  std::int64_t steps_done_ = 0, steps_in_all_ = 0;
};

/// Throws Error(kUsage) if these weights cannot be used with this configuration and these clip classes. FoldWorker
/// calls it; callers that write anything before they make a FoldWorker should call it first.
void check_pretrained(const LosoConfig& config, const Weights& pretrained, const std::vector<std::string>& class_names);

/// The clip class of each face class: the class of the same name or, if the clips have MEGC's three classes, the one
/// that contains the emotion. Neutral faces are mapped to "others" if there is such a class. -1 = none.
std::vector<std::int32_t> clip_classes_of_faces(const std::vector<std::string>& faces,
                                                const std::vector<std::string>& clips);

}  // namespace shcnn
