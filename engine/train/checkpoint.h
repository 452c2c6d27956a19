// Weights and training state as safetensors files (docs/formats.md), written whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "engine/net/samples.h"
#include "engine/train/trainer.h"
#include "models/shcnn.h"

namespace shcnn {

/// A trained network with all that using it takes.
struct Weights {
  ModelOptions model;
  std::vector<std::string> class_names;     ///< (classes)
  double input_scale = 1.0 / 255;           ///< factor on the bytes of an image
  Augment augment = Augment::kTen;          ///< decides the crops of evaluation
  std::string recipe, dataset;              ///< what it was trained with
  int epoch = 0;                            ///< 0 where the file does not say
  std::vector<std::vector<float>> tensors;  ///< of Model::parameters(), in the paper's order

  /// Copies the tensors into a network of the same model.
  template <class T>
  void store_to(Parameters<T>& parameters) const;
};

/// Bytes of a class's name at most, as of a file's.
inline constexpr std::size_t kMaxClassNameBytes = 255;

/// Throws io::Error (kDisk), and Error before anything is written: (kNonFinite) where a tensor holds a NaN or an
/// infinity, (kUsage) where a class's name is too long. So load_weights takes whatever was saved.
void save_weights(const std::filesystem::path& path, const Weights& weights);
/// Tensors may be float, float16 or bfloat16. Throws io::Error (kBadModel) on a file that is truncated, foreign, of
/// another shape, or by shcnn and without its hash; (kDisk) if unreadable.
Weights load_weights(const std::filesystem::path& path);

/// xxh3-128 over the model and every tensor, as 32 hexadecimal digits.
std::string weights_hash(const Weights& weights);

/// What a state file was made with; a run resumes only with the same.
struct RunIdentity {
  std::vector<std::pair<std::string, std::string>> config;  ///< TrainConfig::fields()
  std::string data;                                         ///< content hash of the training and validation samples
};
/// xxh3-128 over the bytes, labels and sizes of a set, as 32 hexadecimal digits.
std::string content_hash(const Samples& samples);

struct SavedState {
  TrainState state;
  RunIdentity identity;
};

/// Moves the file at `path` to `previous` and writes the new state: one of the two is good at any moment. Error
/// (kNonFinite), with both left as they are, on a state that load_state would refuse.
void save_state(const std::filesystem::path& path, const std::filesystem::path& previous, const Model& model,
                const SavedState& saved);
/// Reads `path`, or `previous` where `path` is missing or damaged; `note` then says so. io::Error if neither is good.
SavedState load_state(const std::filesystem::path& path, const std::filesystem::path& previous, const Model& model,
                      std::string* note);

/// Empty if a run of `now` may continue `saved`; else what differs, field by field. The number of epochs may grow.
std::string difference(const RunIdentity& saved, const RunIdentity& now);

}  // namespace shcnn
