// Options that select a data set of clips, its frames and classes; shared by all verbs that read clips.
#pragma once

#include <string>
#include <vector>

#include "io/clips/clip_set.h"
#include "tools/program/common.h"

namespace shcnn::program {

/// Values of --dataset, --data, --coding, --frames, --span and --classes.
struct ClipChoice {
  std::string dataset;            ///< casme, casme2, samm; empty: detected from the folder
  std::string data;               ///< folder of the clips
  std::string coding;             ///< coding file, if it is not in the folder
  std::string frames;             ///< part of the path that selects which subject folders are used
  std::string span = "coded";     ///< coded or folder
  std::string classes = "paper";  ///< paper, composite, all, or a file
};

/// Adds these options except --dataset and --data.
void add_clip_options(OptionSet& verb, ClipChoice& choice);

/// Reads the clips and assigns their classes. Errors of io/; Failure(kUsage) on a bad --span.
io::ClipSet load_clips(const ClipChoice& choice);

/// True if the folder holds clips: it has a coding file with a known name, or it has subject folders that contain clip
/// folders and no recognised data set of faces.
bool holds_clips(const std::string& folder);

/// Result of shcnn data lint for clips: counts with the published counts, and all problems found. Decodes every
/// frame.
Json clip_facts(const ClipChoice& choice, const Common& common);
void print_clip_facts(const Json& facts);
/// Throws Failure(kBadData) if `facts` lists frames that cannot be read or differ in size.
void refuse_bad_frames(const ClipChoice& choice, const Json& facts);

}  // namespace shcnn::program
