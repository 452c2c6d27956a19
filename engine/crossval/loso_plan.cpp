#include "engine/crossval/loso_plan.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "engine/files/json_fields.h"
#include "io/files/input_file.h"
#include "io/files/natural_less.h"
#include "io/formats/json.h"
#include "kernels/error.h"
#include "kernels/math/philox.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace shcnn {
namespace {

using nlohmann::ordered_json;

/// Since schema 2, an image's class is that of the largest sum of softmax outputs, not of logits, and folds have a
/// hash.
constexpr int kPlanSchema = 2;
constexpr std::int64_t kMostImages = std::int64_t{1} << 31;  ///< maximum for one clip

template <class Enum, std::size_t N>
Enum from_name(const char* field, const std::string& name, const Enum (&all)[N]) {
  std::string names;
  for (const Enum value : all) {
    if (to_string(value) == name) return value;
    names += (names.empty() ? "'" : ", '") + to_string(value) + "'";
  }
  throw Error(ErrorKind::kUsage, field, "'" + name + "' is none of " + names);
}

/// The subjects in natural order, each with its clips.
std::vector<std::pair<std::string, std::vector<std::size_t>>> by_subject(const std::vector<PlannedClip>& clips) {
  std::vector<std::pair<std::string, std::vector<std::size_t>>> out;
  std::map<std::string, std::size_t> place;
  for (std::size_t i = 0; i < clips.size(); ++i) {
    const auto [entry, fresh] = place.emplace(clips[i].subject, out.size());
    if (fresh) out.push_back({clips[i].subject, {}});
    out[entry->second].second.push_back(i);
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return io::natural_less(a.first, b.first); });
  return out;
}

/// The name and the test clips of every fold.
std::vector<std::pair<std::string, std::vector<std::size_t>>> test_parts(const LosoConfig& config,
                                                                         const std::vector<PlannedClip>& clips) {
  const auto subjects = by_subject(clips);
  if (config.protocol == Protocol::kLoso) return subjects;
  std::vector<std::pair<std::string, std::vector<std::size_t>>> out;
  if (config.protocol == Protocol::kLovo) {
    for (std::size_t i = 0; i < clips.size(); ++i) out.push_back({clips[i].name, {i}});
    return out;
  }
  if (config.folds > static_cast<int>(subjects.size())) {
    throw Error(ErrorKind::kUsage, "folds",
                message(config.folds, " folds are more than the ", subjects.size(), " subjects"));
  }
  // shuffle the subjects, sort them by descending number of clips, assign each to the fold with the fewest clips
  std::vector<std::size_t> order(subjects.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[philox_word(config.train.seed, Purpose::kFolds, 0, i) % i]);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return subjects[a].second.size() > subjects[b].second.size(); });
  for (int f = 0; f < config.folds; ++f) out.push_back({"fold " + std::to_string(f + 1), {}});
  for (const std::size_t s : order) {
    const auto least = std::min_element(out.begin(), out.end(),
                                        [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
    least->second.insert(least->second.end(), subjects[s].second.begin(), subjects[s].second.end());
  }
  for (auto& part : out) std::sort(part.second.begin(), part.second.end());
  return out;
}

/// The training subject that the second training leaves out, to choose its epoch by: the one with the most classes, on
/// ties with the most clips, and then the first at or after position `after`, so that folds differ.
std::string inner_subject(const std::vector<PlannedClip>& clips, const std::vector<std::size_t>& training,
                          std::size_t after) {
  std::map<std::string, std::pair<std::set<std::int32_t>, std::size_t>> of;  // subject -> classes, clips
  for (const std::size_t i : training) {
    of[clips[i].subject].first.insert(clips[i].truth);
    ++of[clips[i].subject].second;
  }
  std::vector<std::string> order;
  for (const auto& [subject, ignored] : of) order.push_back(subject);
  std::sort(order.begin(), order.end(), io::natural_less);
  std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(after % order.size()), order.end());
  return *std::max_element(order.begin(), order.end(), [&](const std::string& a, const std::string& b) {
    const auto &x = of[a], &y = of[b];
    return std::pair(x.first.size(), x.second) < std::pair(y.first.size(), y.second);
  });
}

