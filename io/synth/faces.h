// Made faces: as many as asked for, with labels and votes, in the form of FER2013 and FER+. A face is a pure function
// of (seed, its number): asking for more, for another thread count or for one alone changes none of them.
#pragma once

#include <cstdint>
#include <filesystem>

#include "io/faces/dataset.h"
#include "io/images/image.h"
#include "io/synth/face_render.h"
#include "io/synth/face_sampling.h"

namespace shcnn::synth {

struct FaceSynthOptions {
  std::uint64_t seed = 1;
  int count = 6000;       ///< >= 1
  int size = 48;          ///< pixels each way, >= 8; data sets on disk have 48
  bool contempt = false;  ///< false: FER2013's seven classes; true: contempt is drawn as well
  int threads = 0;        ///< 0: one a core, up to 8
};

/// Faces 0 .. count - 1 with their labels and votes. Classes take turns, so every part is balanced to within one face;
/// the first 80 % are Training, the next 10 % PublicTest, the rest PrivateTest. Labels and probabilities (one-hot) are
/// of FER2013's classes, which know no contempt: there such a face counts as neutral. The votes tell it apart.
/// @throws io::Error kUsage on options outside their ranges
io::FaceSet make_faces(const FaceSynthOptions& options);

/// The class of face `index`: they take turns.
FaceClass made_face_class(std::uint32_t index, bool contempt);

/// The first `columns` faces of each class, a row a class in the order of the class numbers, drawn anew at options.size
/// pixels each, whatever options.count says. @throws io::Error kUsage
io::Image contact_sheet(const FaceSynthOptions& options, int columns);

/// Makes faces and writes them as fer2013.csv, fer2013new.csv (row i holds the votes on row i) and faces.png, a sheet
/// to look at. @return the faces. @throws io::Error as the writers; kUsage where options.size is not 48
io::FaceSet write_made_faces(const std::filesystem::path& folder, const FaceSynthOptions& options,
                             io::Overwrite overwrite);

}  // namespace shcnn::synth
