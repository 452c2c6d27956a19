// Frames are painted, not warped: each sample is the gray level of the point of the first frame that the motion has
// moved there, so that motions far below a pixel are exact.
#include "io/synth/clips.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "io/synth/clip_layouts.h"
#include "io/synth/clip_motion.h"
#include "io/synth/face_painter.h"
#include "io/synth/face_sampling.h"

namespace shcnn::synth {
namespace {

namespace fs = std::filesystem;

constexpr int kSamples = 2;  ///< samples per pixel along each axis
constexpr std::uint32_t kClipItem = 0x2000'0000, kSubjectItem = 0x3000'0000, kOrderItem = 0x4000'0000;

void check(bool good, const std::string& what, const std::string& remedy) {
  if (!good) throw io::Error(io::ErrorKind::kUsage, "made clips", "", what, remedy);
}

/// The subject of each clip. Subjects have different numbers of clips, as in the real sets, and the order is random.
std::vector<int> subjects_of(const ClipSynthOptions& options) {
  std::vector<int> out;
  for (int round = 0; static_cast<int>(out.size()) < options.clips; ++round) {
    for (int s = 0; s < options.subjects && static_cast<int>(out.size()) < options.clips; ++s) {
      if (round % 3 == 0 || s % 3 != round % 3) out.push_back(s);  // two of three rounds skip a third of the subjects
    }
  }
  RandomStream random(options.seed, kOrderItem);
  for (int i = options.clips - 1; i > 0; --i) {
    std::swap(out[static_cast<std::size_t>(i)], out[static_cast<std::size_t>(random.below(i + 1))]);
  }
  return out;
}

/// Gray level, 0 .. 1, at a point of the unit square.
using Luminance = std::function<double(Vec2)>;

Luminance picture_luminance(io::Image picture) {
  return [picture = std::move(picture)](Vec2 p) {
    const auto clamped = [](double v, double most) { return v < 0 ? 0 : v > most ? most : v; };
    const double x = clamped(p.x * picture.width - 0.5, picture.width - 1.0),
                 y = clamped(p.y * picture.height - 0.5, picture.height - 1.0);
    const int i = std::min(static_cast<int>(x), picture.width - 2),
              j = std::min(static_cast<int>(y), picture.height - 2);
    const double a = x - i, b = y - j;
    const auto at = [&](int column, int row) {
      return picture.pixels[static_cast<std::size_t>(row) * static_cast<std::size_t>(picture.width) +
                            static_cast<std::size_t>(column)] /
             255.0;
    };
    return (1 - b) * ((1 - a) * at(i, j) + a * at(i + 1, j)) + b * ((1 - a) * at(i, j + 1) + a * at(i + 1, j + 1));
  };
}

/// Face, view, noise and flicker of one subject.
struct Subject {
  FaceParameters face;
  double noise;    ///< standard deviation; 1 is the full range
  double flicker;  ///< standard deviation of the exposure's gain from frame to frame
};

Subject make_subject(const ClipSynthOptions& options, int number) {
  RandomStream random(options.seed, kSubjectItem + static_cast<std::uint32_t>(number));
  Subject s;
  s.face = sample_face(options.seed, kSubjectItem + static_cast<std::uint32_t>(number), FaceClass::kNeutral).parameters;
  s.face.expression = {};
  FaceView& view = s.face.view;  // cropped faces are aligned, so pose varies little
  view.scale = random.bell(0.44, 0.012);
  view.roll = 0;
  view.yaw = random.bell(0.0, 0.03);
  view.pitch = random.bell(0.0, 0.03);
  view.shift_x = view.shift_y = 0;
  s.noise = random.uniform(0.003, 0.009);
  s.flicker = random.uniform(0.002, 0.01);
  return s;
}

std::vector<fs::path> given_faces(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string ending = entry->path().extension().string();
    if (ending == ".png" || ending == ".jpg" || ending == ".jpeg" || ending == ".bmp") out.push_back(entry->path());
  }
  std::sort(out.begin(), out.end());
  if (out.empty()) {
    throw io::Error(io::ErrorKind::kBadData, folder, "", "holds no pictures of faces", "put PNG or JPEG files there");
  }
  return out;
}

io::Image paint(const Luminance& luminance, const ClipMotion& motion, const FaceView& view, int size, double strength,
                double drift, double gain, double noise, std::uint64_t noise_seed, std::uint32_t frame) {
  io::Image image{size, size, 1, {}};
  image.pixels.resize(static_cast<std::size_t>(size) * static_cast<std::size_t>(size));
  RandomStream random(noise_seed, frame);
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      double sum = 0;
      for (int j = 0; j < kSamples; ++j) {
        for (int i = 0; i < kSamples; ++i) {
          const Vec2 at = {(column + (i + 0.5) / kSamples) / size, (row + (j + 0.5) / kSamples) / size};
          sum += luminance(motion.backward(at, strength, drift));
        }
      }
      const double exposed =
          (sum / (kSamples * kSamples) * view.gain * gain - 0.5) * view.contrast + 0.5 + view.brightness;
      const double level = 255.0 * (exposed + random.bell(0.0, noise)) + 0.5;
      image.pixels[static_cast<std::size_t>(row * size + column)] =
          static_cast<std::uint8_t>(level < 0.0 ? 0.0 : (level > 255.0 ? 255.0 : level));
    }
  }
  return image;
}

}  // namespace

