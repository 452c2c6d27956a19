// Parallel over faces: threads take the next number, and no face reads another's.
#include "io/synth/faces.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace shcnn::synth {
namespace {

/// Calls body(i) for i = 0 .. items - 1 on `threads` threads (0: all cores), in any order.
template <class Body>
void for_each_item(std::size_t items, int threads, const Body& body) {
  const int wanted = threads > 0 ? threads : static_cast<int>(std::thread::hardware_concurrency());
  const std::size_t workers = std::clamp<std::size_t>(static_cast<std::size_t>(std::max(wanted, 1)), 1, items);
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;  // the first one, rethrown where it can be caught
  std::mutex failure_guard;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < items; i = next++) body(i);
    } catch (...) {
      const std::lock_guard lock(failure_guard);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t k = 1; k < workers; ++k) others.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

int class_count(bool contempt) { return contempt ? kFaceClasses : kFaceClasses - 1; }

void check(const FaceSynthOptions& options) {
  if (options.count < 1) throw std::invalid_argument("made faces: count must be at least 1");
  if (options.size < 8) throw std::invalid_argument("made faces: size must be at least 8 pixels");
  if (options.threads < 0) throw std::invalid_argument("made faces: threads must not be negative");
}

}  // namespace

FaceClass made_face_class(std::uint32_t index, bool contempt) {
  return static_cast<FaceClass>(static_cast<int>(index % static_cast<std::uint32_t>(class_count(contempt))));
}

MadeFaces make_faces(const FaceSynthOptions& options) {
  check(options);
  const std::size_t count = static_cast<std::size_t>(options.count);
  const std::size_t cells = static_cast<std::size_t>(options.size) * static_cast<std::size_t>(options.size);
  MadeFaces faces;
  faces.size = options.size;
  faces.pixels.resize(count * cells);
  faces.labels.resize(count);
  faces.usages.resize(count);
  faces.votes.resize(count);
  const std::size_t training = count * 8 / 10, public_test = count * 9 / 10;
  for_each_item(count, options.threads, [&](std::size_t i) {
    const auto index = static_cast<std::uint32_t>(i);
    const SampledFace face = sample_face(options.seed, index, made_face_class(index, options.contempt));
    const std::vector<std::uint8_t> picture = render_face(face.parameters, options.size);
    std::copy(picture.begin(), picture.end(), faces.pixels.begin() + static_cast<std::ptrdiff_t>(i * cells));
    faces.labels[i] = face.label;
    faces.votes[i] = face.votes;
    faces.usages[i] = i < training      ? FaceUsage::kTraining
                      : i < public_test ? FaceUsage::kPublicTest
                                        : FaceUsage::kPrivateTest;
  });
  return faces;
}

GrayPicture contact_sheet(const FaceSynthOptions& options, int columns) {
  check(options);
  if (columns < 1) throw std::invalid_argument("made faces: a contact sheet needs at least one column");
  const int rows = class_count(options.contempt), size = options.size;
  GrayPicture sheet{columns * size, rows * size, {}};
  sheet.pixels.resize(static_cast<std::size_t>(sheet.width) * static_cast<std::size_t>(sheet.height));
  for_each_item(static_cast<std::size_t>(rows * columns), options.threads, [&](std::size_t i) {
    const auto index = static_cast<std::uint32_t>(i);  // classes take turns: face i is of class i % rows
    const int row = static_cast<int>(i) % rows, column = static_cast<int>(i) / rows;
    const SampledFace face = sample_face(options.seed, index, made_face_class(index, options.contempt));
    const std::vector<std::uint8_t> picture = render_face(face.parameters, size);
    for (int y = 0; y < size; ++y) {
      const std::size_t at = static_cast<std::size_t>(row * size + y) * static_cast<std::size_t>(sheet.width) +
                             static_cast<std::size_t>(column * size);
      std::copy_n(picture.begin() + static_cast<std::ptrdiff_t>(y) * size, size,
                  sheet.pixels.begin() + static_cast<std::ptrdiff_t>(at));
    }
  });
  return sheet;
}

}  // namespace shcnn::synth
