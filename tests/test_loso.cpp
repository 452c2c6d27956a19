// Cross-validation over clips: votes compared with a direct implementation of the rules, plans that keep subjects
// apart, folds whose bytes do not depend on which process ran them, merges that refuse inconsistent files.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <functional>
#include <set>
#include <thread>

#include "engine/crossval/loso_fold.h"
#include "engine/crossval/loso_plan.h"
#include "engine/crossval/loso_results.h"
#include "engine/crossval/loso_run.h"
#include "engine/crossval/vote.h"
#include "engine/files/range_lock.h"
#include "io/clips/clip_classes.h"
#include "io/synth/clips.h"
#include "io_support.h"
#include "support/options.h"
#include "support/random.h"

namespace shcnn {
namespace {

using io::test::error_text;
using io::test::get;
using io::test::put;
using io::test::TemporaryFolder;

/// Scores with these logits, image after image.
ImageScores scores_of(int classes, std::vector<double> logits) {
  ImageScores out;
  out.classes = classes;
  out.logits = std::move(logits);
  for (std::size_t i = 0; i < out.logits.size(); i += static_cast<std::size_t>(classes)) {
    double sum = 0;
    for (int c = 0; c < classes; ++c) sum += std::exp(out.logits[i + static_cast<std::size_t>(c)]);
    for (int c = 0; c < classes; ++c)
      out.softmax.push_back(std::exp(out.logits[i + static_cast<std::size_t>(c)]) / sum);
  }
  return out;
}

/// `subjects` x `each` clips of two classes, one more for odd subjects, without frames on disk.
io::ClipSet listed_clips(int subjects, int each) {
  io::ClipSet clips;
  clips.class_names = {"a", "b"};
  clips.rule = "test";
  for (int s = 0; s < subjects; ++s) {
    for (int k = 0; k < each + s % 2; ++k) {
      io::Clip clip;
      clip.subject = "sub" + std::to_string(s);
      clip.name = clip.subject + "/c" + std::to_string(k);
      clip.label = k % 2;
      clip.frames.resize(static_cast<std::size_t>(3 + s));
      clip.apex = 1;
      clips.clips.push_back(clip);
    }
  }
  return clips;
}

LosoConfig small_config() {
  LosoConfig config;
  config.train = recipe("paper", Variant::kMicro, 2, "clips");
  config.train.epochs = 2;
  config.train.batch = 1;
  return config;
}

LosoPlan listed_plan(const LosoConfig& config, const io::ClipSet& clips) {
  return make_plan(config, clips, "test", std::vector<std::string>(clips.clips.size(), "hash"));
}

/// A result without training: the votes depend on the numbers of the task and the clip.
FoldResult made_result(const LosoPlan& plan, std::size_t task) {
  FoldResult out;
  out.task = task;
  double correct = 0;
  for (std::size_t i = 0; i < plan.tasks[task].test.size(); ++i) {
    const PlannedClip& clip = plan.clips[plan.tasks[task].test[i]];
    ClipVote vote;
    vote.majority = static_cast<std::int32_t>((task + i) % 2);
    vote.counts = {0, 0};
    vote.counts[static_cast<std::size_t>(vote.majority)] = clip.images;
    out.votes.push_back({{Selection::kLast, vote}, {Selection::kInner, vote}, {Selection::kOracle, vote}});
    correct += vote.majority == clip.truth ? 1 : 0;
  }
  const double accuracy = correct / static_cast<double>(out.votes.size());
  out.epochs = {{1, 0.5, 0.25, accuracy}, {2, 0.25, 0.5, accuracy}};
  out.inner_epochs = {{1, 0.5, 0.25, 0.75}, {2, 0.25, 0.5, 1}};
  out.chosen = {{Selection::kLast, 2}, {Selection::kInner, 1}, {Selection::kOracle, 1}};
  return out;
}

/// Generated clips of three subjects, by default six. The static network learns them as frames, which costs a hundredth
/// of the micro variant.
struct MadeClips {
  TemporaryFolder folder;
  io::ClipSet clips;
  std::vector<std::string> hashes;
  LosoConfig config;

