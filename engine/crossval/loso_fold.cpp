#include "engine/crossval/loso_fold.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/files/exact_text.h"
#include "engine/net/initialise.h"
#include "engine/train/non_finite.h"
#include "engine/train/training_step.h"
#include "io/clips/clip_classes.h"
#include "io/clips/coding_table.h"

namespace shcnn {
namespace {

constexpr ParameterKind kTrained[] = {ParameterKind::kValue, ParameterKind::kFirstMoment, ParameterKind::kSecondMoment};
constexpr std::size_t kBodyTensors = 2 * (kLayers - 1);  ///< weights and biases of all layers but the last

ModelOptions model_of(const LosoConfig& config, const Weights* pretrained) {
  return config.pretrained == Pretrained::kDirect ? pretrained->model : config.train.model;
}

bool larger_than_input(const LosoConfig& config, const ClipImageStore& images) {
  return images.height() > make_model(config.train.model).input_size;
}

}  // namespace

std::vector<std::int32_t> clip_classes_of_faces(const std::vector<std::string>& faces,
                                                const std::vector<std::string>& clips) {
  const auto find = [&](const std::string& name) {
    const auto at = std::find(clips.begin(), clips.end(), name);
    return at == clips.end() ? -1 : static_cast<std::int32_t>(at - clips.begin());
  };
  const io::ClassMap three = io::class_map("composite", io::ClipLayout::kSamm);
  std::vector<std::int32_t> out;
  for (const std::string& face : faces) {
    const std::string word = io::emotion_word(face);
    std::int32_t c = find(word == "neutral" ? "others" : word);
    if (c < 0) {
      for (const auto& [emotion, of_three] : three.emotions) {
        if (emotion == word) c = find(three.classes[static_cast<std::size_t>(of_three)]);
      }
    }
    out.push_back(c);
  }
  return out;
}

void check_pretrained(const LosoConfig& config, const Weights& pretrained,
                      const std::vector<std::string>& class_names) {
  if (pretrained.model.variant != Variant::kStatic) {
    throw Error(ErrorKind::kUsage, "weights", "are of the micro variant; Table 10's group B takes weights of faces");
  }
  if (config.pretrained == Pretrained::kDirect) {
    const std::vector<std::int32_t> mapped = clip_classes_of_faces(pretrained.class_names, class_names);
    if (std::all_of(mapped.begin(), mapped.end(), [](std::int32_t c) { return c < 0; })) {
      throw Error(ErrorKind::kUsage, "weights",
                  "none of their classes is one of the clips' (first: '" + pretrained.class_names.front() + "' and '" +
                      class_names.front() + "'); the direct reading takes weights of FER+ or FER2013");
    }
  }
  // the pretrained layers were trained with these settings
  if (pretrained.model.slope != config.train.model.slope || pretrained.input_scale != config.train.input_scale) {
    throw Error(ErrorKind::kUsage, "weights",
                message("were trained with slope ", exact_text(pretrained.model.slope), " and input-scale ",
                        exact_text(pretrained.input_scale), ", this run is to have ",
                        exact_text(config.train.model.slope), " and ", exact_text(config.train.input_scale),
                        "; leave both settings out, and the weights' are taken"));
  }
}

FoldWorker::FoldWorker(Backend& backend, const LosoConfig& config, const LosoPlan& plan, ClipImageStore& images,
                       const Weights* pretrained)
    : backend_(backend),
      config_(config),
      plan_(plan),
      images_(images),
      pretrained_(pretrained),
      protocol_(config.protocol),
      network_(*backend.device, backend.context, backend.ops, make_model(model_of(config, pretrained)),
               config.pretrained == Pretrained::kDirect ? NetworkUse::kInference : NetworkUse::kTraining,
               std::max<std::int64_t>(config.train.batch, 10)),
      scorer_(*backend.device, network_, images.height(), images.width(), images.channels(),
              evaluation_crops(config.train.augment, larger_than_input(config, images)), config.train.input_scale),
      crops_(training_crops(config.train.augment, larger_than_input(config, images))) {
  if (config.pretrained == Pretrained::kNone) return;
  check_pretrained(config, *pretrained, plan.class_names);
  if (config.pretrained != Pretrained::kDirect) return;
  pretrained->store_to(network_.parameters());
  clip_class_ = clip_classes_of_faces(pretrained->class_names, plan.class_names);
  const auto neutral = std::find(pretrained->class_names.begin(), pretrained->class_names.end(), "neutral");
  if (neutral != pretrained->class_names.end()) {
    neutral_class_ = static_cast<std::int32_t>(neutral - pretrained->class_names.begin());
  }
}

void FoldWorker::start(std::uint64_t seed) {
  Parameters<float>& p = network_.parameters();
  const std::size_t tensors = network_.model().parameters().size();
  if (initial_.empty() || initial_seed_ != seed) {
    initialise(p, network_.model(), config_.train.initial, seed);
    initial_ = p.read_all(ParameterKind::kValue);
    if (pretrained_ != nullptr) {
      for (std::size_t i = 0; i < kBodyTensors; ++i) initial_[i] = pretrained_->tensors[i];
    }
    initial_seed_ = seed;
  }
  for (std::size_t i = 0; i < tensors; ++i) p.write(i, ParameterKind::kValue, initial_[i]);
  for (const ParameterKind kind : {ParameterKind::kFirstMoment, ParameterKind::kSecondMoment}) {
    const View<float> moments = p.all(kind);
    backend_.device->fill_zero(moments.data, static_cast<std::size_t>(moments.count()) * sizeof(float));
  }
}

void FoldWorker::restore_frozen() {
  // Adam has updated every layer. Restoring the frozen ones makes each forward pass use the pretrained weights.
  for (std::size_t i = 0; i < kBodyTensors; ++i) network_.parameters().write(i, ParameterKind::kValue, initial_[i]);
}

FoldWorker::Snapshot FoldWorker::read_all() const {
  Snapshot out;
  for (const ParameterKind kind : kTrained) out[kind] = network_.parameters().read_all(kind);
  return out;
}

void FoldWorker::write_all(const Snapshot& snapshot) {
  for (const auto& [kind, tensors] : snapshot) {
    for (std::size_t i = 0; i < tensors.size(); ++i) network_.parameters().write(i, kind, tensors[i]);
  }
}

Weights FoldWorker::weights(int epoch) const {
  Weights out;
  out.model = network_.model().options;
  out.class_names = plan_.class_names;
  out.input_scale = config_.train.input_scale;
  out.augment = config_.train.augment;
  out.recipe = config_.train.recipe;
  out.dataset = plan_.dataset;
  out.epoch = epoch;
  out.tensors = network_.parameters().read_all(ParameterKind::kValue);
  return out;
}

bool FoldWorker::train(const std::vector<std::size_t>& clips, std::uint64_t seed, const FoldHooks& hooks,
                       const std::function<void(FoldEpoch&)>& after_epoch) {
  start(seed);
  TrainConfig config = config_.train;
  config.seed = seed;
  const auto classes = static_cast<std::size_t>(config.model.classes);
  const std::int64_t batch = config.batch;
  std::vector<Sample> samples;
  for (const std::size_t clip : clips) {
    for (std::int64_t i = 0; i < images_.count(clip); ++i) samples.push_back({clip, i});
  }
  const auto count = static_cast<std::int64_t>(samples.size());
  const std::int64_t steps = count * static_cast<std::int64_t>(crops_.size()) / batch;
  if (steps == 0) {
    throw Error(ErrorKind::kBadData, "train",
                message(count, " training images do not fill one batch of ", batch, "; use a smaller --batch"));
  }

  DeviceSamples<float> window(*backend_.device, batch, images_.height(), images_.width(), images_.channels(),
                              config.model.classes);
  TrainingStep<float> step(*backend_.device, network_, window, config);
  NonFiniteSteps non_finite(config.on_nan);
  Snapshot snapshot;  // OnNan::kRollback: the state at the start of the epoch
  const auto bytes = static_cast<std::size_t>(images_.height()) * static_cast<std::size_t>(images_.width()) *
                     static_cast<std::size_t>(images_.channels());
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(batch) * bytes);
  std::vector<float> labels(static_cast<std::size_t>(batch) * classes);
  std::vector<std::int32_t> slots(static_cast<std::size_t>(batch) * crops_.size());

