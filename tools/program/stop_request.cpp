// The flag must be a global variable: a signal handler has no other way to pass it on.
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
  action.sa_flags = SA_RESTART;  // interrupted system calls such as write are restarted
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
  struct sigaction hangup {};  // if ignored (nohup), leave it ignored
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

bool stop_requested() noexcept { return requested != 0; }

}  // namespace shcnn::program