  explicit MadeClips(int count = 6) {
    synth::ClipSynthOptions made;
    made.subjects = 3;
    made.clips = count;
    made.size = 40;
    made.least_frames = made.most_frames = 3;
    made.seed = test::options().seed;
    synth::write_made_clips(folder.path() / "data", made, io::Overwrite::kNo);
    clips = io::read_clips(io::ClipLayout::kCasme2, folder.path() / "data");
    io::apply_class_map(clips, io::class_map("paper", io::ClipLayout::kCasme2));
    for (const io::Clip& clip : clips.clips) hashes.push_back(clip_content_hash(clip));
    config.images.input = ClipInput::kFrames;
    config.train = recipe("paper", Variant::kStatic, 5, "clips");
    config.train.epochs = 2;
    config.train.batch = 20;
  }
  ClipImageStore images(const BackendOptions& backend) const {
    ClipCacheOptions cache;
    cache.folder = folder.path() / "cache";
    return ClipImageStore(clips, hashes, config.images, cache, "cpu", backend);
  }
};

BackendOptions cpu_options(int threads) {
  BackendOptions out;
  out.threads = threads;
  return out;
}

}  // namespace

TEST_CASE("Votes: majority, tie by the apex, tie by softmax, sums", "[vote]") {
  // classes of the images: 0 1 1; the sum of logits gives 0
  ClipVote vote = vote_on(scores_of(2, {9, 0, 0, 1, 0, 1}), -1);
  CHECK(vote.majority == 1);
  CHECK_FALSE(vote.tie);
  CHECK(vote.sum_logits == 0);
  CHECK(vote.counts == std::vector<std::int64_t>{1, 2});
  // 0 0 1 1 2: a tie of 0 and 1; the apex image decides for 1
  const std::vector<double> tied = {2, 0, 0, 2, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 5};
  vote = vote_on(scores_of(3, tied), 3);
  CHECK(vote.tie);
  CHECK(vote.majority == 1);
  CHECK(vote_on(scores_of(3, tied), 0).majority == 0);
  // The apex image has class 2, which is not in the tie, or there is no apex: the larger softmax sum in the tie
  // decides.
  CHECK(vote_on(scores_of(3, tied), 4).majority == 0);
  CHECK(vote_on(scores_of(3, tied), -1).majority == 0);
  // all logits negative: class 0 gains nothing from that
  CHECK(vote_on(scores_of(2, {-5, -1, -5, -1}), -1).sum_logits == 1);
  // sums of softmax differ from sums of logits: one image with a very high score
  vote = vote_on(scores_of(2, {30, 0, 0, 2, 0, 2}), -1);
  CHECK(vote.sum_logits == 0);
  CHECK(vote.sum_softmax == 1);
}

TEST_CASE("An image's class is that of the largest mean softmax output over its crops, not of the mean logit",
          "[vote]") {
  // Three crops with the logits (10, 0), (0, 3), (0, 3). By hand: the logits' sums are 10 and 6; the softmax outputs of
  // the second crop are 0.0474 and 0.9526, so the sums are 1.0948 and 1.9052.
  ImageScores image;
  image.classes = 2;
  image.logits = {10.0 / 3, 6.0 / 3};
  image.softmax = {1.0948 / 3, 1.9052 / 3};
  CHECK(image.class_of(0) == 1);
  const ClipVote vote = vote_on(image, -1);
  CHECK(vote.counts == std::vector<std::int64_t>{0, 1});
  CHECK(vote.majority == 1);
  CHECK(vote.sum_softmax == 1);
  CHECK(vote.sum_logits == 0);
}

TEST_CASE("No subject is on both sides of a fold, every clip is tested once", "[plan]") {
  const io::ClipSet clips = listed_clips(7, 3);
  for (const Protocol protocol : {Protocol::kLoso, Protocol::kKfold, Protocol::kLovo}) {
    LosoConfig config = small_config();
    config.protocol = protocol;
    config.folds = 3;
    config.seeds = 2;
    const LosoPlan plan = listed_plan(config, clips);
    CHECK(plan.folds() == (protocol == Protocol::kLoso    ? 7
                           : protocol == Protocol::kKfold ? 3
                                                          : static_cast<int>(clips.clips.size())));
    std::vector<int> tested(clips.clips.size(), 0);
    for (const LosoTask& task : plan.tasks) {
      std::set<std::string> test, training;
      for (const std::size_t i : task.test) {
        ++tested[i];
        test.insert(clips.clips[i].subject);
      }
      for (const std::size_t i : task.training) training.insert(clips.clips[i].subject);
      CHECK(task.test.size() + task.training.size() == clips.clips.size());
      if (protocol != Protocol::kLovo) {
        for (const std::string& subject : test) CHECK(training.count(subject) == 0);
      }
      CHECK(training.count(task.inner_subject) == 1);
    }
    CHECK(std::all_of(tested.begin(), tested.end(), [](int n) { return n == 2; }));  // once per seed
    const std::vector<std::size_t> order = plan.longest_first();
    for (std::size_t i = 1; i < order.size(); ++i) CHECK(plan.tasks[order[i - 1]].cost >= plan.tasks[order[i]].cost);
  }
  LosoConfig config = small_config();
  LosoPlan plan = listed_plan(config, clips);
  plan.tasks[0].training.push_back(plan.tasks[0].test[0]);
  CHECK_THROWS_WITH(assert_apart(plan, plan.tasks[0], Protocol::kLoso), Catch::Contains("in training and in test"));
}

TEST_CASE("A plan is read back, and its hash follows what it holds", "[plan]") {
  const TemporaryFolder folder;
  const io::ClipSet clips = listed_clips(3, 2);
  const LosoPlan plan = listed_plan(small_config(), clips);
  put(folder / "plan.json", plan_text(plan));
  const LosoPlan again = read_plan(folder / "plan.json");
  CHECK(again.hash == plan.hash);
  CHECK(plan_text(again) == plan_text(plan));
  LosoConfig other = small_config();
  other.train.learning_rate = 1e-4;
  CHECK(listed_plan(other, clips).hash != plan.hash);
  std::string text = plan_text(plan);
  text.replace(text.find("sub1"), 4, "sub9");
  put(folder / "plan.json", text);
  CHECK_THAT(error_text([&] { read_plan(folder / "plan.json"); }), Catch::Contains("its hash does not hold"));
}

TEST_CASE("A plan with a right hash and a wrong content is refused", "[plan]") {
  const TemporaryFolder folder;
  const io::ClipSet clips = listed_clips(3, 2);
  LosoConfig config = small_config();
  config.seeds = 2;
  const auto refused = [&](const std::function<void(LosoPlan&)>& change, const std::string& why) {
    LosoPlan plan = listed_plan(config, clips);
    change(plan);
    plan.hash.clear();
    const std::string body = plan_text(plan);  // ends with an empty hash, which is not part of the hashed text
    const std::string field = ",\n \"hash\": \"\"";
    REQUIRE(body.find(field) != std::string::npos);
    std::string hashed = body;
    hashed.erase(hashed.find(field), field.size());
    plan.hash = hash_of_text(hashed);
    put(folder / "plan.json", plan_text(plan));
    INFO(why);
    CHECK_THAT(error_text([&] { read_plan(folder / "plan.json"); }),
               Catch::Contains("no whole plan (") && Catch::Contains(why));
  };
  const std::size_t count = clips.clips.size();
  refused([&](LosoPlan& p) { p.tasks[0].test.back() = count; }, "'test' is no whole number from 0 to");
  refused([](LosoPlan& p) { p.tasks[0].test.clear(); }, "task 0: its test clips are none");
  refused([](LosoPlan& p) { std::swap(p.tasks[1].test[0], p.tasks[1].test[1]); }, "not in order");
  refused([](LosoPlan& p) { p.tasks[1].test = p.tasks[0].test; }, "a clip is not tested once for each seed");
  refused([](LosoPlan& p) { p.tasks[4].seed = 9; }, "task 4: its fold or its seed");
  refused([](LosoPlan& p) { std::swap(p.tasks[0].fold, p.tasks[1].fold); }, "task 0: its fold");
  refused([](LosoPlan& p) { p.tasks.pop_back(); }, "not every fold for every seed");
  refused([](LosoPlan& p) { p.tasks.clear(); }, "it has no tasks");
  refused([](LosoPlan& p) { p.tasks[0].inner_subject = "sub77"; }, "its inner subject has no clips");
  refused([](LosoPlan& p) { p.tasks[0].cost = -1; }, "'cost' is no whole number");
  refused([](LosoPlan& p) { p.clips[1].images = 0; }, "'images' is no whole number");
  refused([](LosoPlan& p) { p.class_names[1] = p.class_names[0]; }, "its labels are not");
  refused([](LosoPlan& p) { p.class_names.resize(101, "x"); }, "its labels are not");
  refused(
      [](LosoPlan& p) {
        for (auto& [name, value] : p.config) value = name == "vote" ? "loudest" : value;
      },
      "'loudest' is none of");
  refused([](LosoPlan& p) { p.config.clear(); }, "protocol");

  // Values that the fields of a LosoPlan cannot hold: the error comes before the hash is checked.
  const std::string whole = plan_text(listed_plan(config, clips));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    text.replace(text.find(from), from.size(), to);
    put(folder / "plan.json", text);
    return error_text([&] { read_plan(folder / "plan.json"); });
  };
  CHECK_THAT(with("\"fold\": 1", "\"fold\": 4294967297"), Catch::Contains("'fold' is no whole number"));
  CHECK_THAT(with("\"fold\": 1", "\"fold\": 1e300"), Catch::Contains("'fold' is no whole number"));
  CHECK_THAT(with("\"dataset\": \"test\"", "\"dataset\": 7"),
             Catch::Contains("plan.json: is no whole plan (type must"));
  CHECK_THAT(with("\"schema\": 2", "\"schema\": 1"),
             Catch::Contains("plan.json: is of schema 1, made by another version of shcnn"));

