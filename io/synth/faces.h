// Synthetic faces with labels and votes, in the format of FER2013 and FER+. A face is a pure function of the seed, its
// index and its class: it does not depend on the number of faces or threads.
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
  int size = 48;          ///< image width and height in pixels, >= 8; data sets on disk have 48
  bool contempt = false;  ///< false: FER2013's seven classes; true: contempt as the eighth
  int threads = 0;        ///< 0: one per core, up to 8
};

/// Faces 0 .. count - 1 with their labels and votes. Classes alternate, so class counts in each part differ by at most
/// one. The first 80 % are Training, the next 10 % PublicTest, the rest PrivateTest. Labels and probabilities (one-hot)
/// use FER2013's classes; since these lack contempt, such a face is labelled neutral and differs only in its votes.
/// @throws io::Error kUsage for options out of range
io::FaceSet make_faces(const FaceSynthOptions& options);

/// The class of face `index`; classes alternate.
FaceClass made_face_class(std::uint32_t index, bool contempt);

/// The first `columns` faces of each class, one row per class in the order of the class numbers, rendered at
/// options.size pixels each. options.count has no effect. @throws io::Error kUsage for options out of range
io::Image contact_sheet(const FaceSynthOptions& options, int columns);

/// Makes faces and writes them as fer2013.csv, fer2013new.csv (row i holds the votes on row i) and faces.png, an
/// overview for visual inspection. Returns the faces.
/// @throws io::Error of the writers; kUsage if options.size is not 48
io::FaceSet write_made_faces(const std::filesystem::path& folder, const FaceSynthOptions& options,
                             io::Overwrite overwrite);

}  // namespace shcnn::synth
