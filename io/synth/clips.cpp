// A frame is painted, not warped: the painter is asked for the gray level of the point that the motion has brought to a
// pixel, so motions far below a pixel are exact. Parallel over clips.
#include "io/synth/clips.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "io/natural_less.h"
#include "io/parallel.h"
#include "io/synth/clip_motion.h"
#include "io/synth/face_painter.h"
#include "io/synth/face_sampling.h"
#include "io/xlsx.h"

namespace shcnn::synth {
namespace {

namespace fs = std::filesystem;

constexpr int kSamples = 2;  ///< along each axis of a pixel
constexpr int kJpegQuality = 98;
constexpr std::uint32_t kClipItem = 0x2000'0000, kSubjectItem = 0x3000'0000, kOrderItem = 0x4000'0000;
constexpr int kSheetRows = 10;

void check(bool good, const std::string& what, const std::string& mend) {
  if (!good) throw io::Error(io::ErrorKind::kUsage, "made clips", "", what, mend);
}

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

/// Which subject each clip has: uneven, as in the real sets, and in no order.
std::vector<int> subjects_of(const ClipSynthOptions& options) {
  std::vector<int> out;
  for (int round = 0; static_cast<int>(out.size()) < options.clips; ++round) {
    for (int s = 0; s < options.subjects && static_cast<int>(out.size()) < options.clips; ++s) {
      if (round % 3 == 0 || s % 3 != round % 3) out.push_back(s);  // two thirds of the subjects in two of three rounds
    }
  }
  RandomStream random(options.seed, kOrderItem);
  for (int i = options.clips - 1; i > 0; --i) {
    std::swap(out[static_cast<std::size_t>(i)], out[static_cast<std::size_t>(random.below(i + 1))]);
  }
  return out;
}

std::string padded(int number, int width) {
  std::string out = std::to_string(number);
  while (static_cast<int>(out.size()) < width) out.insert(out.begin(), '0');
  return out;
}

/// The gray level, 0 .. 1, at a point of the unit square.
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

/// Who moves: look, view and noise of one subject.
struct Subject {
  FaceParameters face;
  double noise;    ///< standard deviation, 1 is the whole range
  double flicker;  ///< of the exposure from frame to frame
};

Subject make_subject(const ClipSynthOptions& options, int number) {
  RandomStream random(options.seed, kSubjectItem + static_cast<std::uint32_t>(number));
  Subject s;
  s.face = sample_face(options.seed, kSubjectItem + static_cast<std::uint32_t>(number), FaceClass::kNeutral).parameters;
  s.face.expression = {};
  FaceView& view = s.face.view;  // cropped faces are aligned: little is left of pose
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

std::string subject_name(io::ClipLayout layout, int subject) {
  return layout == io::ClipLayout::kSamm ? padded(subject + 6, 3) : "sub" + padded(subject + 1, 2);
}

/// A clip's name as the data set would have it.
std::string clip_name(io::ClipLayout layout, int subject, int index) {
  switch (layout) {
    case io::ClipLayout::kCasme:
      return "EP" + padded(index / 10 + 1, 2) + "_" + std::to_string(index % 10 + 1);
    case io::ClipLayout::kCasme2:
      return "EP" + padded(index / 10 + 1, 2) + "_" + padded(index % 10 + 1, 2) + (index % 3 == 0 ? "f" : "");
    case io::ClipLayout::kSamm:
      return subject_name(layout, subject) + "_" + std::to_string(index / 9 + 1) + "_" + std::to_string(index % 9 + 1);
  }
  return {};
}

std::string frame_file(io::ClipLayout layout, const std::string& subject, const std::string& clip, int number) {
  switch (layout) {
    case io::ClipLayout::kCasme:
      return "reg_" + clip + "-" + padded(number, 3) + ".jpg";
    case io::ClipLayout::kCasme2:
      return "reg_img" + std::to_string(number) + ".jpg";
    case io::ClipLayout::kSamm:
      return subject + "_" + padded(number, 5) + ".jpg";
  }
  (void)clip;
  return {};
}

std::string frames_root(io::ClipLayout layout) { return layout == io::ClipLayout::kSamm ? "SAMM" : "Cropped"; }

/// One row of the coding file before it is spelt as the layout has it.
struct Row {
  std::string subject, clip, onset, apex, offset, units, emotion;
  int duration = 0;
};

std::string units_of(const std::string& emotion) {
  static const std::map<std::string, std::string> kUnits = {
      {"happiness", "6+12"}, {"disgust", "9+10"}, {"repression", "15+17"}, {"surprise", "1+2+26"},
      {"others", "4"},       {"tense", "4+24"},   {"anger", "4+17+24"},    {"fear", "1+20"},
      {"contempt", "L14"},   {"sadness", "1+15"}};
  const auto entry = kUnits.find(emotion);
  return entry == kUnits.end() ? "" : entry->second;
}

std::string capital(std::string word) {
  if (!word.empty() && word[0] >= 'a' && word[0] <= 'z') word[0] = static_cast<char>(word[0] - 'a' + 'A');
  return word;
}

std::vector<std::vector<std::string>> coding_sheet(io::ClipLayout layout, const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> out;
  switch (layout) {
    case io::ClipLayout::kCasme:
      out.push_back({"Subject", "Filename", "", "OnsetF", "ApexF1", "ApexF2", "OffsetF", "", "AUs", "Emotion"});
      for (const Row& r : rows) {
        out.push_back({std::to_string(std::stoi(r.subject.substr(3))), r.clip, "", r.onset, r.apex, "0", r.offset, "",
                       r.units, r.emotion});
      }
      break;
    case io::ClipLayout::kCasme2:
      out.push_back({"Subject", "Filename", "", "OnsetFrame", "ApexFrame", "OffsetFrame", "", "Action Units",
                     "Estimated Emotion"});
      for (const Row& r : rows) {
        out.push_back({std::to_string(std::stoi(r.subject.substr(3))), r.clip, "", r.onset, r.apex, r.offset, "",
                       r.units, r.emotion});
      }
      break;
    case io::ClipLayout::kSamm:
      out.push_back({"Made clips in the layout of the SAMM data set"});
      for (const char* line :
           {"No real person is shown: faces and movements are drawn.", "", "Columns", "Subject: number of three digits",
            "Filename: subject, inducement, clip", "Onset Frame: first frame of the movement", "Apex Frame: its peak",
            "Offset Frame: its last frame", "Duration: in frames", "Action Units: as in FACS, L and R are sides",
            "Estimated Emotion: what is shown", ""}) {
        out.push_back({line});
      }
      out.push_back({"Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration",
                     "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"});
      for (const Row& r : rows) {
        out.push_back({std::to_string(std::stoi(r.subject)), r.clip, "1", r.onset, r.apex, r.offset,
                       std::to_string(r.duration), "Micro - 1/2", r.units, capital(r.emotion), "", ""});
      }
      break;
  }
  return out;
}

std::string coding_name(io::ClipLayout layout) {
  switch (layout) {
    case io::ClipLayout::kCasme:
      return "CASME-coding";
    case io::ClipLayout::kCasme2:
      return "CASME2-coding-20140508";
    case io::ClipLayout::kSamm:
      return "SAMM_Micro_FACS_Codes_v2";
  }
  return {};
}

void write_csv(const fs::path& path, const std::vector<std::vector<std::string>>& rows, io::Overwrite overwrite) {
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const bool quoted = row[c].find_first_of(",\"\n") != std::string::npos;
      text += (c > 0 ? "," : "") + (quoted ? "\"" + row[c] + "\"" : row[c]);
    }
    text += "\r\n";
  }
  io::write_file(path, text, overwrite);
}

void make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw io::Error(io::ErrorKind::kDisk, path, "", error.message(), "choose a folder that can be made");
}

