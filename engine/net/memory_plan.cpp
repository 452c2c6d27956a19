#include "engine/net/memory_plan.h"

#include <cstdio>

namespace shcnn {
namespace {
constexpr std::size_t kAlignment = 256;  // that of cudaMalloc, enough for any vector load
}

MemoryPlan::Slot MemoryPlan::add(std::string name, Shape shape, std::size_t element_bytes) {
  if (buffer_.data()) throw Error(ErrorKind::kInternal, "MemoryPlan", "'" + name + "' was added after commit()");
  const std::size_t bytes = static_cast<std::size_t>(shape.count()) * element_bytes;
  entries_.push_back({std::move(name), shape, element_bytes, total_bytes_});
  total_bytes_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  return Slot{entries_.size() - 1};
}

void MemoryPlan::commit(Device& device) {
  buffer_ = DeviceBuffer(device, total_bytes_);
  device.fill_zero(buffer_.data(), total_bytes_);
}

void* MemoryPlan::address(Slot slot, std::size_t element_bytes) const {
  const Entry& entry = entries_.at(slot.index);
  if (entry.element_bytes != element_bytes) {
    throw Error(ErrorKind::kInternal, "MemoryPlan", "'" + entry.name + "' is viewed as another type");
  }
  if (!buffer_.data())
    throw Error(ErrorKind::kInternal, "MemoryPlan", "'" + entry.name + "' is viewed before commit()");
  return static_cast<char*>(buffer_.data()) + entry.offset;
}

std::string MemoryPlan::table() const {
  std::string text;
  char line[160];
  for (const Entry& entry : entries_) {
    std::snprintf(line, sizeof line, "%-20s %-26s %14zu\n", entry.name.c_str(), entry.shape.str().c_str(),
                  static_cast<std::size_t>(entry.shape.count()) * entry.element_bytes);
    text += line;
  }
  std::snprintf(line, sizeof line, "%-20s %-26s %14zu bytes\n", "total", "", total_bytes_);
  return text + line;
}

}  // namespace shcnn
