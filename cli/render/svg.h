#pragma once

#include <array>
#include <string>

// Pieces of SVG pictures, each a line of text.
namespace skerry::cli::svg {

// Okabe and Ito's palette, which people with colour blindness can tell apart.
constexpr std::array<const char*, 7> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                 "#E69F00", "#56B4E9", "#000000"};

std::string Escape(const std::string& text);
// `anchor`: start, middle, end. `extra`: further attributes, with a space in front.
std::string Text(double x, double y, const std::string& anchor, const std::string& text,
                 const std::string& extra = "");
std::string Line(double x1, double y1, double x2, double y2, const std::string& colour,
                 const std::string& extra = "");
std::string Rect(double x, double y, double width, double height, const std::string& colour,
                 const std::string& extra = "");
// The whole picture, `contents` over white.
std::string Picture(double width, double height, const std::string& contents);

}  // namespace skerry::cli::svg