  // placing a plan over such a file
  config.seeds = 1;
  const auto run = folder.path() / "run";
  place_plan(run, listed_plan(config, clips));
  put(fold_file(run, 0), "{}");
  std::string text = get(run / "plan.json");
  text.replace(text.find("\"dataset\": \"test\""), 17, "\"dataset\": 7");
  put(run / "plan.json", text);
  CHECK_THAT(error_text([&] { place_plan(run, listed_plan(config, clips)); }),
             Catch::Contains("is another plan: dataset was 7, is test"));
}

TEST_CASE("A plan asks for a batch's worth of images, and for so many classes at most", "[plan]") {
  LosoConfig config = small_config();
  config.train.batch = 1000;
  CHECK_THROWS_WITH(listed_plan(config, listed_clips(3, 2)), Catch::Contains("do not fill one batch of 1000"));
  io::ClipSet clips = listed_clips(3, 2);
  clips.class_names.resize(kMostClipClasses + 1, "more");
  CHECK_THROWS_WITH(listed_plan(small_config(), clips), Catch::Contains("the clips have 101 classes, at most 100"));
}

TEST_CASE("Images are chosen evenly, the apex among them", "[images]") {
  ClipImageOptions options;
  CHECK(chosen_frames(options, 5, 2) == std::vector<int>{1, 2, 3, 4});
  options.most = 3;
  for (int frames = 2; frames < 40; ++frames) {
    for (int apex = -1; apex < frames; ++apex) {
      const std::vector<int> chosen = chosen_frames(options, frames, apex);
      CHECK(chosen.size() == static_cast<std::size_t>(std::min(3, frames - 1)));
      CHECK(std::is_sorted(chosen.begin(), chosen.end()));
      CHECK(std::set<int>(chosen.begin(), chosen.end()).size() == chosen.size());
      CHECK((chosen.front() >= 1 && chosen.back() < frames));
      if (apex >= 1) CHECK(std::count(chosen.begin(), chosen.end(), apex) == 1);
    }
  }
  options.input = ClipInput::kFrames;
  CHECK(chosen_frames(options, 3, 0) == std::vector<int>{0, 1, 2});
}

