// Weights and training state as safetensors files (docs/formats.md). Files are written atomically.
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

/// A trained network with everything needed to use it.
struct Weights {
  ModelOptions model;
  std::vector<std::string> class_names;     ///< (classes)
  double input_scale = 1.0 / 255;           ///< factor applied to image bytes
  Augment augment = Augment::kTen;          ///< determines the crops used in evaluation
  std::string recipe, dataset;              ///< recipe and data set used in training
  int epoch = 0;                            ///< 0 if the file does not record it
  std::vector<std::vector<float>> tensors;  ///< those of Model::parameters(), in the paper's order

  /// Copies the tensors into a network of the same model.
  template <class T>
  void store_to(Parameters<T>& parameters) const;
};

/// Maximum length of a class name in bytes, the same as for a file name.
inline constexpr std::size_t kMaxClassNameBytes = 255;

/// Throws io::Error (kDisk). Before anything is written, throws Error (kNonFinite) if a tensor contains a NaN or an
/// infinity and (kUsage) if a class name is too long, so that load_weights accepts every saved file.
void save_weights(const std::filesystem::path& path, const Weights& weights);
/// Tensors may be float, float16 or bfloat16. Throws io::Error (kBadModel) if the file is truncated, of another format,
/// has tensors of other shapes, or was written by shcnn but lacks its hash; (kDisk) if it cannot be read.
Weights load_weights(const std::filesystem::path& path);

/// xxh3-128 over the model and every tensor, as 32 hexadecimal digits.
std::string weights_hash(const Weights& weights);

/// The configuration and data a state was made with. A run resumes only with the same ones.
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

/// Writes the new state and moves the old file at `path` to `previous`; at any moment one of the two is valid. Throws
/// Error(kNonFinite), and leaves both unchanged, for a state that load_state would reject.
void save_state(const std::filesystem::path& path, const std::filesystem::path& previous, const Model& model,
                const SavedState& saved);
/// Reads `path`. If it is missing or damaged, reads `previous` instead and describes this in `note`. Throws io::Error
/// if neither is valid.
SavedState load_state(const std::filesystem::path& path, const std::filesystem::path& previous, const Model& model,
                      std::string* note);

/// Empty if a run of `now` may continue from `saved`; otherwise the differences, field by field. The number of epochs
/// may differ.
std::string difference(const RunIdentity& saved, const RunIdentity& now);

}  // namespace shcnn
