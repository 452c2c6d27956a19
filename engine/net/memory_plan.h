// The device memory of a network is planned as a table that can be printed and is then allocated once. Training and
// inference steps allocate nothing.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "kernels/device.h"
#include "kernels/view.h"

namespace shcnn {

class MemoryPlan {
 public:
  /// Handle of a planned array.
  struct Slot {
    std::size_t index = 0;
  };

  /// Plans an array of this shape with `element_bytes` per element; only before commit().
  Slot add(std::string name, Shape shape, std::size_t element_bytes);
  template <class T>
  Slot add(std::string name, Shape shape) {
    return add(std::move(name), shape, sizeof(T));
  }

  /// Allocates the memory, filled with zeros. Throws the device's Error(kDevice) if there is not enough.
  void commit(Device& device);

  /// The planned array; only after commit().
  template <class T>
  View<T> view(Slot slot) const {
    return View<T>(static_cast<T*>(address(slot, sizeof(T))), entries_[slot.index].shape);
  }

  std::size_t total_bytes() const { return total_bytes_; }
  /// One line per array: name, shape, bytes.
  std::string table() const;

 private:
  struct Entry {
    std::string name;
    Shape shape;
    std::size_t element_bytes;
    std::size_t offset;
  };
  void* address(Slot slot, std::size_t element_bytes) const;

  std::vector<Entry> entries_;
  std::size_t total_bytes_ = 0;
  DeviceBuffer buffer_;
};

}  // namespace shcnn
