// Synthetic clips in the layouts of CASME, CASME II and SAMM, with their coding files: drawn faces (or given pictures)
// that move slightly, as in micro-expressions, between 0.3 and 2 px at 120 x 120. The difficulties of real clips are
// simulated too: each subject has its own face, noise and lighting, heads drift, the exposure flickers, and frames are
// JPEG.
//
// A clip depends only on the options and its index, never on the number of threads. The true motion from its first
// frame to its apex frame is stored as truth/<subject>/<clip>.flo.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "io/clips/clip_set.h"
#include "io/files/atomic_file.h"
#include "io/images/image.h"

namespace shcnn::synth {

struct ClipSynthOptions {
  io::ClipLayout layout = io::ClipLayout::kCasme2;
  std::uint64_t seed = 1;
  int subjects = 8;                          ///< >= 2
  int clips = 100;                           ///< in total, >= subjects
  int size = 120;                            ///< image width and height in pixels, >= 32
  int least_frames = 10, most_frames = 16;   ///< range of a clip's length, >= 3
  double least_peak = 0.6, most_peak = 2.0;  ///< range of the largest displacement at the apex, px at 120 x 120
  bool holes = false;                        ///< add the known defects of the data set; `clips` clips stay usable
  bool csv = false;                          ///< write the coding file as .csv instead of .xlsx
  std::filesystem::path faces;               ///< folder of pictures to move, one per subject; empty: drawn faces
  int threads = 0;                           ///< 0: one per core, up to 8
};

/// Checks the ranges of all options. @throws io::Error kUsage naming the option that is out of range
void check(const ClipSynthOptions& options);

/// A defect that was added on purpose.
struct PlantedHole {
  std::string clip;
  std::string what;  ///< text that the reader's message must contain
};

struct MadeClips {
  std::int64_t clips = 0, frames = 0;
  std::vector<PlantedHole> holes;
};

/// One synthetic clip in memory.
struct MadeClip {
  std::string subject, name, emotion;  ///< "sub01", "EP01_03", "happiness"
  int apex = 0;
  std::vector<io::Image> frames;  ///< gray
  std::vector<float> flow;        ///< (size, size, 2): true motion from frame 0 to the apex frame, px (right, down)

  int span() const { return static_cast<int>(frames.size()); }
};

/// Clip `index` of the set. @throws io::Error kUsage for options out of range
MadeClip make_clip(const ClipSynthOptions& options, int index);

/// Writes the whole set into `folder`: frames, coding file, truth/, clips.png (an overview for visual inspection) and,
/// if options.holes is set, holes.csv. @throws io::Error of the writers; kUsage for options out of range
MadeClips write_made_clips(const std::filesystem::path& folder, const ClipSynthOptions& options,
                           io::Overwrite overwrite);

/// The emotions that a layout's synthetic clips cycle through.
std::vector<std::string> made_emotions(io::ClipLayout layout);

}  // namespace shcnn::synth
