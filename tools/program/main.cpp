// shcnn, the program: arguments -> the library's public API. Results go to stdout, progress and remarks to stderr; an
// error is one line on stderr and an exit code by kind (tools/program/exit_code.h).
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

/// The verb that was asked for: the one whose (sub)command was parsed.
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

/// Where this process may start no thread, OpenCV works without its own: to start them would be an error.
void keep_opencv_to_startable_threads() {
  try {
    std::thread([] {}).join();
  } catch (const std::system_error&) {
    cv::setNumThreads(1);
  }
}

/// Ends the process without the shutdown of the libraries that are loaded. OpenBLAS, which OpenCV brings on some
/// machines, waits there for a thread of its own that asks for memory until it gets some: for ever under a limit.
[[noreturn]] void end(ExitCode code) {
  const int status = static_cast<int>(code);
#if defined(__SANITIZE_ADDRESS__)
  std::exit(status);  // where leaks are looked for
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
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is an error of writing, like a full disk
  keep_opencv_to_startable_threads();
  Ending ending{ExitCode::kDone, {}};
  try {
    run(argc, argv);
    std::cout.flush();
  } catch (...) {
    ending = ending_of(std::current_exception());
  }
  // a failed write to stdout is an exception of fmt's, or none at all
  if (std::ferror(stdout) || !std::cout) {
    ending = {ExitCode::kDisk, "standard output cannot be written: is the disk full, or the output closed?"};
  }
  if (ending.code != ExitCode::kDone) {
    write_to_stderr("shcnn: " + ending.line + "\n");
  }
  end(ending.code);
}