void check(const ClipSynthOptions& o) {
  check(o.subjects >= 2 && o.subjects <= 99, std::to_string(o.subjects) + " subjects", "ask for 2 to 99");
  check(o.clips >= o.subjects && o.clips <= 100000, std::to_string(o.clips) + " clips",
        "ask for at least one a subject");
  check(o.size >= 32 && o.size <= 1024, "frames of " + std::to_string(o.size) + " pixels", "ask for 32 to 1024");
  check(o.least_frames >= 3 && o.most_frames >= o.least_frames && o.most_frames <= 1000,
        std::to_string(o.least_frames) + " to " + std::to_string(o.most_frames) + " frames a clip",
        "ask for at least 3");
  check(o.least_peak > 0 && o.most_peak >= o.least_peak && o.most_peak <= 4, "a peak beyond 4 px or below 0",
        "ask for 0.3 to 2");
}

std::vector<std::string> made_emotions(io::ClipLayout layout) {
  switch (layout) {
    case io::ClipLayout::kCasme:
      return {"disgust", "surprise", "repression", "tense", "happiness"};
    case io::ClipLayout::kCasme2:
      return {"happiness", "others", "repression", "surprise", "disgust"};
    case io::ClipLayout::kSamm:
      return {"anger", "happiness", "surprise", "contempt", "happiness", "surprise", "disgust", "sadness", "fear"};
  }
  return {};
}

MadeClip make_clip(const ClipSynthOptions& options, int index) {
  check(options);
  const std::vector<std::string> emotions = made_emotions(options.layout);
  const int subject_number = subjects_of(options)[static_cast<std::size_t>(index)];
  const Subject subject = make_subject(options, subject_number);
  RandomStream random(options.seed, kClipItem + static_cast<std::uint32_t>(index));

  MadeClip clip;
  clip.subject = subject_name(options.layout, subject_number);
  clip.name = clip_name(options.layout, subject_number, index);
  clip.emotion = emotions[static_cast<std::size_t>(index) % emotions.size()];

  FaceParameters face = subject.face;  // position, light and eyes differ between clips of a subject
  face.view.shift_x = random.bell(0.0, 0.012);
  face.view.shift_y = random.bell(0.0, 0.012);
  face.view.scale *= random.bell(1.0, 0.012);
  face.view.light_x += random.bell(0.0, 0.1);
  face.view.gain *= random.bell(1.0, 0.04);
  face.expression.eye_close = random.uniform(0.0, 0.15);
  face.expression.gaze_x = random.bell(0.0, 0.3);
  face.expression.lips_part = random.chance(0.2) ? random.uniform(0.0, 0.2) : 0.0;

  const int frames = options.least_frames + random.below(options.most_frames - options.least_frames + 1);
  const double apex_time = random.uniform(0.35, 0.6), rest = random.uniform(0.1, 0.45);
  clip.apex = std::clamp(static_cast<int>(apex_time * (frames - 1) + 0.5), 1, frames - 1);
  const double peak = random.uniform(options.least_peak, options.most_peak) / 120.0;
  const ClipMotion motion(clip.emotion, face, peak, random);
  const std::uint64_t noise_seed = (std::uint64_t{random.word()} << 32) | random.word();

  Luminance luminance;
  if (options.faces.empty()) {
    const auto painter = std::make_shared<FacePainter>(face, 1.0 / (options.size * kSamples));
    luminance = [painter](Vec2 p) { return painter->luminance(p.x, p.y); };
  } else {
    const std::vector<fs::path> given = given_faces(options.faces);
    luminance = picture_luminance(io::read_image(given[static_cast<std::size_t>(subject_number) % given.size()], 1));
    face.view.gain = face.view.contrast = 1;
    face.view.brightness = 0;
  }
  const double apex_at = static_cast<double>(clip.apex) / (frames - 1);
  for (int f = 0; f < frames; ++f) {
    const double time = static_cast<double>(f) / (frames - 1);
    const double strength = expression_strength(time, apex_at, rest);
    const double gain = random.bell(1.0, subject.flicker);
    clip.frames.push_back(paint(luminance, motion, face.view, options.size, strength, time, gain, subject.noise,
                                noise_seed, static_cast<std::uint32_t>(f)));
  }
  clip.flow.resize(2 * static_cast<std::size_t>(options.size) * static_cast<std::size_t>(options.size));
  for (int y = 0; y < options.size; ++y) {
    for (int x = 0; x < options.size; ++x) {
      const Vec2 from = {(x + 0.5) / options.size, (y + 0.5) / options.size};
      const Vec2 to = motion.forward(from, 1.0, apex_at);
      float* out = &clip.flow[2 * static_cast<std::size_t>(y * options.size + x)];
      out[0] = static_cast<float>((to.x - from.x) * options.size);
      out[1] = static_cast<float>((to.y - from.y) * options.size);
    }
  }
  return clip;
}

}  // namespace shcnn::synth