/// Frames are written plainly: a half-written data set is made anew, and a thousand flushes would take minutes.
void write_frame(const fs::path& path, const io::Image& image) {
  const std::vector<std::uint8_t> bytes = io::encode_jpeg(image, kJpegQuality);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool good = file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  if ((file != nullptr && std::fclose(file) != 0) || !good) {
    throw io::Error(io::ErrorKind::kDisk, path, "", "cannot be written", "is the disk full?");
  }
}

/// Middlebury's .flo: "PIEH", width, height, then (u, v) row by row.
void write_flow(const fs::path& path, const std::vector<float>& flow, int size, io::Overwrite overwrite) {
  std::string bytes(12 + flow.size() * sizeof(float), '\0');
  const std::int32_t extents[2] = {size, size};
  std::memcpy(bytes.data(), "PIEH", 4);
  std::memcpy(bytes.data() + 4, extents, sizeof extents);
  std::memcpy(bytes.data() + 12, flow.data(), flow.size() * sizeof(float));
  io::write_file(path, bytes, overwrite);
}

/// Onset, apex and the difference of both, eight times enlarged, one row a clip.
io::Image sheet_of(const std::vector<MadeClip>& clips) {
  const int size = clips.front().frames.front().height, columns = 6;
  io::Image sheet{static_cast<int>(clips.size()) * size, columns * size, 1, {}};
  sheet.pixels.resize(static_cast<std::size_t>(sheet.height) * static_cast<std::size_t>(sheet.width));
  for (std::size_t row = 0; row < clips.size(); ++row) {
    const MadeClip& clip = clips[row];
    const auto& first = clip.frames.front().pixels;
    for (int column = 0; column < columns; ++column) {
      const bool difference = column % 2 == 1;
      const int shown = column < 2 ? 0 : column < 4 ? clip.apex : clip.span() - 1;
      const auto& frame = clip.frames[static_cast<std::size_t>(difference || column >= 2 ? shown : 0)].pixels;
      for (int y = 0; y < size; ++y) {
        for (int x = 0; x < size; ++x) {
          const auto at = static_cast<std::size_t>(y * size + x);
          const int value =
              difference ? 128 + 8 * (static_cast<int>(frame[at]) - static_cast<int>(first[at])) : frame[at];
          sheet.pixels[static_cast<std::size_t>((static_cast<int>(row) * size + y) * sheet.width + column * size + x)] =
              static_cast<std::uint8_t>(std::clamp(value, 0, 255));
        }
      }
    }
  }
  return sheet;
}

}  // namespace

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

  FaceParameters face = subject.face;  // nobody sits still from clip to clip
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