ordered_json plan_json(const LosoPlan& plan) {
  ordered_json config = ordered_json::object(), clips = ordered_json::array(), tasks = ordered_json::array();
  for (const auto& [name, value] : plan.config) config[name] = value;
  for (const PlannedClip& c : plan.clips) {
    clips.push_back({{"name", c.name},
                     {"subject", c.subject},
                     {"truth", plan.class_names[static_cast<std::size_t>(c.truth)]},
                     {"images", c.images},
                     {"content", c.content}});
  }
  for (const LosoTask& t : plan.tasks) {
    tasks.push_back({{"fold", t.fold},
                     {"seed", t.seed},
                     {"name", t.name},
                     {"test", t.test},
                     {"inner_subject", t.inner_subject},
                     {"cost", t.cost}});
  }
  return {{"schema", kPlanSchema},
          {"dataset", plan.dataset},
          {"classes_of", plan.classes_of},
          {"labels", plan.class_names},
          {"config", config},
          {"clips", clips},
          {"tasks", tasks}};
}

std::string dumped(const ordered_json& json) {
  return json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

/// The numbers 0 .. count - 1 without those in `left_out`, which is ascending.
std::vector<std::size_t> all_but(const std::vector<std::size_t>& left_out, std::size_t count) {
  std::vector<std::size_t> out;
  auto next = left_out.begin();
  for (std::size_t i = 0; i < count; ++i) {
    if (next != left_out.end() && *next == i) {
      ++next;
    } else {
      out.push_back(i);
    }
  }
  return out;
}

/// Throws std::out_of_range unless the plan has the properties that make_plan guarantees and other code relies on. A
/// valid hash is not enough, because it can be computed for any content.
void check_parts(const LosoPlan& plan) {
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw std::out_of_range(what);
  };
  const std::set<std::string> labels(plan.class_names.begin(), plan.class_names.end());
  require(labels.size() == plan.class_names.size() && labels.size() >= 2 && labels.size() <= kMostClipClasses,
          "its labels are not 2 to " + std::to_string(kMostClipClasses) + " different ones");
  protocol_from_string(plan.setting("protocol"));
  vote_from_string(plan.setting("vote"));
  selection_from_string(plan.setting("select"));
  pretrained_from_string(plan.setting("pretrained"));
  clip_input_from_string(plan.setting("input"));

  std::set<std::string> subjects;
  for (const PlannedClip& clip : plan.clips) subjects.insert(clip.subject);
  const auto folds = static_cast<std::size_t>(plan.folds());
  require(folds > 0 && plan.tasks.size() % folds == 0, "it has no tasks, or not every fold for every seed");
  std::vector<std::size_t> tested(plan.clips.size(), 0);
  for (std::size_t t = 0; t < plan.tasks.size(); ++t) {
    const LosoTask& task = plan.tasks[t];
    const std::string place = "task " + std::to_string(t) + ": ";
    require(static_cast<std::size_t>(task.fold) == t % folds && task.seed == plan.tasks.front().seed + t / folds,
            place + "its fold or its seed is not the one that is due");
    require(!task.test.empty() &&
                std::adjacent_find(task.test.begin(), task.test.end(), std::greater_equal<>()) == task.test.end(),
            place + "its test clips are none, or not in order");
    for (const std::size_t i : task.test) ++tested[i];
    require(task.inner_subject.empty() || subjects.contains(task.inner_subject),
            place + "its inner subject has no clips");
  }
  const std::size_t seeds = plan.tasks.size() / folds;
  require(std::all_of(tested.begin(), tested.end(), [&](std::size_t n) { return n == seeds; }),
          "a clip is not tested once for each seed");
}

