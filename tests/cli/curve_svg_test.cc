#include "cli/render/curve_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace skerry::cli {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pointwise;
using ::testing::StartsWith;

void ExpectTicks(double low, double high, int count, const std::vector<double>& expected) {
  EXPECT_THAT(Ticks(low, high, count), Pointwise(DoubleNear(1e-9), expected));
}

TEST(TicksTest, AreRoundNumbersWithinTheRange) {
  ExpectTicks(0, 10, 5, {0, 2, 4, 6, 8, 10});
  ExpectTicks(0.61, 0.79, 6, {0.65, 0.7, 0.75});
  ExpectTicks(-3, 3, 6, {-3, -2, -1, 0, 1, 2, 3});
  ExpectTicks(0, 1234, 4, {0, 500, 1000});
}

TEST(TicksTest, AreFewWhateverTheRange) {
  EXPECT_THAT(Ticks(5, 5, 6), ElementsAre(5));
  EXPECT_THAT(Ticks(6, 5, 6), ElementsAre(6));
  EXPECT_EQ(Ticks(0, std::numeric_limits<double>::infinity(), 6).size(), 1U);
  EXPECT_EQ(Ticks(std::nan(""), 1, 6).size(), 1U);
  for (const double high : {1e-300, 1e-9, 1.0, 1e9, 1e300}) {
    EXPECT_LE(Ticks(0, high, 6).size(), 8U) << high;
  }
}

std::vector<Panel> OnePanel(std::vector<std::pair<double, double>> points) {
  return {{"auc", "round", {{"test", std::move(points), false}}}};
}

TEST(RenderCurvesTest, ASmallPictureIsDrawnToThePoint) {
  const std::string svg = RenderCurves("icu", OnePanel({{0, 0.5}, {1, 0.6}, {2, 0.7}}));
  EXPECT_THAT(svg, StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 520 360\""));
  EXPECT_THAT(svg, ::testing::EndsWith("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr(">icu</text>"));
  EXPECT_THAT(svg, HasSubstr("font-weight=\"bold\">auc</text>"));
  EXPECT_THAT(svg, HasSubstr(">round</text>"));
  // From the left edge of the panel to the right one; 8 % of room below and above.
  EXPECT_THAT(svg, HasSubstr("points=\"60.0,294.9 235.0,188.0 410.0,81.1 \""));
  EXPECT_THAT(svg, HasSubstr("fill=\"#0072B2\">test</text>"));
}

TEST(RenderCurvesTest, PanelsStandSideBySide) {
  std::vector<Panel> panels = OnePanel({{0, 1}, {1, 2}});
  panels.push_back({"loss", "round", {{"level", {{0, 1}, {1, 1}}, true}}});
  const std::string svg = RenderCurves("t", panels);
  EXPECT_THAT(svg, HasSubstr("viewBox=\"0 0 1040 360\""));
  EXPECT_THAT(svg, HasSubstr("stroke-dasharray"));
}

TEST(RenderCurvesTest, NothingMeasuredIsSaid) {
  EXPECT_THAT(RenderCurves("t", OnePanel({})), HasSubstr("nothing was measured"));
  EXPECT_THAT(RenderCurves("t", OnePanel({{0, std::nan("")}})), HasSubstr("nothing was measured"));
  EXPECT_THAT(RenderCurves("t", {}), HasSubstr("</svg>"));
}

TEST(RenderCurvesTest, ValuesThatAreNoNumbersAreLeftOutAndNeverWritten) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::string svg =
      RenderCurves("t", OnePanel({{0, 0.5}, {1, std::nan("")}, {2, infinity}, {3, 0.7}}));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_THAT(svg, HasSubstr("points=\"60.0,294.9 410.0,81.1 \""));
  const std::string last = RenderCurves("t", OnePanel({{0, 0.5}, {1, std::nan("")}}));
  EXPECT_THAT(last, Not(HasSubstr("nan"))) << "the name at the end of the line";
}

TEST(RenderCurvesTest, OnePointAndALevelLineHaveRoomAroundThem) {
  for (const auto& points : {std::vector<std::pair<double, double>>{{3, 0.5}},
                             std::vector<std::pair<double, double>>{{0, 0}, {5, 0}}}) {
    const std::string svg = RenderCurves("t", OnePanel(points));
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf")));
    EXPECT_THAT(svg,
                HasSubstr(points.size() == 1 ? "<circle cx=\"235.0\" cy=\"188.0\"" : "<polyline"));
  }
}

TEST(RenderCurvesTest, NamesThatEndTogetherAreMovedApart) {
  const std::vector<Panel> panels = {
      {"auc", "round", {{"a", {{0, 0.1}, {1, 0.5}}}, {"b", {{0, 0.2}, {1, 0.5}}}}}};
  const std::string svg = RenderCurves("t", panels);
  const auto y_of = [&](const std::string& name) {
    const std::size_t end = svg.find(">" + name + "</text>");
    const std::size_t at = svg.rfind(" y=\"", end) + 4;
    return std::stod(svg.substr(at));
  };
  EXPECT_GE(std::abs(y_of("a") - y_of("b")), 13);
}

TEST(RenderCurvesTest, NamesCannotBreakThePicture) {
  const std::string svg = RenderCurves("<script>\"&\x1b\x01", OnePanel({{0, 1}, {1, 2}}));
  EXPECT_THAT(svg, HasSubstr("&lt;script&gt;&quot;&amp;\\x1b\\x01"));
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
}

}  // namespace
}  // namespace skerry::cli
