// The program shcnn: maps arguments to library calls. Results go to stdout, progress and remarks to stderr. An error
// prints one line on stderr and sets an exit code by kind (tools/program/exit_code.h).
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <opencv2/core/utility.hpp>
#include <system_error>
#include <thread>

#include "tools/program/common.h"
#include "tools/program/config_file.h"
#include "tools/program/standard_streams.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

/// The verb given on the command line.
const Verb& asked_verb(const Verbs& verbs) {
  for (const Verb& verb : verbs) {
    if (verb.options->asked_for()) return verb;
  }
  throw Failure(ExitCode::kUsage, "no verb: see shcnn --help");
}

void run(int argc, char** argv) {
  OptionSet app("shcnn", "SHCNN recognises facial expressions in small gray faces. shcnn VERB --help says more.");
  app.show_examples({"shcnn train --dataset fer2013 --data fer2013.csv --out RUN",
                     "shcnn eval --weights RUN/weights.safetensors --dataset fer2013 --data fer2013.csv",
                     "shcnn predict --weights RUN/weights.safetensors face.png", "shcnn flow --out DIR CLIP.mp4",
                     "shcnn doctor"});
  app.add_version("shcnn " SHCNN_VERSION);
  app.require_verb();

  Common common;
  Verbs verbs;
  add_data(app, common, verbs);
  add_train(app, common, verbs);
  add_eval(app, common, verbs);
  add_predict(app, common, verbs);
  add_saliency(app, common, verbs);
  add_attack(app, common, verbs);
  add_reproduce(app, common, verbs);
  add_flow(app, common, verbs);
  add_report(app, common, verbs);
  add_loso(app, common, verbs);
  add_doctor(app, common, verbs);

  try {
    if (!app.parse(argc, argv)) return;
  } catch (const OptionError& e) {
    throw Failure(ExitCode::kUsage, fmt::format("{} (--help says more)", e.what()));
  }
  const Verb& verb = asked_verb(verbs);
  if (!common.config.empty()) apply_config_file(*verb.options, common.config);
  if (verb.resolve) verb.resolve();
  if (common.print_config) {
    std::cout << config_text(*verb.options);
    return;
  }
  verb.run();
}

/// If this process cannot start threads, limits OpenCV to one, because it would fail to start its own.
void keep_opencv_to_startable_threads() {
  try {
    std::thread([] {}).join();
  } catch (const std::system_error&) {
    cv::setNumThreads(1);
  }
}

/// Ends the process without running library shutdown code. On some machines OpenCV loads OpenBLAS, whose shutdown waits
/// for one of its threads that retries allocations until they succeed: under a memory limit, it hangs forever.
[[noreturn]] void end(ExitCode code) {
  const int status = static_cast<int>(code);
#if defined(__SANITIZE_ADDRESS__)
  std::exit(status);  // runs the leak check of the sanitizer
#else
  std::fflush(nullptr);
  std::_Exit(status);
#endif
}

}  // namespace
}  // namespace shcnn::program

int main(int argc, char** argv) {
  using namespace shcnn::program;
  occupy_closed_descriptors();
  std::signal(SIGXFSZ, SIG_IGN);  // exceeding the file size limit becomes a write error, like a full disk
  keep_opencv_to_startable_threads();
  Ending ending{ExitCode::kDone, {}};
  try {
    run(argc, argv);
    std::cout.flush();
  } catch (...) {
    ending = ending_of(std::current_exception());
  }
  // Not every failed write to stdout throws an exception, so check both streams.
  if (std::ferror(stdout) || !std::cout) {
    ending = {ExitCode::kDisk, "standard output cannot be written: is the disk full, or the output closed?"};
  }
  if (ending.code != ExitCode::kDone) {
    write_to_stderr("shcnn: " + ending.line + "\n");
  }
  end(ending.code);
}