/// Throws Error(kUsage) if the images of the task's first or second training do not fill one batch.
void require_one_batch(const LosoConfig& config, const LosoPlan& plan, const LosoTask& task) {
  if (config.pretrained == Pretrained::kDirect) return;
  const bool larger = image_side(config.images) > make_model(config.train.model).input_size;
  const auto crops = static_cast<std::int64_t>(training_crops(config.train.augment, larger).size());
  for (const bool without_inner : {false, true}) {
    if (without_inner && task.inner_subject.empty()) continue;
    std::int64_t images = 0;
    for (const std::size_t i : task.training) {
      if (!without_inner || plan.clips[i].subject != task.inner_subject) images += plan.clips[i].images;
    }
    if (images * crops >= config.train.batch) continue;
    throw Error(ErrorKind::kUsage, "batch",
                message("the ", images, " training images of fold ", task.name,
                        without_inner ? " without its inner subject" : "", ", ", crops,
                        " crops each, do not fill one batch of ", config.train.batch, "; use a smaller batch"));
  }
}

}  // namespace

std::string hash_of_text(const std::string& text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  char out[33];
  std::snprintf(out, sizeof out, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return out;
}

std::string to_string(Protocol protocol) {
  return protocol == Protocol::kLoso ? "loso" : protocol == Protocol::kLovo ? "lovo" : "kfold";
}
Protocol protocol_from_string(const std::string& name) {
  return from_name("protocol", name, {Protocol::kLoso, Protocol::kLovo, Protocol::kKfold});
}

std::string to_string(Selection selection) {
  return selection == Selection::kLast ? "last" : selection == Selection::kInner ? "inner" : "oracle";
}
Selection selection_from_string(const std::string& name) { return from_name("select", name, kSelections); }

std::string to_string(Pretrained reading) {
  switch (reading) {
    case Pretrained::kNone:
      return "none";
    case Pretrained::kDirect:
      return "direct";
    case Pretrained::kFrozen:
      return "frozen";
    case Pretrained::kFineTune:
      return "finetune";
  }
  return {};
}
Pretrained pretrained_from_string(const std::string& name) {
  return from_name("pretrained", name,
                   {Pretrained::kNone, Pretrained::kDirect, Pretrained::kFrozen, Pretrained::kFineTune});
}

void LosoConfig::check() const {
  train.check();
  const auto require = [](bool good, const char* field, const std::string& what) {
    if (!good) throw Error(ErrorKind::kUsage, field, what);
  };
  require(folds >= 2, "folds", message("must be at least 2, got ", folds));
  require(seeds >= 1 && seeds <= 1000, "seeds", message("must be in 1..1000, got ", seeds));
  require(images.most >= 0, "images", message("must be at least 0 (0 = all), got ", images.most));
  require(train.steps == 0, "steps", "folds are trained by epochs: use --epochs");
  require(inner || selection != Selection::kInner, "select", "'inner' needs the second training: leave out --no-inner");
  const bool frames = images.input == ClipInput::kFrames;
  require(frames == (train.model.variant == Variant::kStatic), "input",
          "flow images go to the micro variant, frames to the static one");
  if (!frames) flow::check(images.flow);
  require(pretrained == Pretrained::kNone || frames, "pretrained", "weights of faces serve --input frames alone");
  require((pretrained == Pretrained::kNone) == pretrained_hash.empty(), "weights",
          "'pretrained' and 'weights' must be given together");
}

std::vector<std::pair<std::string, std::string>> LosoConfig::fields() const {
  std::vector<std::pair<std::string, std::string>> out = {
      {"device", device},
      {"protocol", to_string(protocol)},
      {"folds", protocol == Protocol::kKfold ? std::to_string(folds) : "by protocol"},
      {"seeds", std::to_string(seeds)},
      {"inner", inner ? "true" : "false"},
      {"vote", to_string(vote)},
      {"select", to_string(selection)},
      {"pretrained", to_string(pretrained)},
      {"weights", pretrained_hash.empty() ? "none" : pretrained_hash},
  };
  for (auto& field : images.fields()) out.push_back(std::move(field));
  for (auto& field : train.fields()) out.push_back(std::move(field));
  return out;
}

int LosoPlan::folds() const {
  int most = -1;
  for (const LosoTask& task : tasks) most = std::max(most, task.fold);
  return most + 1;
}

std::string LosoPlan::setting(const std::string& name) const {
  for (const auto& [key, value] : config) {
    if (key == name) return value;
  }
  return {};
}

std::vector<std::size_t> LosoPlan::longest_first() const {
  std::vector<std::size_t> order(tasks.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [this](std::size_t a, std::size_t b) { return tasks[a].cost > tasks[b].cost; });
  return order;
}

void assert_apart(const LosoPlan& plan, const LosoTask& task, Protocol protocol) {
  std::set<std::string> left_out;
  const auto key = [&](std::size_t i) {
    return protocol == Protocol::kLovo ? plan.clips[i].name : plan.clips[i].subject;
  };
  for (const std::size_t i : task.test) left_out.insert(key(i));
  for (const std::size_t i : task.training) {
    if (left_out.contains(key(i))) {
      throw Error(ErrorKind::kInternal, "fold " + task.name, "'" + key(i) + "' is in training and in test");
    }
  }
}

LosoPlan make_plan(const LosoConfig& config, const io::ClipSet& clips, const std::string& dataset,
                   const std::vector<std::string>& hashes) {
  config.check();
  LosoPlan plan;
  plan.dataset = dataset;
  plan.classes_of = clips.rule;
  plan.class_names = clips.class_names;
  plan.config = config.fields();
  for (std::size_t i = 0; i < clips.clips.size(); ++i) {
    const io::Clip& clip = clips.clips[i];
    const auto images = static_cast<std::int64_t>(chosen_frames(config.images, clip.span(), clip.apex).size());
    plan.clips.push_back({clip.name, clip.subject, clip.label, images, hashes[i]});
  }
  if (plan.class_names.size() > kMostClipClasses) {
    throw Error(ErrorKind::kBadData, dataset,
                message("the clips have ", plan.class_names.size(), " classes, at most ", kMostClipClasses,
                        " are taken; use a class map that joins some"));
  }
  if (by_subject(plan.clips).size() < 2) {
    throw Error(ErrorKind::kBadData, dataset, "the clips are of one subject; leaving one out leaves none to train on");
  }
  const auto parts = test_parts(config, plan.clips);
  for (int s = 0; s < config.seeds; ++s) {
    for (std::size_t f = 0; f < parts.size(); ++f) {
      LosoTask task;
      task.fold = static_cast<int>(f);
      task.seed = config.train.seed + static_cast<std::uint64_t>(s);
      task.name = parts[f].first;
      task.test = parts[f].second;
      const std::set<std::size_t> test(task.test.begin(), task.test.end());
      std::set<std::int32_t> classes;
      std::set<std::string> subjects;
      for (std::size_t i = 0; i < plan.clips.size(); ++i) {
        if (test.contains(i)) {
          task.cost += plan.clips[i].images;
        } else {
          task.training.push_back(i);
          classes.insert(plan.clips[i].truth);
          subjects.insert(plan.clips[i].subject);
          task.cost += plan.clips[i].images * config.train.epochs;
        }
      }
      if (classes.size() < 2) {
        throw Error(ErrorKind::kBadData, "fold " + task.name,
                    "its training clips are of fewer than two classes; use fewer --folds or more data");
      }
      if (config.inner && subjects.size() >= 2 && config.pretrained != Pretrained::kDirect) {
        task.inner_subject = inner_subject(plan.clips, task.training, f);
      }
      assert_apart(plan, task, config.protocol);
      require_one_batch(config, plan, task);
      plan.tasks.push_back(std::move(task));
    }
  }
  plan.hash = hash_of_text(dumped(plan_json(plan)));
  return plan;
}

std::string read_plan_text(const std::filesystem::path& path) {
  return io::read_text(path, io::JsonLimits{}.bytes, io::ErrorKind::kBadData);
}

namespace {

constexpr const char* kRemedy = "make it again with shcnn loso plan --force";

/// Parses the text of a plan. Throws unless it has this version's schema.
ordered_json parsed(const std::filesystem::path& path, const std::string& text) {
  auto json = io::parse_json<ordered_json>(text, {path, "", io::ErrorKind::kBadData, kRemedy});
  const bool numbered = json.is_object() && json.contains("schema") && json["schema"].is_number_integer();
  if (numbered && json["schema"] != kPlanSchema) {
    throw io::Error(io::ErrorKind::kUsage, path, "",
                    "is of schema " + json["schema"].dump() +
                        ", made by another version of shcnn; this one has schema " + std::to_string(kPlanSchema) +
                        ", and its results differ",
                    "run again with another --out, or replace this run with --force");
  }
  return json;
}

}  // namespace

void refuse_other_schema(const std::filesystem::path& path, const std::string& text) { parsed(path, text); }

LosoPlan read_plan(const std::filesystem::path& path) {
  const ordered_json json = parsed(path, read_plan_text(path));
  LosoPlan plan;
  try {
    plan.dataset = json.at("dataset").get<std::string>();
    plan.classes_of = json.at("classes_of").get<std::string>();
    plan.class_names = json.at("labels").get<std::vector<std::string>>();
    for (const auto& [name, value] : json.at("config").items())
      plan.config.emplace_back(name, value.get<std::string>());
    for (const auto& c : json.at("clips")) {
      PlannedClip clip;
      clip.name = c.at("name").get<std::string>();
      clip.subject = c.at("subject").get<std::string>();
      const auto truth = std::find(plan.class_names.begin(), plan.class_names.end(), c.at("truth").get<std::string>());
      if (truth == plan.class_names.end()) throw std::out_of_range("the truth of clip '" + clip.name + "' is no label");
      clip.truth = static_cast<std::int32_t>(truth - plan.class_names.begin());
      clip.images = whole_number(c, "images", 1, kMostImages);
      clip.content = c.at("content").get<std::string>();
      plan.clips.push_back(std::move(clip));
    }
    for (const auto& t : json.at("tasks")) {
      LosoTask task;
      task.fold = static_cast<int>(whole_number(t, "fold", 0, std::numeric_limits<int>::max() - 1));
      task.seed = unsigned_number(t, "seed");
      task.name = t.at("name").get<std::string>();
      for (const auto& clip : t.at("test")) {
        task.test.push_back(static_cast<std::size_t>(
            whole_number(ordered_json{{"test", clip}}, "test", 0, static_cast<std::int64_t>(plan.clips.size()) - 1)));
      }
      task.inner_subject = t.at("inner_subject").get<std::string>();
      task.cost = whole_number(t, "cost", 0);
      plan.tasks.push_back(std::move(task));
    }
    plan.hash = json.at("hash").get<std::string>();
    if (plan.hash != hash_of_text(dumped(plan_json(plan)))) throw std::out_of_range("its hash does not hold");
    check_parts(plan);
  } catch (const std::exception& e) {
    throw io::Error(io::ErrorKind::kBadData, path, "", "is no whole plan (" + plain_reason(e) + ")", kRemedy);
  }
  for (LosoTask& task : plan.tasks) task.training = all_but(task.test, plan.clips.size());
  return plan;
}

std::string plan_text(const LosoPlan& plan) {
  ordered_json json = plan_json(plan);
  json["hash"] = plan.hash;
  return dumped(json);
}

}  // namespace shcnn
