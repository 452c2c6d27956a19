// SIGINT, SIGTERM, SIGUSR1 and SIGHUP (the terminal was closed) ask for a checkpoint and an orderly end.
#pragma once

namespace shcnn::program {

/// From here on these signals set a flag instead of ending the process; a second SIGINT ends it at once.
/// SIGHUP stays ignored where it was (nohup).
void watch_for_stop_requests();
/// True once one of them has arrived.
bool stop_requested() noexcept;

}  // namespace shcnn::program
