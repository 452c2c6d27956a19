// Reads XML as it comes, without a tree of it in memory: expat parses, a reader is told of elements and texts.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

struct XML_ParserStruct;

namespace shcnn::io {

inline constexpr int kMaxXmlDepth = 32;
inline constexpr uint64_t kMaxXmlTagBytes = uint64_t{256} << 10;  ///< of one tag, comment or the like

/// The attributes of the element that begins; valid in XmlReader::begin() alone.
class XmlAttributes {
 public:
  explicit XmlAttributes(const char** pairs) : pairs_(pairs) {}
  /// The value of an attribute by its whole name, nullptr where there is none.
  const char* find(std::string_view name) const;
  /// The value of an attribute with a namespace ("r:id"), by the name behind the colon; nullptr where there is none.
  const char* find_prefixed(std::string_view local_name) const;

 private:
  const char** pairs_;
};

/// What is called while a document is parsed. Names come without their namespace: "x:row" is "row". Exceptions end the
/// parsing and go through.
class XmlReader {
 public:
  virtual ~XmlReader() = default;
  virtual void begin(std::string_view name, const XmlAttributes& attributes) = 0;
  virtual void end(std::string_view name) = 0;
  /// A piece of text; one text may come in several.
  virtual void text(std::string_view piece) = 0;
};

/// Why a document was refused.
struct XmlProblem {
  uint64_t byte = 0;
  std::string message;
};

/// Parses one document from pieces.
class XmlParser {
 public:
  explicit XmlParser(XmlReader& reader);
  ~XmlParser();
  XmlParser(const XmlParser&) = delete;
  XmlParser& operator=(const XmlParser&) = delete;

  /// The next piece. @throws XmlProblem, and what the reader throws
  void feed(std::string_view piece);
  /// The document's end. @throws as feed()
  void finish();

 private:
  struct Free {
    void operator()(XML_ParserStruct* parser) const;
  };
  struct Calls;  // expat's handlers

  void parse(std::string_view piece, bool last);
  void stop(std::string message);

  XmlReader& reader_;
  std::unique_ptr<XML_ParserStruct, Free> parser_;
  uint64_t fed_ = 0;
  int depth_ = 0;
  std::string refused_;       ///< why a handler stopped the parser
  std::exception_ptr error_;  ///< what the reader threw
};

}  // namespace shcnn::io
