// SIGINT, SIGTERM and SIGUSR1 ask for a checkpoint and an orderly end.
#pragma once

namespace shcnn::program {

/// From here on the three signals set a flag instead of ending the process; a second SIGINT ends it at once.
void watch_for_stop_requests();
/// True once one of them has arrived.
bool stop_requested() noexcept;

}  // namespace shcnn::program