TEST_CASE("FER+'s classes lead to the clips'", "[pretrained]") {
  const std::vector<std::string> faces = {"neutral", "happiness", "surprise", "sadness",
                                          "anger",   "disgust",   "fear",     "contempt"};
  CHECK(clip_classes_of_faces(faces, {"happiness", "others", "repression", "surprise", "disgust"}) ==
        std::vector<std::int32_t>{1, 0, 3, -1, -1, 4, -1, -1});
  CHECK(clip_classes_of_faces(faces, {"negative", "positive", "surprise"}) ==
        std::vector<std::int32_t>{-1, 1, 2, 0, 0, 0, 0, 0});
}

TEST_CASE("A lock on a byte excludes other holders, and ends with its own", "[lock]") {
  const TemporaryFolder folder;
  const RangeLock a(folder / "l"), b(folder / "l");
  {
    const auto held = a.try_hold(3);
    REQUIRE(held);
    CHECK_FALSE(b.try_hold(3));
    CHECK(b.try_hold(4));
  }
  CHECK(b.try_hold(3));
  {
    const auto one = a.hold_shared(3), two = b.hold_shared(3);
    const RangeLock c(folder / "l");
    CHECK_FALSE(c.try_hold(3));
  }
  CHECK(b.try_hold(3));
}

TEST_CASE("A fold's result is read back, and a merge refuses gaps, duplicates and foreign folds", "[merge]") {
  const TemporaryFolder folder;
  const auto run = folder.path() / "run";
  const io::ClipSet clips = listed_clips(3, 2);
  const LosoPlan plan = listed_plan(small_config(), clips);
  place_plan(run, plan);
  place_plan(run, plan);  // placing the same plan again is allowed
  for (std::size_t t = 0; t < plan.tasks.size(); ++t) {
    const std::string text = fold_text(plan, made_result(plan, t));
    put(fold_file(run, t), text);
    CHECK(fold_text(plan, read_fold(fold_file(run, t), plan)) == text);
  }
  const LosoSummary summary = merge_folds(run, plan);
  const Confusion& c = summary.confusions.at(Selection::kLast).at(Vote::kMajority).at(0);
  CHECK(c.total() == static_cast<std::int64_t>(clips.clips.size()));
  Confusion expected(2);
  for (std::size_t t = 0; t < plan.tasks.size(); ++t) {
    for (std::size_t i = 0; i < plan.tasks[t].test.size(); ++i) {
      ++expected.at(clips.clips[plan.tasks[t].test[i]].label, static_cast<int>((t + i) % 2));
    }
  }
  CHECK(c.counts == expected.counts);
  write_summary(run, plan, summary);
  CHECK(get(run / "results.json").find("\"uf1\"") != std::string::npos);

  put(run / "folds" / "copy.json", get(fold_file(run, 1)));
  CHECK_THAT(error_text([&] { merge_folds(run, plan); }), Catch::Contains("and so does copy.json"));
  std::filesystem::remove(run / "folds" / "copy.json");
  std::filesystem::remove(fold_file(run, 1));
  CHECK_THAT(error_text([&] { merge_folds(run, plan); }), Catch::Contains("1 of 3 folds are missing: 1 (sub1)"));
  LosoConfig other_config = small_config();
  other_config.train.l2 = 0;
  const LosoPlan other = listed_plan(other_config, clips);
  put(fold_file(run, 1), fold_text(other, made_result(other, 1)));
  CHECK_THAT(error_text([&] { merge_folds(run, plan); }), Catch::Contains("another configuration"));
  CHECK_THAT(error_text([&] { place_plan(run, other); }), Catch::Contains("l2 was 0.0003, is 0"));
  put(fold_file(run, 1), "{");
  CHECK_THAT(error_text([&] { merge_folds(run, plan); }), Catch::Contains("is no valid JSON; remove it"));
  put(fold_file(run, 1), "{}");
  CHECK_THAT(error_text([&] { merge_folds(run, plan); }), Catch::Contains("no result of a fold"));

  std::filesystem::remove_all(run / "folds");
  CHECK_THAT(error_text([&] { merge_folds(run, plan); }), Catch::Contains("3 of 3 folds are missing"));
  put(run / "folds", "");
  CHECK_THAT(error_text([&] { merge_folds(run, plan); }), Catch::Contains("folds: cannot list the folder"));
}

