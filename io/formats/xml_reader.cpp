#include "io/formats/xml_reader.h"

#include <expat.h>

#include <algorithm>
#include <new>
#include <utility>

namespace shcnn::io {
namespace {

std::string_view local(std::string_view name) {
  const size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

}  // namespace

const char* XmlAttributes::find(std::string_view name) const {
  for (const char** pair = pairs_; *pair != nullptr; pair += 2) {
    if (pair[0] == name) return pair[1];
  }
  return nullptr;
}

const char* XmlAttributes::find_prefixed(std::string_view local_name) const {
  for (const char** pair = pairs_; *pair != nullptr; pair += 2) {
    const std::string_view name = pair[0];
    if (name.find(':') != std::string_view::npos && local(name) == local_name) return pair[1];
  }
  return nullptr;
}

void XmlParser::Free::operator()(XML_ParserStruct* parser) const { XML_ParserFree(parser); }

struct XmlParser::Calls {
  /// Calls `call`. Exceptions must not pass through expat, which is C code, so they are stored and rethrown by parse().
  template <class Call>
  static void guarded(void* user, Call call) {
    XmlParser& self = *static_cast<XmlParser*>(user);
    if (self.error_ || !self.refused_.empty()) return;
    try {
      call(self);
    } catch (...) {
      self.error_ = std::current_exception();
      XML_StopParser(self.parser_.get(), XML_FALSE);
    }
  }
  static void begin(void* user, const char* name, const char** attributes) {
    guarded(user, [&](XmlParser& self) {
      if (++self.depth_ > kMaxXmlDepth) return self.stop("XML elements nest deeper than 32");
      self.reader_.begin(local(name), XmlAttributes(attributes));
    });
  }
  static void end(void* user, const char* name) {
    guarded(user, [&](XmlParser& self) {
      --self.depth_;
      self.reader_.end(local(name));
    });
  }
  static void text(void* user, const char* piece, int length) {
    guarded(user, [&](XmlParser& self) { self.reader_.text(std::string_view(piece, static_cast<size_t>(length))); });
  }
  static void document_type(void* user, const char*, const char*, const char*, int) {
    guarded(user, [](XmlParser& self) { self.stop("declares a document type"); });
  }
};

XmlParser::XmlParser(XmlReader& reader) : reader_(reader), parser_(XML_ParserCreate(nullptr)) {
  if (!parser_) throw std::bad_alloc();
  XML_SetUserData(parser_.get(), this);
  XML_SetElementHandler(parser_.get(), Calls::begin, Calls::end);
  XML_SetCharacterDataHandler(parser_.get(), Calls::text);
  XML_SetStartDoctypeDeclHandler(parser_.get(), Calls::document_type);
}

XmlParser::~XmlParser() = default;

void XmlParser::stop(std::string message) {
  refused_ = std::move(message);
  XML_StopParser(parser_.get(), XML_FALSE);
}

void XmlParser::feed(std::string_view piece) {
  constexpr size_t kPiece = size_t{1} << 16;
  for (size_t at = 0; at < piece.size(); at += kPiece) parse(piece.substr(at, kPiece), false);
}

void XmlParser::finish() { parse({}, true); }

void XmlParser::parse(std::string_view piece, bool last) {
  const XML_Status status = XML_Parse(parser_.get(), piece.data(), static_cast<int>(piece.size()), last ? 1 : 0);
  fed_ += piece.size();
  if (error_) std::rethrow_exception(error_);
  const XML_Index index = XML_GetCurrentByteIndex(parser_.get());
  const uint64_t byte = index < 0 ? 0 : std::min(static_cast<uint64_t>(index), fed_);
  if (!refused_.empty()) throw XmlProblem{byte, refused_};
  if (status != XML_STATUS_OK) {
    throw XmlProblem{byte, std::string("is no valid XML (") + XML_ErrorString(XML_GetErrorCode(parser_.get())) + ")"};
  }
  // bounds the work: expat scans an unfinished tag again with each piece
  if (!last && index >= 0 && fed_ - byte > kMaxXmlTagBytes) throw XmlProblem{byte, "a tag is longer than 256 KiB"};
}

}  // namespace shcnn::io