namespace {

/// Plants the holes of datasets as they really arrive, in some whole clips that stay usable and in clips beside them.
class HolePlanter {
 public:
  HolePlanter(const fs::path& root, const ClipSynthOptions& options, std::vector<Row>& rows, MadeClips& made)
      : root_(root), options_(options), rows_(rows), made_(made) {}

  void plant() {
    // in clips that stay
    rows_[0].apex = options_.layout == io::ClipLayout::kSamm ? "" : "/";
    note(rows_[0], "apex");
    remove_middle_frame(rows_[1]);
    if (options_.layout == io::ClipLayout::kSamm) {
      rows_[2].apex = std::to_string(std::stoi(rows_[2].offset) + 40);
      note(rows_[2], "apex frame");
      misname(rows_[3]);
      rows_[4].offset = std::to_string(std::stoi(rows_[4].onset) - 1);
      note(rows_[4], "offset");
    } else {
      rows_[2].offset = std::to_string(std::stoi(rows_[2].offset) + 9);
      note(rows_[2], "folder ends");
      rows_[3].emotion = " " + capital(rows_[3].emotion) + " ";  // trimmed and read without case: no problem to tell
    }
    // beside them
    Row unlabelled = rows_[0];
    unlabelled.clip = unlabelled.clip.substr(0, unlabelled.clip.find_last_not_of('f') + 1) + "9";
    copy_frames(rows_[0], unlabelled);
    unlabelled.emotion = "";
    rows_.push_back(unlabelled);
    note(unlabelled, "no label");
    Row no_folder = rows_[1];
    no_folder.clip += "9";
    rows_.push_back(no_folder);
    note(no_folder, "no folder");
    Row no_row = rows_[2];
    no_row.clip += "9";
    copy_frames(rows_[2], no_row);
    note(no_row, "no row");
    rows_.push_back(rows_[1]);
    note(rows_[1], "has a row already");
  }

 private:
  void note(const Row& row, const std::string& what) { made_.holes.push_back({row.subject + "/" + row.clip, what}); }
  fs::path folder_of(const Row& row) const { return root_ / row.subject / row.clip; }

