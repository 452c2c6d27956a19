// Saving a state while system calls are interrupted or fail: a signal has no effect, an error leaves a valid state.
#include <catch2/catch.hpp>
#include <cerrno>
#include <utility>

#include "engine/train/checkpoint.h"
#include "engine/train/run_folder.h"
#include "io_support.h"
#include "support/system_faults.h"

namespace shcnn {
namespace {

using io::test::error_text;
using io::test::TemporaryFolder;
using test::faults;
using test::Faults;

SavedState state_at(std::uint64_t step, const Model& model) {
  SavedState saved;
  saved.identity = {TrainConfig().fields(), "data"};
  saved.state.step = step;
  for (const ParameterSpec& spec : model.parameters()) {
    const std::vector<float> values(static_cast<std::size_t>(spec.count()), static_cast<float>(step));
    for (auto* tensors : {&saved.state.value, &saved.state.first_moment, &saved.state.second_moment})
      tensors->push_back(values);
  }
  return saved;
}

}  // namespace

TEST_CASE("A signal during any call of saving a state is no failure", "[state_faults]") {
  const Model model = make_model({});
  TemporaryFolder folder;
  const auto path = folder / "state.safetensors", previous = folder / "state-prev.safetensors";
  const SavedState first = state_at(1, model), second = state_at(2, model);
  for (const char* call : {"open", "fsync", "rename"}) {
    int failed = 0;
    for (int n = 1;; ++n) {
      save_state(path, previous, model, first);
      faults = {.fail_at = n, .error = EINTR, .only = call};
      const std::string message = error_text([&] { save_state(path, previous, model, second); });
      const Faults happened = std::exchange(faults, {});
      INFO(call << " number " << n);
      CHECK(message == "no error");
      CHECK(load_state(path, previous, model, nullptr).state.step == 2);
      if (happened.failing.empty()) break;
      ++failed;
    }
    CHECK(failed >= 2);
  }
}

TEST_CASE("A rename that fails says why, and a good state is left", "[state_faults]") {
  const Model model = make_model({});
  using Case = std::pair<int, const char*>;
  for (const auto& [error, remedy] : {Case{EIO, "check the disk"}, Case{EACCES, "this user may write to"}}) {
    for (const int n : {2, 3}) {  // the renames of the state files; the first rename gives the new file its name
      TemporaryFolder folder;
      const auto path = folder / "state.safetensors", previous = folder / "state-prev.safetensors";
      save_state(path, previous, model, state_at(1, model));
      faults = {.fail_at = n, .error = error, .only = "rename"};
      const std::string message = error_text([&] { save_state(path, previous, model, state_at(2, model)); });
      faults = {};
      INFO("rename " << n);
      CHECK_THAT(message, Catch::Contains("state") && Catch::Contains(remedy));
      CHECK(load_state(path, previous, model, nullptr).state.step == 1);
    }
  }
}

TEST_CASE("A signal while a run's folder is opened is no failure", "[state_faults]") {
  for (int n = 1;; ++n) {
    TemporaryFolder folder;
    faults = {.fail_at = n, .error = EINTR, .only = "open"};
    const std::string message = error_text([&] { RunFolder(folder / "run", RunFolder::Open::kNew); });
    const Faults happened = std::exchange(faults, {});
    INFO("open number " << n);
    CHECK(message == "no error");
    if (happened.failing.empty()) break;
  }
}

}  // namespace shcnn
