// What the verbs about clips share: which data set, where, which frames and classes.
#pragma once

#include <string>
#include <vector>

#include "io/clips/clip_set.h"
#include "tools/program/common.h"

namespace shcnn::program {

/// What --dataset, --data, --coding, --frames, --span and --classes say.
struct ClipChoice {
  std::string dataset;            ///< casme, casme2, samm; empty: found out
  std::string data;               ///< the folder
  std::string coding;             ///< coding file, where it is not in the folder
  std::string frames;             ///< part of the path of the subjects' folders to use
  std::string span = "coded";     ///< coded or folder
  std::string classes = "paper";  ///< paper, composite, all, or a file
};

/// Adds these options but --dataset and --data.
void add_clip_options(OptionSet& verb, ClipChoice& choice);

/// Reads the clips and gives them their classes. Errors of io/; Failure(kUsage) on a bad --span.
io::ClipSet load_clips(const ClipChoice& choice);

/// True where a folder holds clips: a coding file's name tells so, or folders of clips in folders of subjects do where
/// no data set of faces is named.
bool holds_clips(const std::string& folder);

/// shcnn data lint of clips: counts beside the published ones, and every problem, those of decoding each frame among
/// them.
Json clip_facts(const ClipChoice& choice, const Common& common);
void print_clip_facts(const Json& facts);
/// Failure(kBadData) where the facts tell of frames that cannot be used.
void refuse_bad_frames(const ClipChoice& choice, const Json& facts);

}  // namespace shcnn::program