  for (int epoch = 1; epoch <= config.epochs; ++epoch) {
    const std::vector<std::int32_t> order = shuffled_order(count, crops_, seed, static_cast<std::uint32_t>(epoch - 1));
    FoldEpoch record;
    record.epoch = epoch;
    std::int64_t correct = 0;
    if (config.on_nan == OnNan::kRollback) {
      step.settle();
      snapshot = read_all();
    }
    for (std::int64_t s = 0; s < steps; ++s) {
      if (hooks.should_stop && hooks.should_stop()) return false;
      std::fill(labels.begin(), labels.end(), 0.0f);
      for (std::int64_t i = 0; i < batch; ++i) {
        const std::int32_t entry = order[static_cast<std::size_t>(s * batch + i)];
        const Sample& sample = samples[static_cast<std::size_t>(entry / 16)];
        const std::shared_ptr<const ClipImages> images = images_.get(sample.clip);
        const auto from = images->pixels.begin() + sample.image * static_cast<std::int64_t>(bytes);
        std::copy_n(from, bytes, pixels.begin() + i * static_cast<std::int64_t>(bytes));
        labels[static_cast<std::size_t>(i) * classes + static_cast<std::size_t>(plan_.clips[sample.clip].truth)] = 1;
        // TrainingStep's order has crops.size() batches per epoch; all of them are set to this batch
        for (std::size_t c = 0; c < crops_.size(); ++c) {
          slots[c * static_cast<std::size_t>(batch) + static_cast<std::size_t>(i)] = order_entry(i, entry % 16);
        }
      }
      window.replace(pixels, labels);
      if (crops_.size() > 1 || step.step() == 0) step.set_order(slots);
      step.run();
      const StepReport report = step.wait(step.step());
      if (report.non_finite > 0) {
        ++record.skipped;
        if (non_finite.met(step, step.step(), report, "try a lower --lr, --clip-norm, or --on-nan skip")) {
          write_all(snapshot);
          step.resume_after(step.step());
        }
      } else {
        non_finite.met_finite();
        if (config_.pretrained == Pretrained::kFrozen) restore_frozen();
        record.cross_entropy += report.cross_entropy;
        correct += report.correct;
      }
      if (hooks.on_step) hooks.on_step(++steps_done_, steps_in_all_);
    }
    if (const std::int64_t counted = steps - record.skipped; counted > 0) {
      record.cross_entropy /= static_cast<double>(counted);
      record.accuracy = static_cast<double>(correct) / static_cast<double>(counted * batch);
    }
    if (hooks.on_weights && epoch == config.epochs) step.settle();  // the weights to save include fc1's dead columns
    after_epoch(record);
  }
  return true;
}