TEST_CASE("A fold's result is refused after any change, also by hand and with a new hash", "[merge]") {
  const TemporaryFolder folder;
  const io::ClipSet clips = listed_clips(3, 2);
  const LosoPlan plan = listed_plan(small_config(), clips);
  const auto path = folder / "task-0001.json";
  const std::string whole = fold_text(plan, made_result(plan, 1));
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string text = whole;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
    put(path, text);
    try {  // white space may become other white space, with the same content
      const bool same = fold_text(plan, read_fold(path, plan)) == whole;
      INFO("bit " << bit);
      CHECK(same);
    } catch (const io::Error&) {
    }
  }

  const auto refused = [&](const std::function<void(FoldResult&)>& change, const std::string& why) {
    FoldResult result = made_result(plan, 1);
    change(result);
    put(path, fold_text(plan, result));  // with the correct hash of the changed content
    INFO(why);
    CHECK_THAT(error_text([&] { read_fold(path, plan); }),
               Catch::Contains("no result of a fold (") && Catch::Contains(why));
  };
  const auto last = [](FoldResult& r) -> ClipVote& { return r.votes[0].at(Selection::kLast); };
  refused([&](FoldResult& r) { last(r).majority ^= 1; }, "its majority does not follow from its counts");
  refused([&](FoldResult& r) { last(r).majority = 2; }, "'majority' is no whole number from 0 to 1");
  refused(
      [&](FoldResult& r) {
        std::swap(last(r).counts[0], last(r).counts[1]);
        last(r).majority ^= 1;
      },
      "the accuracy of 'last' does not follow from the votes");
  refused([&](FoldResult& r) { ++last(r).counts[0]; }, "its counts are not those of");
  refused([&](FoldResult& r) { last(r).counts = {std::int64_t{1} << 62, std::int64_t{1} << 62}; }, "its counts");
  refused([&](FoldResult& r) { last(r).counts.push_back(0); }, "its counts are not those of");
  refused([&](FoldResult& r) { last(r).tie = true; }, "its majority does not follow");
  refused([](FoldResult& r) { r.chosen.erase(Selection::kOracle); }, "it lacks a way of choosing the epoch");
  refused([](FoldResult& r) { r.chosen.clear(); }, "it lacks a way of choosing the epoch");
  refused([](FoldResult& r) { r.chosen[Selection::kLast] = 3; }, "the epoch of 'last' was not trained");
  refused([](FoldResult& r) { r.epochs.clear(); }, "its epochs are not those of the plan");
  refused([](FoldResult& r) { r.epochs[1].test_accuracy = 0.125; }, "the accuracy of 'last'");
  refused([](FoldResult& r) { r.epochs[0].epoch = 2; }, "its epochs are not in order");
  refused([](FoldResult& r) { r.neutral = 1; }, "its neutral images");

  std::string text = whole;  // the true class is stored with the votes
  const std::size_t truth = text.find("\"truth\": ");
  text[truth + 9] = text[truth + 9] == '0' ? '1' : '0';
  put(path, text);
  CHECK_THAT(error_text([&] { read_fold(path, plan); }), Catch::Contains("its hash does not hold"));
}

TEST_CASE("Tables hold every name whole, quoted where it must be", "[merge]") {
  const TemporaryFolder folder;
  io::ClipSet clips = listed_clips(3, 2);
  clips.class_names = {"a, \"b\"", "line\nbreak"};
  const std::string subject = "sub \"x\", " + std::string(80, 'y');
  for (io::Clip& clip : clips.clips) {
    if (clip.subject == "sub1") clip.subject = subject;
  }
  const LosoPlan plan = listed_plan(small_config(), clips);
  std::vector<FoldResult> folds;
  for (std::size_t t = 0; t < plan.tasks.size(); ++t) folds.push_back(made_result(plan, t));
  write_summary(folder.path(), plan, add_up(plan, folds));
  const std::string confusion = get(folder / "confusion-last.csv");
  CHECK(confusion.starts_with("truth \\ predicted,\"a, \"\"b\"\"\",\"line\nbreak\"\n\"a, \"\"b\"\"\","));
  CHECK_THAT(get(folder / "per-class-last.csv"), Catch::Contains("\n\"line\nbreak\","));
  CHECK_THAT(get(folder / "curves.csv"), Catch::Contains(",\"sub \"\"x\"\", " + std::string(80, 'y') + "\",whole,1,"));
}

TEST_CASE("A run that others are in is not replaced, and a plan without results is no obstacle", "[run]") {
  const TemporaryFolder folder;
  const auto run = folder.path() / "run";
  const io::ClipSet clips = listed_clips(3, 2);
  const LosoPlan plan = listed_plan(small_config(), clips);
  LosoConfig changed = small_config();
  changed.train.l2 = 0;
  const LosoPlan other = listed_plan(changed, clips);
  put(run / "folds" / "notes.json", "a user's own");
  put(run / "weights" / "best.safetensors", "a user's own");
  {
    const auto first = place_plan(run, plan);
    CHECK(first->plan_is_new);
    const auto second = place_plan(run, plan);  // several processes share the work
    CHECK_FALSE(second->plan_is_new);
    CHECK_THAT(error_text([&] { place_plan(run, plan, ExistingRun::kReplace); }),
               Catch::Contains("another process runs folds here"));
    CHECK_THAT(error_text([&] { place_plan(run, other); }), Catch::Contains("is another plan: l2 was 0.0003, is 0"));
  }
  CHECK(place_plan(run, other)->plan_is_new);  // no fold has a result and no other process is running
  CHECK(get(run / "plan.json") == plan_text(other));
  put(fold_file(run, 0), fold_text(other, made_result(other, 0)));
  put(fold_weights(run, 0), "weights");
  put(run / "results.json", "{}");
  CHECK_THAT(error_text([&] { place_plan(run, plan); }), Catch::Contains("l2 was 0, is 0.0003"));
  LosoPlan repaired = other;
  repaired.clips[1].content = std::string(32, '0');
  CHECK_THAT(error_text([&] { place_plan(run, repaired); }),
             Catch::Contains("1 clip has other frames than before ('" + other.clips[1].name + "')"));
  repaired = other;
  repaired.clips.pop_back();
  CHECK_THAT(error_text([&] { place_plan(run, repaired); }),
             Catch::Contains("1 clip has been removed ('" + other.clips.back().name + "')"));
  CHECK(place_plan(run, plan, ExistingRun::kReplace)->plan_is_new);
  CHECK(get(run / "plan.json") == plan_text(plan));
  for (const auto& gone : {fold_file(run, 0), fold_weights(run, 0), run / "results.json"}) {
    CHECK_FALSE(std::filesystem::exists(gone));
  }
  CHECK(get(run / "folds" / "notes.json") == "a user's own");
  CHECK(get(run / "weights" / "best.safetensors") == "a user's own");
}

