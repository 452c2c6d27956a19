// shcnn doctor: reports what this machine and this build support.
#include <fmt/format.h>

#include "kernels/backend.h"
#include "models/shcnn.h"
#include "tools/program/machine.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

Json variant_facts(Variant variant, int classes) {
  ModelOptions options;
  options.variant = variant;
  options.classes = classes;
  options.pool = variant == Variant::kMicro ? PoolKind::kAverage : PoolKind::kMax;
  const Model model = make_model(options);
  return {{"variant", to_string(variant)},
          {"classes", classes},
          {"parameters", model.parameter_count()},
          {"dead_parameters", model.dead_parameter_count()},
          {"forward_mflop_per_image", model.forward_flops() / 1e6}};
}

/// Whether `device` can be used here, with its name, or else the reason.
Json device_facts(const std::string& device, int threads) {
  BackendOptions options;
  options.threads = threads;
  try {
    return {{"device", device}, {"usable", true}, {"name", make_backend(device, options).device->name()}};
  } catch (const Error& e) {
    return {{"device", device}, {"usable", false}, {"reason", e.what()}};
  }
}

void run_doctor(const Common& common) {
  const Machine machine = this_machine();
  Json devices = Json::array();
  for (const char* device : {"cpu", "simt", "cuda"}) devices.push_back(device_facts(device, common.threads));
  Json report = {{"schema", kSchema},
                 {"version", SHCNN_VERSION},
                 {"processor", machine.processor},
                 {"cores", machine.cores},
                 {"memory_bytes", machine.memory},
                 {"memory_available_bytes", machine.available},
                 {"devices", devices},
                 {"networks", Json::array({variant_facts(Variant::kStatic, 7), variant_facts(Variant::kMicro, 5)})}};
  if (common.json) {
    print_json(report);
    return;
  }
  fmt::print("shcnn {}\n", SHCNN_VERSION);
  fmt::print("processor   {}, {} cores for this process\n", machine.processor, machine.cores);
  fmt::print("memory      {}, {} available\n", bytes_text(static_cast<double>(machine.memory)),
             bytes_text(static_cast<double>(machine.available)));
  for (const Json& device : devices) {
    const bool usable = device["usable"].get<bool>();
    fmt::print("{:<12}{}{}\n", device["device"].get<std::string>(),
               usable ? "" : "not usable: ", device[usable ? "name" : "reason"].get<std::string>());
  }
  for (const Json& network : report["networks"]) {
    fmt::print("network     {}, {} classes: {} parameters, {:.2f} MFLOP an image\n",
               network["variant"].get<std::string>(), network["classes"].get<int>(),
               network["parameters"].get<std::int64_t>(), network["forward_mflop_per_image"].get<double>());
  }
}

}  // namespace

void add_doctor(OptionSet& app, Common& common, Verbs& verbs) {
  OptionSet& verb = app.add_verb("doctor", "Prints the devices and features of this machine and build.",
                                 {"shcnn doctor", "shcnn doctor --json"});
  add_common(verb, common, true);
  verbs.push_back({&verb, [&common] { run_doctor(common); }, {}});
}

}  // namespace shcnn::program