ImageScores FoldWorker::as_clip_classes(const ImageScores& faces) const {
  // A clip class gets the best score among its face classes, so the predicted face class determines the clip class.
  constexpr double kNever = -1e30;
  const std::size_t n = plan_.class_names.size(), from = clip_class_.size();
  ImageScores out;
  out.classes = static_cast<int>(n);
  const auto images = static_cast<std::size_t>(faces.images());
  out.logits.assign(images * n, kNever);
  out.softmax.assign(images * n, 0.0);
  for (std::size_t i = 0; i < images; ++i) {
    for (std::size_t f = 0; f < from; ++f) {
      if (clip_class_[f] < 0) continue;
      const std::size_t cell = i * n + static_cast<std::size_t>(clip_class_[f]);
      out.logits[cell] = std::max(out.logits[cell], faces.logits[i * from + f]);
      out.softmax[cell] = std::max(out.softmax[cell], faces.softmax[i * from + f]);
    }
  }
  return out;
}

std::vector<ClipVote> FoldWorker::vote_on_clips(const std::vector<std::size_t>& clips, double* cross_entropy,
                                                std::int64_t* neutral) {
  std::vector<ClipVote> out;
  double sum = 0;
  std::int64_t images = 0;
  for (const std::size_t clip : clips) {
    const std::shared_ptr<const ClipImages> input = images_.get(clip);
    ImageScores found = scorer_.run(input->pixels);
    if (neutral != nullptr && neutral_class_ >= 0) {
      for (std::int64_t i = 0; i < found.images(); ++i) {
        *neutral += found.class_of(i) == neutral_class_ ? 1 : 0;
      }
    }
    if (!clip_class_.empty()) found = as_clip_classes(found);
    const auto truth = static_cast<std::size_t>(plan_.clips[clip].truth);
    for (std::int64_t i = 0; i < found.images(); ++i) {
      sum -= std::log(std::max(found.softmax[static_cast<std::size_t>(i * found.classes) + truth], 1e-30));
      ++images;
    }
    out.push_back(vote_on(found, input->apex));
  }
  if (cross_entropy != nullptr) *cross_entropy = images > 0 ? sum / static_cast<double>(images) : 0;
  return out;
}