TEST_CASE("Spread over seeds", "[merge]") {
  Confusion a(2), b(2);
  a.counts = {1, 0, 0, 1};
  b.counts = {1, 0, 1, 0};
  const Spread s = spread({a, b}, &Confusion::accuracy);
  CHECK(s.mean == Approx(0.75));
  CHECK(s.deviation == Approx(0.3535533906));
}

TEST_CASE("Images are cached by content and settings, bounded, and made anew where a file is gone or damaged",
          "[images]") {
  const TemporaryFolder folder;
  synth::ClipSynthOptions made;
  made.subjects = 2;
  made.clips = 3;
  made.size = 40;
  made.least_frames = made.most_frames = 4;
  synth::write_made_clips(folder.path() / "data", made, io::Overwrite::kNo);
  io::ClipSet clips = io::read_clips(io::ClipLayout::kCasme2, folder.path() / "data");
  io::apply_class_map(clips, io::class_map("paper", io::ClipLayout::kCasme2));
  std::vector<std::string> hashes;
  for (const io::Clip& clip : clips.clips) hashes.push_back(clip_content_hash(clip));
  CHECK(std::set<std::string>(hashes.begin(), hashes.end()).size() == 3);

  ClipImageOptions options;
  ClipCacheOptions cache;
  cache.folder = folder.path() / "cache";
  const auto files = [&] {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator(cache.folder)) {
      if (entry.path().extension() == ".safetensors") out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
  };
  const auto store = [&] {
    return std::make_unique<ClipImageStore>(clips, hashes, options, cache, "cpu", BackendOptions{});
  };
  std::vector<std::vector<std::uint8_t>> whole;
  {
    const auto images = store();
    images->prepare({}, {});
    CHECK(files().size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(images->get(i)->count() == 3);
      CHECK(images->count(i) == 3);
      whole.push_back(images->get(i)->pixels);
      CHECK(std::set<std::uint8_t>(whole[i].begin(), whole[i].end()).size() > 20);  // a picture, not a uniform image
    }
  }
  put(files()[0], "damage");
  std::filesystem::remove(files()[1]);
  cache.memory_bytes = 1;  // only the latest images stay in memory
  {
    const auto images = store();
    for (std::size_t i = 0; i < 3; ++i) CHECK(images->get(i)->pixels == whole[i]);
  }
  CHECK(files().size() == 3);
  options.flow.full_scale = 2;  // other settings use another file
  store()->prepare({}, {});
  CHECK(files().size() == 6);
  options.flow.full_scale = 0;
  cache.disk_bytes = 2 * std::filesystem::file_size(files()[0]) + 100;
  store()->prepare({}, {});
  CHECK(files().size() <= 2);

  cache.disk_bytes = 0;  // no cache on disk
  const auto none = store();
  none->prepare({}, {});
  CHECK(none->get(1)->pixels == whole[1]);
  CHECK(files().empty());
}

TEST_CASE("The folder of images loses nothing that its store did not write, and holds nothing else", "[images]") {
  const MadeClips made(12);
  ClipCacheOptions cache;
  cache.folder = made.folder.path() / "cache";
  const auto store = [&] { return ClipImageStore(made.clips, made.hashes, made.config.images, cache, "cpu", {}); };
  store().prepare({}, {});
  const std::string weights(200000, 'w'), named(32, 'a');
  put(cache.folder / (named + ".safetensors"), weights);  // named like an image file, but with other content
  put(cache.folder / ".hidden", "");
  std::filesystem::last_write_time(
      cache.folder / (named + ".safetensors"),
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(99));  // oldest: would be removed first
  cache.disk_bytes = 20000;
  store().prepare({}, {});
  CHECK(get(cache.folder / (named + ".safetensors")) == weights);
  std::size_t images = 0;
  for (const auto& entry : std::filesystem::directory_iterator(cache.folder)) {
    images += entry.path().extension() == ".safetensors" && entry.file_size() < 20000 ? 1 : 0;
  }
  CHECK(images <= 2);

  for (const std::string name : {"model.safetensors", "notes.txt", "ABCDEFABCDEFABCDEFABCDEFABCDEFAB.safetensors"}) {
    put(cache.folder / name, "a user's own");
    CHECK_THAT(error_text([&] { store(); }), Catch::Contains("holds '" + name + "', which is no image of a clip"));
    CHECK(get(cache.folder / name) == "a user's own");
    std::filesystem::remove(cache.folder / name);
  }
  std::filesystem::create_directory(cache.folder / "folder");
  CHECK_THAT(error_text([&] { store(); }), Catch::Contains("holds 'folder'"));
  cache.folder = made.folder.path() / "data" / "CASME2-coding-20140508.xlsx";
  CHECK_THAT(error_text([&] { store(); }), Catch::Contains("is no folder"));
}

