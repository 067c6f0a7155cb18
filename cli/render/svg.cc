#include "cli/render/svg.h"

#include "base/text.h"

namespace skerry::cli::svg {
namespace {

std::string Attribute(const char* name, double value) {
  return std::string(" ") + name + "=\"" + FormatFixed(value, 1) + "\"";
}

}  // namespace

std::string Escape(const std::string& text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '&') {
      escaped += "&amp;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string Text(double x, double y, const std::string& anchor, const std::string& text,
                 const std::string& extra) {
  return "<text" + Attribute("x", x) + Attribute("y", y) + " text-anchor=\"" + anchor + "\"" +
         extra + ">" + Escape(text) + "</text>\n";
}

std::string Line(double x1, double y1, double x2, double y2, const std::string& colour,
                 const std::string& extra) {
  return "<line" + Attribute("x1", x1) + Attribute("y1", y1) + Attribute("x2", x2) +
         Attribute("y2", y2) + " stroke=\"" + colour + "\"" + extra + "/>\n";
}

std::string Rect(double x, double y, double width, double height, const std::string& colour,
                 const std::string& extra) {
  return "<rect" + Attribute("x", x) + Attribute("y", y) + Attribute("width", width) +
         Attribute("height", height) + " fill=\"" + colour + "\"" + extra + "/>\n";
}

std::string Picture(double width, double height, const std::string& contents) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + FormatFixed(width, 0) + " " +
         FormatFixed(height, 0) + "\" width=\"" + FormatFixed(width, 0) + "\" height=\"" +
         FormatFixed(height, 0) +
         "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n" +
         "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n" + contents + "</svg>\n";
}

}  // namespace skerry::cli::svg
