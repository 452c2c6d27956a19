// The flag is the one global of the program: a signal handler can reach nothing else.
#include "tools/program/stop_request.h"

#include <csignal>
#include <initializer_list>

namespace shcnn::program {
namespace {

volatile std::sig_atomic_t requested = 0;

extern "C" void note_request(int signal) {
  if (requested && signal == SIGINT) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
  requested = 1;
}

}  // namespace

void watch_for_stop_requests() {
  struct sigaction action {};
  action.sa_handler = note_request;
  action.sa_flags = SA_RESTART;  // a write in progress is not cut short
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
  struct sigaction hangup {};  // of the terminal; ignored under nohup, which is then left so
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

bool stop_requested() noexcept { return requested != 0; }

}  // namespace shcnn::program
