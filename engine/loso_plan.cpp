#include "engine/loso_plan.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "io/json.h"
#include "io/natural_less.h"
#include "kernels/error.h"
#include "kernels/math/philox.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace shcnn {
namespace {

using nlohmann::ordered_json;

template <class Enum, std::size_t N>
Enum from_name(const char* field, const std::string& name, const Enum (&all)[N]) {
  std::string names;
  for (const Enum value : all) {
    if (to_string(value) == name) return value;
    names += (names.empty() ? "'" : ", '") + to_string(value) + "'";
  }
  throw Error(ErrorKind::kUsage, field, "'" + name + "' is none of " + names);
}

/// Subjects in natural order, and the clips of each.
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

/// The test clips of every fold with the fold's name.
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
  // shuffled subjects, then the largest first, each to the fold with the fewest clips
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

/// The training subject that the second training leaves out to choose its epoch by: the one whose clips show the most
/// classes; of equal ones that with the most clips; of equal ones the first that follows `after`, so that folds differ.
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
  return {{"schema", 1},
          {"dataset", plan.dataset},
          {"classes_of", plan.classes_of},
          {"labels", plan.class_names},
          {"config", config},
          {"clips", clips},
          {"tasks", tasks}};
}

std::string hash_of(const std::string& text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  char out[33];
  std::snprintf(out, sizeof out, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return out;
}

std::string dumped(const ordered_json& json) {
  return json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

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
  require(pretrained == Pretrained::kNone || frames, "pretrained", "weights of faces serve --input frames alone");
  require((pretrained == Pretrained::kNone) == pretrained_hash.empty(), "weights",
          "a reading of pretrained weights needs --weights, and the other way round");
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
      plan.tasks.push_back(std::move(task));
    }
  }
  plan.hash = hash_of(dumped(plan_json(plan)));
  return plan;
}

LosoPlan read_plan(const std::filesystem::path& path) {
  constexpr const char* kRemedy = "make it again with shcnn loso plan --force";
  const auto json = io::read_json<ordered_json>({path, "", io::ErrorKind::kBadData, kRemedy});
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
      if (truth == plan.class_names.end()) throw std::out_of_range("truth");
      clip.truth = static_cast<std::int32_t>(truth - plan.class_names.begin());
      clip.images = c.at("images").get<std::int64_t>();
      clip.content = c.at("content").get<std::string>();
      plan.clips.push_back(std::move(clip));
    }
    for (const auto& t : json.at("tasks")) {
      LosoTask task;
      task.fold = t.at("fold").get<int>();
      task.seed = t.at("seed").get<std::uint64_t>();
      task.name = t.at("name").get<std::string>();
      task.test = t.at("test").get<std::vector<std::size_t>>();
      task.inner_subject = t.at("inner_subject").get<std::string>();
      task.cost = t.at("cost").get<std::int64_t>();
      const std::set<std::size_t> test(task.test.begin(), task.test.end());
      if (!test.empty() && *test.rbegin() >= plan.clips.size()) throw std::out_of_range("test");
      for (std::size_t i = 0; i < plan.clips.size(); ++i) {
        if (!test.contains(i)) task.training.push_back(i);
      }
      plan.tasks.push_back(std::move(task));
    }
    if (plan.tasks.empty()) throw std::out_of_range("tasks");
    plan.hash = json.at("hash").get<std::string>();
    if (plan.hash != hash_of(dumped(plan_json(plan)))) throw std::out_of_range("hash");
  } catch (const std::exception& e) {
    throw io::Error(io::ErrorKind::kBadData, path, "", std::string("is no whole plan (") + e.what() + ")", kRemedy);
  }
  return plan;
}

std::string plan_text(const LosoPlan& plan) {
  ordered_json json = plan_json(plan);
  json["hash"] = plan.hash;
  return dumped(json);
}

}  // namespace shcnn
