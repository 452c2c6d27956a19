// One fold: trains the network on the clips of the others, classifies the clips that were left out after every epoch,
// and says which epoch each way of choosing takes. Images are streamed from the ClipImageStore: memory does not grow
// with the number of clips.
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

/// One epoch of one training.
struct FoldEpoch {
  int epoch = 0;                           ///< from 1
  double cross_entropy = 0, accuracy = 0;  ///< of training images, with dropout: means over the epoch's steps
  double test_accuracy = 0;                ///< of test clips (first training) or the inner subject's clips (second)
  std::int64_t skipped = 0;                ///< steps that met a NaN or an infinity: in none of the means
};

/// What a fold found.
struct FoldResult {
  std::size_t task = 0;
  std::vector<FoldEpoch> epochs, inner_epochs;  ///< of the first training, and of the one for Selection::kInner
  std::map<Selection, int> chosen;              ///< epoch by each way of choosing; 0: there was no training
  /// For each test clip of the task, in order, what each way of choosing takes it for.
  std::vector<std::map<Selection, ClipVote>> votes;
  std::int64_t neutral = -1;  ///< Pretrained::kDirect: test images seen as neutral; else -1
};

struct FoldHooks {
  std::function<void(std::int64_t step, std::int64_t steps)> on_step;  ///< over the whole fold
  std::function<bool()> should_stop;                                   ///< true ends the fold without a result
  std::function<void(const Weights&)> on_weights;  ///< after the last epoch; not called for kDirect
};

/// Runs folds one after the other on one device. Takes its memory once.
class FoldWorker {
 public:
  /// References must outlive this. `pretrained` may be null.
  FoldWorker(Backend& backend, const LosoConfig& config, const LosoPlan& plan, ClipImageStore& images,
             const Weights* pretrained);

  /// Empty if should_stop returned true. Error(kNonFinite) if training meets a NaN and TrainConfig::on_nan is to stop;
  /// a rollback goes back to the start of the epoch.
  std::optional<FoldResult> run(std::size_t task, const FoldHooks& hooks);

  const MemoryPlan& memory() const { return network_.memory(); }

 private:
  struct Sample {
    std::size_t clip;
    std::int64_t image;
  };
  /// Trains from the start; calls after_epoch(record) with the parameters of that epoch in the network.
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
  std::vector<std::vector<float>> initial_;  ///< tensors that training starts from, of initial_seed_
  std::vector<std::int32_t> clip_class_;     ///< kDirect: class of each class of the weights, -1 = none
  std::int32_t neutral_class_ = -1;
  std::int64_t steps_done_ = 0, steps_in_all_ = 0;
};

/// Error(kUsage) where these weights cannot serve this configuration and these classes of clips. FoldWorker calls it;
/// a caller that writes anything before it makes one calls it first.
void check_pretrained(const LosoConfig& config, const Weights& pretrained, const std::vector<std::string>& class_names);

/// The class of clips that each class of faces belongs to: by name; where clips have MEGC's three, by those; neutral
/// faces are "others" where there is such a class. -1 = none.
std::vector<std::int32_t> clip_classes_of_faces(const std::vector<std::string>& faces,
                                                const std::vector<std::string>& clips);

}  // namespace shcnn