TEST_CASE("Images are used without being kept where the folder is full or cannot be written to", "[images]") {
  const MadeClips made;
  std::vector<std::string> notes;
  ClipCacheOptions cache;
  cache.memory_bytes = 1;
  cache.note = [&](const std::string& line) { notes.push_back(line); };
  const auto pixels = [&] {
    ClipImageStore images(made.clips, made.hashes, made.config.images, cache, "cpu", {});
    images.prepare({}, {});
    std::vector<std::vector<std::uint8_t>> out;
    for (std::size_t i = 0; i < made.clips.clips.size(); ++i) out.push_back(images.get(i)->pixels);
    return out;
  };
  cache.folder = made.folder.path() / "cache";
  const auto expected = pixels();
  CHECK(notes.empty());

  cache.folder = "/proc/shcnn";  // a folder that even root cannot create
  CHECK(pixels() == expected);
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes[0], Catch::Contains("/proc/shcnn: images of clips are no longer kept here (") &&
                           Catch::Contains("cannot be made"));
  notes.clear();

  cache.folder = made.folder.path() / "full";
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto found = pixels();
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(found == expected);
  CHECK(notes.size() == 1);
}

TEST_CASE("Sizes of caches are numbers in a range", "[images]") {
  CHECK(ClipCacheOptions::bytes_of("cache-gb", 1.5) == 1500000000);
  CHECK(ClipCacheOptions::bytes_of("cache-gb", 0) == 0);
  for (const double bad : {-1.0, std::nan(""), 1e300}) {
    CHECK_THROWS_WITH(ClipCacheOptions::bytes_of("cache-gb", bad), Catch::Contains("cache-gb: must be 0 to 1e+06 GB"));
  }
  LosoConfig config = small_config();
  for (const double bad : {1e-300, 1e300, -1.0, std::nan("")}) {
    config.images.flow.full_scale = bad;
    CHECK_THROWS_WITH(config.check(), Catch::Contains("must be 0 (stretched per image) or 0.0001 to 1e+06 px"));
  }
}

TEST_CASE("The folder of images is within its limit after every clip", "[images]") {
  const MadeClips made(24);
  ClipCacheOptions cache;
  cache.folder = made.folder.path() / "cache";
  cache.memory_bytes = 1;
  std::uint64_t largest = 0;
  const auto bytes = [&] {
    std::uint64_t sum = 0;
    for (const auto& entry : std::filesystem::directory_iterator(cache.folder)) {
      sum += entry.file_size();
      largest = std::max<std::uint64_t>(largest, entry.file_size());
    }
    return sum;
  };
  const auto store = [&] { return ClipImageStore(made.clips, made.hashes, made.config.images, cache, "cpu", {}); };
  std::vector<std::vector<std::uint8_t>> whole;
  {
    ClipImageStore images = store();
    for (std::size_t i = 0; i < 24; ++i) whole.push_back(images.get(i)->pixels);
  }
  bytes();
  std::filesystem::remove_all(cache.folder);
  cache.disk_bytes = largest * 21 / 2;
  ClipImageStore images = store();
  for (std::size_t i = 0; i < 72; ++i) {
    CHECK(images.get(i % 24)->pixels == whole[i % 24]);
    CHECK(bytes() <= cache.disk_bytes);
    if (i >= 10) CHECK(bytes() > cache.disk_bytes / 2);  // and the cache is used
  }
}

TEST_CASE("Folds give the same bytes in one job, in several, and in two processes' worth of runners",
          "[run][repeats]") {
  const MadeClips made;
  const TemporaryFolder& folder = made.folder;
  const LosoConfig& config = made.config;
  const LosoPlan plan = make_plan(config, made.clips, "casme2", made.hashes);
  ClipImageStore images = made.images(cpu_options(1));

  struct Machine : FoldMachine {
    Machine(const LosoConfig& c, const LosoPlan& p, ClipImageStore& i, int threads)
        : backend(make_backend("cpu", cpu_options(threads))), fold_worker(backend, c, p, i, nullptr) {}
    FoldWorker& worker() override { return fold_worker; }
    Backend backend;
    FoldWorker fold_worker;
  };
  std::atomic<int> ran{0};
  const auto options = [&](int jobs, int threads) {
    LosoRunOptions out;
    out.jobs = jobs;
    out.machine = [&, threads] { return std::make_unique<Machine>(config, plan, images, threads); };
    out.on_task = [&](std::size_t, bool skipped, std::int64_t) { ran += skipped ? 0 : 1; };
    return out;
  };
  const auto run_of = [&](const char* name) {
    place_plan(folder.path() / name, plan);
    return folder.path() / name;
  };
  const auto results = [&](const std::filesystem::path& run) {
    write_summary(run, plan, merge_folds(run, plan));
    return get(run / "results.json") + get(run / "curves.csv");
  };
  const auto one = run_of("one");
  CHECK(run_folds(one, plan, options(1, 2)) == LosoOutcome::kFinished);
  CHECK(ran == 3);
  CHECK(run_folds(one, plan, options(1, 2)) == LosoOutcome::kFinished);
  CHECK(ran == 3);  // nothing was run again
  const auto two = run_of("two");
  CHECK(run_folds(two, plan, options(2, 1)) == LosoOutcome::kFinished);
  const auto shared = run_of("shared");  // two independent runners
  ran = 0;
  std::thread other([&] { run_folds(shared, plan, options(1, 1)); });
  run_folds(shared, plan, options(1, 1));
  other.join();
  CHECK(ran == 3);
  const auto single = run_of("single");  // one by one, in reverse
  for (const std::size_t task : {2u, 0u, 1u}) {
    LosoRunOptions o = options(1, 1);
    o.only = task;
    run_folds(single, plan, o);
  }
  CHECK(results(two) == results(one));
  CHECK(results(shared) == results(one));
  CHECK(results(single) == results(one));

  const auto stopped = run_of("stopped");  // stopped in the middle of a fold: no partial result, then the same bytes
  LosoRunOptions o = options(1, 1);
  int asked = 0;
  o.should_stop = [&] { return ++asked > 8; };
  CHECK(run_folds(stopped, plan, o) == LosoOutcome::kStopped);
  CHECK_THAT(error_text([&] { merge_folds(stopped, plan); }), Catch::Contains("missing"));
  run_folds(stopped, plan, options(1, 1));
  CHECK(results(stopped) == results(one));
}

