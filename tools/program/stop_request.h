// SIGINT, SIGTERM, SIGUSR1 and SIGHUP (terminal closed) request a checkpoint and an orderly exit.
#pragma once

namespace shcnn::program {

/// Installs handlers: these signals set a flag instead of ending the process; a second SIGINT ends it immediately.
/// If SIGHUP was ignored (nohup), it stays ignored.
void watch_for_stop_requests();
/// True after one of these signals has arrived.
bool stop_requested() noexcept;

}  // namespace shcnn::program
