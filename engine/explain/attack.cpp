#include "engine/explain/attack.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/net/finite_scores.h"
#include "kernels/math/philox.h"

namespace shcnn {

AttackPixels attack_pixels_from_string(const std::string& name) {
  if (name == "improved") return AttackPixels::kImproved;
  if (name == "improved-positive") return AttackPixels::kImprovedPositive;
  if (name == "original") return AttackPixels::kOriginal;
  throw Error(ErrorKind::kUsage, "pixels", "'" + name + "' is none of 'improved', 'improved-positive', 'original'");
}

std::string to_string(AttackPixels pixels) {
  return pixels == AttackPixels::kImproved           ? "improved"
         : pixels == AttackPixels::kImprovedPositive ? "improved-positive"
                                                     : "original";
}

template <class T>
std::vector<std::uint8_t> attack_mask(const std::vector<T>& map, bool zeros, double share) {
  if (!(share >= 0 && share <= 1))
    throw Error(ErrorKind::kUsage, "attack", message("share must be in 0..1, got ", share));
  std::vector<std::size_t> chosen;
  for (std::size_t p = 0; p < map.size(); ++p) {
    if (map[p] > 0 || (zeros && map[p] == 0)) chosen.push_back(p);
  }
  std::stable_sort(chosen.begin(), chosen.end(), [&map](std::size_t a, std::size_t b) { return map[a] > map[b]; });
  chosen.resize(static_cast<std::size_t>(std::ceil(share * static_cast<double>(chosen.size()))));
  std::vector<std::uint8_t> mask(map.size(), 0);
  for (const std::size_t p : chosen) mask[p] = 1;
  return mask;
}
template std::vector<std::uint8_t> attack_mask<float>(const std::vector<float>&, bool, double);
template std::vector<std::uint8_t> attack_mask<double>(const std::vector<double>&, bool, double);

std::vector<std::uint8_t> random_mask(std::int64_t pixels, std::int64_t chosen, std::uint64_t seed,
                                      std::int64_t image) {
  std::vector<std::size_t> places(static_cast<std::size_t>(pixels));
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::vector<std::uint8_t> mask(places.size(), 0);
  for (std::size_t i = 0; i < static_cast<std::size_t>(chosen); ++i) {  // the first `chosen` steps of a shuffle
    const Philox4 words = philox(seed, Purpose::kAttack, static_cast<std::uint32_t>(image), i);
    const std::uint64_t word = (std::uint64_t{words.v[0]} << 32) | words.v[1];
    std::swap(places[i], places[i + static_cast<std::size_t>(word % (places.size() - i))]);
    mask[places[i]] = 1;
  }
  return mask;
}

std::vector<std::uint8_t> darkened(const std::uint8_t* image, int channels, const std::vector<std::uint8_t>& mask,
                                   int step) {
  const auto c = static_cast<std::size_t>(channels);
  std::vector<std::uint8_t> out(image, image + mask.size() * c);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (mask[i / c]) out[i] = static_cast<std::uint8_t>(std::clamp(int{out[i]} - step, 0, 255));
  }
  return out;
}

namespace {
std::int64_t differences(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
  return count;
}

/// Calls mapper.run on images whose numbers in the attack start at `first`, and uses these numbers in NonFiniteScores.
template <class T>
SaliencyMaps<T> run_numbered(SaliencyMapper<T>& mapper, const std::uint8_t* pixels, std::int64_t images,
                             const SaliencyRequest& request, std::int64_t first) {
  try {
    return mapper.run(pixels, images, request);
  } catch (const NonFiniteScores& e) {
    throw NonFiniteScores(first + e.image());
  }
}
}  // namespace

std::int64_t AttackResult::changed() const { return differences(before, after); }
std::int64_t AttackResult::changed_by_control() const { return differences(before, control); }

template <class T>
AttackResult attack(SaliencyMapper<T>& mapper, const std::uint8_t* pixels, std::int64_t count,
                    const AttackOptions& options, const std::function<void(std::int64_t, std::int64_t)>& progress) {
  const bool original = options.pixels == AttackPixels::kOriginal;
  SaliencyRequest maps_wanted, classes_wanted;
  maps_wanted.original = original;
  maps_wanted.improved = !original;
  classes_wanted.original = classes_wanted.improved = false;

  AttackResult result;
  for (std::int64_t first = 0; first < count; first += mapper.images_per_pass()) {
    const std::int64_t images = std::min(mapper.images_per_pass(), count - first);
    const std::int64_t bytes = mapper.image_bytes();
    const SaliencyMaps<T> maps = run_numbered(mapper, pixels + first * bytes, images, maps_wanted, first);
    std::vector<std::uint8_t> attacked, control;
    for (std::int64_t i = 0; i < images; ++i) {
      const std::uint8_t* image = pixels + (first + i) * bytes;
      const std::vector<T> map =
          pixel_map(original ? maps.original_of(i) : maps.improved_of(i), maps.channels, maps.height, maps.width);
      const auto mask = attack_mask(map, options.pixels != AttackPixels::kImprovedPositive, options.share);
      const std::int64_t chosen = std::count(mask.begin(), mask.end(), std::uint8_t{1});
      const auto other = random_mask(static_cast<std::int64_t>(map.size()), chosen, options.seed, first + i);
      const auto dark = darkened(image, maps.channels, mask, options.step);
      const auto dark_control = darkened(image, maps.channels, other, options.step);
      result.masks.insert(result.masks.end(), mask.begin(), mask.end());
      attacked.insert(attacked.end(), dark.begin(), dark.end());
      control.insert(control.end(), dark_control.begin(), dark_control.end());
      result.changed_pixels.push_back(chosen);
    }
    const SaliencyMaps<T> after = run_numbered(mapper, attacked.data(), images, classes_wanted, first);
    const SaliencyMaps<T> after_control = run_numbered(mapper, control.data(), images, classes_wanted, first);
    result.before.insert(result.before.end(), maps.predicted.begin(), maps.predicted.end());
    result.after.insert(result.after.end(), after.predicted.begin(), after.predicted.end());
    result.control.insert(result.control.end(), after_control.predicted.begin(), after_control.predicted.end());
    result.attacked.insert(result.attacked.end(), attacked.begin(), attacked.end());
    for (const T s : maps.scores) result.scores_before.push_back(static_cast<float>(s));
    for (const T s : after.scores) result.scores_after.push_back(static_cast<float>(s));
    if (progress) progress(first + images, count);
  }
  return result;
}
template AttackResult attack<float>(SaliencyMapper<float>&, const std::uint8_t*, std::int64_t, const AttackOptions&,
                                    const std::function<void(std::int64_t, std::int64_t)>&);
template AttackResult attack<double>(SaliencyMapper<double>&, const std::uint8_t*, std::int64_t, const AttackOptions&,
                                     const std::function<void(std::int64_t, std::int64_t)>&);

}  // namespace shcnn