  void remove_middle_frame(const Row& row) {
    const int middle = std::stoi(row.onset) + row.duration - 2;
    fs::remove(folder_of(row) / frame_file(options_.layout, row.subject, row.clip, middle));
    --made_.frames;
    note(row, "missing");
  }
  void copy_frames(const Row& from, const Row& to) {
    fs::copy(folder_of(from), folder_of(to), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }
  /// As many files as before, under another subject's number and counted from another frame.
  void misname(const Row& row) {
    const int onset = std::stoi(row.onset);
    for (int f = 0; f < row.duration; ++f) {
      fs::rename(folder_of(row) / frame_file(options_.layout, row.subject, row.clip, onset + f),
                 folder_of(row) / frame_file(options_.layout, "099", row.clip, onset + 20000 + f));
    }
    note(row, "begin with their subject");
    note(row, "taken in their order");
  }

  fs::path root_;
  const ClipSynthOptions& options_;
  std::vector<Row>& rows_;
  MadeClips& made_;
};

}  // namespace

MadeClips write_made_clips(const fs::path& folder, const ClipSynthOptions& options, io::Overwrite overwrite) {
  check(options);
  constexpr int kWithHoles = 5;
  check(!options.holes || options.clips >= kWithHoles, "holes in " + std::to_string(options.clips) + " clips",
        "ask for at least 5 clips");
  const fs::path root = folder / frames_root(options.layout);
  std::vector<Row> rows(static_cast<std::size_t>(options.clips));
  std::vector<MadeClip> shown(static_cast<std::size_t>(std::min(options.clips, kSheetRows)));
  MadeClips made;
  std::mutex mutex;
  io::for_each_parallel(
      options.clips,
      [&](std::int64_t i) {
        MadeClip clip = make_clip(options, static_cast<int>(i));
        RandomStream random(options.seed, kOrderItem + 1 + static_cast<std::uint32_t>(i));
        const int onset = options.layout == io::ClipLayout::kSamm ? 1000 + random.below(8000) : 20 + random.below(180);
        const fs::path place = root / clip.subject / clip.name;
        make_folders(place);
        make_folders(folder / "truth" / clip.subject);
        for (int f = 0; f < clip.span(); ++f) {
          write_frame(place / frame_file(options.layout, clip.subject, clip.name, onset + f),
                      clip.frames[static_cast<std::size_t>(f)]);
        }
        write_flow(folder / "truth" / clip.subject / (clip.name + ".flo"), clip.flow, options.size, overwrite);
        const auto n = static_cast<std::size_t>(i);
        rows[n] = {clip.subject,
                   clip.name,
                   std::to_string(onset),
                   std::to_string(onset + clip.apex),
                   std::to_string(onset + clip.span() - 1),
                   units_of(clip.emotion),
                   clip.emotion,
                   clip.span()};
        const std::lock_guard<std::mutex> lock(mutex);
        ++made.clips;
        made.frames += clip.span();
        if (n < shown.size()) shown[n] = std::move(clip);
      },
      options.threads, 1);
  if (options.layout == io::ClipLayout::kSamm) {
    for (Row& row : rows) row.emotion = row.emotion == "others" ? "other" : row.emotion;
  }
  if (options.holes) HolePlanter(root, options, rows, made).plant();
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return io::natural_less(a.subject, b.subject); });
  const std::vector<std::vector<std::string>> sheet = coding_sheet(options.layout, rows);
  const std::string name = coding_name(options.layout);
  if (options.csv) {
    write_csv(folder / (name + ".csv"), sheet, overwrite);
  } else {
    io::write_xlsx(folder / (name + ".xlsx"), "Sheet1", sheet, overwrite);
  }
  if (options.holes) {
    std::vector<std::vector<std::string>> holes = {{"clip", "what"}};
    for (const PlantedHole& hole : made.holes) holes.push_back({hole.clip, hole.what});
    write_csv(folder / "holes.csv", holes, overwrite);
  }
  io::write_png(folder / "clips.png", sheet_of(shown), overwrite);
  return made;
}

}  // namespace shcnn::synth
