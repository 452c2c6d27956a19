// Streaming XML parser over expat: calls a reader for each element and text, without building a tree.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

struct XML_ParserStruct;

namespace shcnn::io {

inline constexpr int kMaxXmlDepth = 32;
inline constexpr uint64_t kMaxXmlTagBytes = uint64_t{256} << 10;  ///< of one tag, comment or similar

/// The attributes of an element; valid only during XmlReader::begin().
class XmlAttributes {
 public:
  explicit XmlAttributes(const char** pairs) : pairs_(pairs) {}
  /// The value of the attribute with this full name; nullptr if there is none.
  const char* find(std::string_view name) const;
  /// The value of the attribute with a namespace prefix ("r:id") and this name after the colon; nullptr if there is
  /// none.
  const char* find_prefixed(std::string_view local_name) const;

 private:
  const char** pairs_;
};

/// Callbacks for parsing a document. Names are passed without namespace prefix: "x:row" becomes "row". An exception
/// ends the parsing and propagates to the caller of XmlParser.
class XmlReader {
 public:
  virtual ~XmlReader() = default;
  virtual void begin(std::string_view name, const XmlAttributes& attributes) = 0;
  virtual void end(std::string_view name) = 0;
  /// A piece of text; one text may be passed in several pieces.
  virtual void text(std::string_view piece) = 0;
};

/// Exception: why a document was rejected, and at which byte.
struct XmlProblem {
  uint64_t byte = 0;
  std::string message;
};

/// Parses one document, passed in pieces.
class XmlParser {
 public:
  explicit XmlParser(XmlReader& reader);
  ~XmlParser();
  XmlParser(const XmlParser&) = delete;
  XmlParser& operator=(const XmlParser&) = delete;

  /// Parses the next piece. @throws XmlProblem, and the reader's exceptions
  void feed(std::string_view piece);
  /// Ends the document. @throws as feed()
  void finish();

 private:
  struct Free {
    void operator()(XML_ParserStruct* parser) const;
  };
  struct Calls;  // expat's callbacks

  void parse(std::string_view piece, bool last);
  void stop(std::string message);

  XmlReader& reader_;
  std::unique_ptr<XML_ParserStruct, Free> parser_;
  uint64_t fed_ = 0;
  int depth_ = 0;
  std::string refused_;       ///< why a handler stopped the parser
  std::exception_ptr error_;  ///< the exception that the reader threw
};

}  // namespace shcnn::io
