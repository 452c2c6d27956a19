// Made clips in the layouts of CASME, CASME II and SAMM, with their coding files: drawn faces (or given pictures) that
// move a little, as micro-expressions do, between 0.3 and 2 px at 120 x 120. What makes it hard is there too: every
// subject has a look, a noise and a light of its own, heads drift, lamps flicker, frames are JPEG.
//
// A clip is a pure function of (seed, its number). The true motion from its first frame to its apex frame is kept as
// truth/<subject>/<clip>.flo.
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
  int clips = 100;                           ///< in all, >= subjects
  int size = 120;                            ///< pixels each way, >= 32
  int least_frames = 10, most_frames = 16;   ///< of a clip, >= 3
  double least_peak = 0.6, most_peak = 2.0;  ///< largest displacement at the apex, px at 120 x 120
  bool holes = false;                        ///< plant the known holes of the data set, beside `clips` whole ones
  bool csv = false;                          ///< the coding file as .csv instead of .xlsx
  std::filesystem::path faces;               ///< pictures to move instead of drawn faces, one a subject; empty: drawn
  int threads = 0;                           ///< 0: one a core, up to 8
};

/// @throws io::Error kUsage naming the option that is out of range
void check(const ClipSynthOptions& options);

/// A hole that was planted: where, and what a reader should say of it.
struct PlantedHole {
  std::string clip;
  std::string what;
};

struct MadeClips {
  std::int64_t clips = 0, frames = 0;
  std::vector<PlantedHole> holes;
};

/// One made clip in memory.
struct MadeClip {
  std::string subject, name, emotion;  ///< "sub01", "EP01_03", "happiness"
  int apex = 0;
  std::vector<io::Image> frames;  ///< gray
  std::vector<float> flow;  ///< (size, size, 2): true motion from frame 0 to the apex frame, px to the right, down

  int span() const { return static_cast<int>(frames.size()); }
};

/// Clip `index` of the set. @throws io::Error kUsage on options outside their ranges
MadeClip make_clip(const ClipSynthOptions& options, int index);

/// Writes the whole set into `folder`: frames, coding file, truth/, clips.png (a sheet to look at) and, with holes,
/// holes.csv. @throws io::Error as the writers
MadeClips write_made_clips(const std::filesystem::path& folder, const ClipSynthOptions& options,
                           io::Overwrite overwrite);

/// Emotions of a layout's made clips in turn.
std::vector<std::string> made_emotions(io::ClipLayout layout);

}  // namespace shcnn::synth