TEST_CASE("A fold that meets NaN stops, skips or rolls back as asked", "[run]") {
  MadeClips made;
  made.config.inner = false;
  made.config.train.learning_rate = 100;  // after one step gradients overflow while scores are still finite
  made.config.train.on_nan = GENERATE(OnNan::kStop, OnNan::kSkip, OnNan::kRollback);
  const LosoPlan plan = make_plan(made.config, made.clips, "casme2", made.hashes);
  ClipImageStore images = made.images(cpu_options(2));
  Backend backend = make_backend("cpu", cpu_options(2));
  FoldWorker worker(backend, made.config, plan, images, nullptr);
  INFO(to_string(made.config.train.on_nan));
  if (made.config.train.on_nan == OnNan::kStop) {
    CHECK_THROWS_WITH(worker.run(0, {}), Catch::Contains("values are NaN or infinite, first in"));
    return;
  }
  const std::optional<FoldResult> result = worker.run(0, {});
  REQUIRE(result);
  REQUIRE(result->epochs.size() == 2);
  std::int64_t skipped = 0;
  for (const FoldEpoch& epoch : result->epochs) {
    skipped += epoch.skipped;
    CHECK(std::isfinite(epoch.cross_entropy));
    CHECK((epoch.accuracy >= 0 && epoch.accuracy <= 1));
  }
  CHECK(skipped > 0);
  put(made.folder / "fold.json", fold_text(plan, *result));
  CHECK(fold_text(plan, read_fold(made.folder / "fold.json", plan)) == fold_text(plan, *result));
}

TEST_CASE("Weights that cannot serve are told from those that can", "[pretrained]") {
  LosoConfig config;
  config.images.input = ClipInput::kFrames;
  config.train = recipe("paper", Variant::kStatic, 3, "clips");
  config.pretrained = Pretrained::kFineTune;
  const std::vector<std::string> clips = {"negative", "positive", "surprise"};
  Weights faces;
  faces.model = config.train.model;
  faces.input_scale = config.train.input_scale;
  faces.class_names = {"neutral", "happiness"};
  CHECK_NOTHROW(check_pretrained(config, faces, clips));
  Weights other = faces;
  other.model.slope = 0.25;
  CHECK_THROWS_WITH(check_pretrained(config, other, clips),
                    Catch::Contains("were trained with slope 0.25") && Catch::Contains("this run is to have 0.02"));
  other = faces;
  other.input_scale = 1;
  CHECK_THROWS_WITH(check_pretrained(config, other, clips), Catch::Contains("input-scale 1"));
  other = faces;
  other.model.variant = Variant::kMicro;
  CHECK_THROWS_WITH(check_pretrained(config, other, clips), Catch::Contains("of the micro variant"));
  config.pretrained = Pretrained::kDirect;
  CHECK_NOTHROW(check_pretrained(config, faces, clips));
  faces.class_names = {"cat", "dog"};
  CHECK_THROWS_WITH(check_pretrained(config, faces, clips), Catch::Contains("none of their classes"));
}

TEST_CASE("A fold's weights are handed out with what L2 does to fc1's dead columns", "[run]") {
  MadeClips made;
  const auto kept = [&](double clip_norm) {
    made.config.train.clip_norm = clip_norm;
    const LosoPlan plan = make_plan(made.config, made.clips, "casme2", made.hashes);
    ClipImageStore images = made.images(cpu_options(2));
    Backend backend = make_backend("cpu", cpu_options(2));
    FoldWorker worker(backend, made.config, plan, images, nullptr);
    FoldHooks hooks;
    std::optional<Weights> weights;
    hooks.on_weights = [&](const Weights& w) { weights = w; };
    worker.run(0, hooks);
    REQUIRE(weights);
    return *weights;
  };
  // Gradient clipping needs the norm of all weights in every step, so the dead columns are updated in every step; at
  // this norm nothing is clipped.
  const Weights every_step = kept(1e9), at_the_end = kept(0);
  REQUIRE(every_step.tensors.size() == at_the_end.tensors.size());
  for (std::size_t i = 0; i < every_step.tensors.size(); ++i) {
    INFO("tensor " << i);
    const bool equal = every_step.tensors[i] == at_the_end.tensors[i];  // Catch would print millions of values
    CHECK(equal);
  }
}

}  // namespace shcnn