double FoldWorker::accuracy_of(const std::vector<std::size_t>& clips, const std::vector<ClipVote>& votes) const {
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < clips.size(); ++i) {
    correct += votes[i].by(config_.vote) == plan_.clips[clips[i]].truth ? 1 : 0;
  }
  return clips.empty() ? 0 : static_cast<double>(correct) / static_cast<double>(clips.size());
}

std::optional<FoldResult> FoldWorker::run(std::size_t number, const FoldHooks& hooks) {
  const LosoTask& task = plan_.tasks[number];
  assert_apart(plan_, task, protocol_);
  FoldResult out;
  out.task = number;
  out.votes.resize(task.test.size());
  const auto take = [&](Selection selection, int epoch, const std::vector<ClipVote>& votes) {
    out.chosen[selection] = epoch;
    for (std::size_t i = 0; i < votes.size(); ++i) out.votes[i][selection] = votes[i];
  };
  if (config_.pretrained == Pretrained::kDirect) {
    out.neutral = 0;
    take(Selection::kLast, 0, vote_on_clips(task.test, nullptr, &out.neutral));
    return out;
  }

  // Second training: `outer` are the clips to train on, `inner` those to choose the epoch by.
  std::vector<std::size_t> outer, inner;
  for (const std::size_t i : task.training) (plan_.clips[i].subject == task.inner_subject ? inner : outer).push_back(i);
  const auto steps_for = [&](const std::vector<std::size_t>& clips) {
    std::int64_t images = 0;
    for (const std::size_t clip : clips) images += images_.count(clip);
    return images * static_cast<std::int64_t>(crops_.size()) / config_.train.batch * config_.train.epochs;
  };
  steps_done_ = 0;
  steps_in_all_ = steps_for(task.training) + (inner.empty() ? 0 : steps_for(outer));

  double best = -1;
  const bool finished = train(task.training, task.seed, hooks, [&](FoldEpoch& record) {
    const std::vector<ClipVote> votes = vote_on_clips(task.test, nullptr, nullptr);
    record.test_accuracy = accuracy_of(task.test, votes);
    if (record.test_accuracy > best) {  // the earliest epoch on ties
      best = record.test_accuracy;
      take(Selection::kOracle, record.epoch, votes);
    }
    if (record.epoch == config_.train.epochs) {
      take(Selection::kLast, record.epoch, votes);
      if (hooks.on_weights) hooks.on_weights(weights(record.epoch));
    }
    out.epochs.push_back(record);
  });
  if (!finished) return std::nullopt;
  if (inner.empty()) return out;

  best = -1;
  double best_cross_entropy = std::numeric_limits<double>::infinity();
  const bool again = train(outer, task.seed, hooks, [&](FoldEpoch& record) {
    double cross_entropy = 0;
    record.test_accuracy = accuracy_of(inner, vote_on_clips(inner, &cross_entropy, nullptr));
    // ties are frequent with the few clips of one subject: take the epoch with the lower cross-entropy
    if (record.test_accuracy > best || (record.test_accuracy == best && cross_entropy < best_cross_entropy)) {
      best = record.test_accuracy;
      best_cross_entropy = cross_entropy;
      take(Selection::kInner, record.epoch, vote_on_clips(task.test, nullptr, nullptr));
    }
    out.inner_epochs.push_back(record);
  });
  if (!again) return std::nullopt;
  return out;
}

}  // namespace shcnn
