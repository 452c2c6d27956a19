#include "io/synth/clip_layouts.h"

#include <map>

namespace shcnn::synth {
namespace {

std::string padded(int number, int width) {
  std::string out = std::to_string(number);
  while (static_cast<int>(out.size()) < width) out.insert(out.begin(), '0');
  return out;
}

std::string capital(std::string word) {
  if (!word.empty() && word[0] >= 'a' && word[0] <= 'z') word[0] = static_cast<char>(word[0] - 'a' + 'A');
  return word;
}

}  // namespace

std::string subject_name(io::ClipLayout layout, int subject) {
  return layout == io::ClipLayout::kSamm ? padded(subject + 6, 3) : "sub" + padded(subject + 1, 2);
}

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

std::string units_of(const std::string& emotion) {
  static const std::map<std::string, std::string> kUnits = {
      {"happiness", "6+12"}, {"disgust", "9+10"}, {"repression", "15+17"}, {"surprise", "1+2+26"},
      {"others", "4"},       {"tense", "4+24"},   {"anger", "4+17+24"},    {"fear", "1+20"},
      {"contempt", "L14"},   {"sadness", "1+15"}};
  const auto entry = kUnits.find(emotion);
  return entry == kUnits.end() ? "" : entry->second;
}

std::vector<std::vector<std::string>> coding_sheet(io::ClipLayout layout, const std::vector<CodedClip>& rows) {
  std::vector<std::vector<std::string>> out;
  switch (layout) {
    case io::ClipLayout::kCasme:
      out.push_back({"Subject", "Filename", "", "OnsetF", "ApexF1", "ApexF2", "OffsetF", "", "AUs", "Emotion"});
      for (const CodedClip& r : rows) {
        out.push_back({std::to_string(std::stoi(r.subject.substr(3))), r.clip, "", r.onset, r.apex, "0", r.offset, "",
                       r.units, r.emotion});
      }
      break;
    case io::ClipLayout::kCasme2:
      out.push_back({"Subject", "Filename", "", "OnsetFrame", "ApexFrame", "OffsetFrame", "", "Action Units",
                     "Estimated Emotion"});
      for (const CodedClip& r : rows) {
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
      for (const CodedClip& r : rows) {
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

}  // namespace shcnn::synth
