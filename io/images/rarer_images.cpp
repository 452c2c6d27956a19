// Formats that are decoded by modules: WebP and TIFF by shcnn_images, GIF by shcnn_video.
#include <new>
#include <string_view>

#include "io/files/module.h"
#include "io/images/image_decoders.h"
#include "io/images/video.h"
#include "io/media/images.h"

namespace shcnn::io {

Image decode_by_module(const EncodedImage& from, const char* format, int channels) {
  const Module module("shcnn_images", "WebP and TIFF images", "libwebp-dev and libtiff-dev");
  const ImageCodecs& codecs = module.functions<ImageCodecs>(kImageCodecsSymbol);
  const ImageCodec& codec = std::string_view(format) == "webp" ? codecs.webp : codecs.tiff;
  const auto check = [&](const char* wrong) {
    if (wrong == codecs.no_memory) throw std::bad_alloc();
    if (wrong) refuse_image(from, wrong);
  };
  int64_t width = 0, height = 0;
  check(codec.read_size(from.bytes.data(), from.bytes.size(), &width, &height));
  Image image = make_image(from, width, height, 3);
  check(codec.decode(from.bytes.data(), from.bytes.size(), width, height, image.pixels.data()));
  if (channels == 1) {
    const bool webp = &codec == &codecs.webp;
    for (size_t i = 0; i < image.pixels.size() / 3; ++i) {
      const uint8_t* p = image.pixels.data() + 3 * i;
      image.pixels[i] = webp ? converted_gray_of(p[0], p[1], p[2]) : gray_of(p[0], p[1], p[2]);
    }
    image.channels = 1;
    image.pixels.resize(image.pixels.size() / 3);
  }
  return image;
}

Image decode_gif(const EncodedImage& from, int channels) {
  Image image, second;
  bool animated = false;
  try {
    Video video(from.path);
    video.next(image, channels);
    animated = video.next(second, channels);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kBadData) refuse_damaged(from, "");  // the original message refers to a video
    throw;
  }
  if (animated) {
    refuse_image(from, "is an animation, not one image", "name it as a video, or save one of its frames as PNG");
  }
  return image;
}

}  // namespace shcnn::io
