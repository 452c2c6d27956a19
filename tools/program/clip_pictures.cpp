#include "tools/program/clip_pictures.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <set>

#include "io/images/image.h"
#include "tools/program/saliency_panel.h"

namespace shcnn::program {

ClipPictures clip_pictures(const io::Clip& clip, const ClipImages& images, int most, int side) {
  ClipPictures out;
  const int apex_frame = clip.apex >= 0 ? clip.apex : clip.span() / 2;
  for (const int frame : {0, apex_frame}) {
    const io::Image gray = io::resized(io::read_image(clip.frames[static_cast<std::size_t>(frame)], 1), side, side);
    out.frames.push_back(picture_of(gray.pixels.data(), side, side, 1));
  }
  const int last = static_cast<int>(images.count()) - 1;
  const int apex = images.apex >= 0 ? images.apex : last / 2;
  std::set<int> shown = {0, apex, last};
  if (most >= 5) shown.insert({apex / 2, (apex + last + 1) / 2});
  for (const int k : shown) {
    if (k == images.apex) out.apex = static_cast<int>(out.images.size());
    out.images.push_back(
        picture_of(images.pixels.data() + k * images.image_bytes(), images.height, images.width, images.channels));
  }
  return out;
}

}  // namespace shcnn::program
