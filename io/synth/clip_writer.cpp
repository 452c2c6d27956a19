// Writes synthetic clips to disk: first the frames, on several threads with one clip per task, then the defects if
// requested, and last the coding file.
#include <algorithm>
#include <cstdio>
#include <mutex>
#include <utility>

#include "io/files/natural_less.h"
#include "io/files/output_folder.h"
#include "io/files/parallel.h"
#include "io/formats/flo.h"
#include "io/formats/xlsx.h"
#include "io/synth/clip_layouts.h"
#include "io/synth/clips.h"
#include "io/synth/random_stream.h"

namespace shcnn::synth {
namespace {

namespace fs = std::filesystem;

constexpr int kJpegQuality = 98;
constexpr int kSheetRows = 10;
constexpr std::uint32_t kOnsetItem = 0x5000'0000;

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

/// Frames are not written atomically: an incomplete data set can be made again, and a thousand fsyncs would take
/// minutes.
void write_frame(const fs::path& path, const io::Image& image) {
  const std::vector<std::uint8_t> bytes = io::encode_jpeg(image, kJpegQuality);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool good = file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  if ((file != nullptr && std::fclose(file) != 0) || !good) {
    throw io::Error(io::ErrorKind::kDisk, path, "", "cannot be written", "is the disk full?");
  }
}

/// Overview image with one row per clip and five columns: onset, apex, their difference times 8, offset, and the
/// difference of offset and onset times 8. A difference of 0 is gray level 128.
io::Image sheet_of(const std::vector<MadeClip>& clips) {
  const int size = clips.front().frames.front().height, columns = 5;
  io::Image sheet{static_cast<int>(clips.size()) * size, columns * size, 1, {}};
  sheet.pixels.resize(static_cast<std::size_t>(sheet.height) * static_cast<std::size_t>(sheet.width));
  for (std::size_t row = 0; row < clips.size(); ++row) {
    const MadeClip& clip = clips[row];
    const auto& first = clip.frames.front().pixels;
    for (int column = 0; column < columns; ++column) {
      const bool difference = column == 2 || column == 4;
      const int shown = column == 0 ? 0 : column < 3 ? clip.apex : clip.span() - 1;
      const auto& frame = clip.frames[static_cast<std::size_t>(shown)].pixels;
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

/// Adds defects found in real data sets: some in clips that stay usable, others in additional rows and folders.
class HolePlanter {
 public:
  HolePlanter(const fs::path& root, const ClipSynthOptions& options, std::vector<CodedClip>& rows, MadeClips& made)
      : root_(root), options_(options), rows_(rows), made_(made) {}

  void plant() {
    // in clips that stay usable
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
      rows_[3].emotion = rows_[3].emotion + " ";  // trimmed by the reader, so no Problem is expected
    }
    // additional rows and folders
    CodedClip unlabelled = rows_[0];
    unlabelled.clip = unlabelled.clip.substr(0, unlabelled.clip.find_last_not_of('f') + 1) + "9";
    copy_frames(rows_[0], unlabelled);
    unlabelled.emotion = "";
    rows_.push_back(unlabelled);
    note(unlabelled, "no label");
    CodedClip no_folder = rows_[1];
    no_folder.clip += "9";
    rows_.push_back(no_folder);
    note(no_folder, "no folder");
    CodedClip no_row = rows_[2];
    no_row.clip += "9";
    copy_frames(rows_[2], no_row);
    note(no_row, "no row");
    rows_.push_back(rows_[1]);
    note(rows_[1], "has a row already");
  }

 private:
  void note(const CodedClip& row, const std::string& what) {
    made_.holes.push_back({row.subject + "/" + row.clip, what});
  }
  fs::path folder_of(const CodedClip& row) const { return root_ / row.subject / row.clip; }

  void remove_middle_frame(const CodedClip& row) {
    const int middle = std::stoi(row.onset) + row.duration - 2;
    fs::remove(folder_of(row) / frame_file(options_.layout, row.subject, row.clip, middle));
    --made_.frames;
    note(row, "missing");
  }
  void copy_frames(const CodedClip& from, const CodedClip& to) {
    fs::copy(folder_of(from), folder_of(to), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }
  /// Renames all frames of a clip to another subject's number and shifts their frame numbers.
  void misname(const CodedClip& row) {
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
  std::vector<CodedClip>& rows_;
  MadeClips& made_;
};

}  // namespace

MadeClips write_made_clips(const fs::path& folder, const ClipSynthOptions& options, io::Overwrite overwrite) {
  check(options);
  constexpr int kWithHoles = 5;
  if (options.holes && options.clips < kWithHoles) {
    throw io::Error(io::ErrorKind::kUsage, "made clips", "", "holes in " + std::to_string(options.clips) + " clips",
                    "ask for at least 5 clips");
  }
  const fs::path root = folder / frames_root(options.layout);
  std::vector<CodedClip> rows(static_cast<std::size_t>(options.clips));
  std::vector<MadeClip> shown(static_cast<std::size_t>(std::min(options.clips, kSheetRows)));
  MadeClips made;
  std::mutex mutex;
  io::for_each_parallel(
      options.clips,
      [&](std::int64_t i) {
        MadeClip clip = make_clip(options, static_cast<int>(i));
        RandomStream random(options.seed, kOnsetItem + static_cast<std::uint32_t>(i));
        const int onset = options.layout == io::ClipLayout::kSamm ? 1000 + random.below(8000) : 20 + random.below(180);
        const fs::path place = root / clip.subject / clip.name;
        io::make_output_folder(place);
        io::make_output_folder(folder / "truth" / clip.subject);
        for (int f = 0; f < clip.span(); ++f) {
          write_frame(place / frame_file(options.layout, clip.subject, clip.name, onset + f),
                      clip.frames[static_cast<std::size_t>(f)]);
        }
        io::write_flo(folder / "truth" / clip.subject / (clip.name + ".flo"), options.size, options.size, clip.flow,
                      overwrite);
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
    for (CodedClip& row : rows) row.emotion = row.emotion == "others" ? "other" : row.emotion;
  }
  if (options.holes) HolePlanter(root, options, rows, made).plant();
  std::stable_sort(rows.begin(), rows.end(),
                   [](const CodedClip& a, const CodedClip& b) { return io::natural_less(a.subject, b.subject); });
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
