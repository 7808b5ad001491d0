#include "tests/protos/style.h"
#include "tests/places/places.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

namespace assay::protos {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

FileDescriptorSet ReadSet(const std::string& path_in_build) {
  std::ifstream file(test::BinaryDir() + path_in_build, std::ios::binary);
  FileDescriptorSet set;
  EXPECT_TRUE(file && set.ParseFromIstream(&file)) << path_in_build;
  return set;
}

// --- our own protos, as protoc sees them ---------------------------------------------------------------------------

class OurProtos : public ::testing::Test {
 protected:
  OurProtos() {
    const FileDescriptorSet set = ReadSet("/generated/assay.protoset");
    for (const auto& proto : set.file()) {  // imports stand before what imports them
      const FileDescriptor* built = pool_.BuildFile(proto);
      if (built != nullptr && built->package() != "google.protobuf") files_.push_back(built);
    }
  }

  DescriptorPool pool_;
  std::vector<const FileDescriptor*> files_;
};

TEST_F(OurProtos, AreAllInTheSet) {
  std::set<std::string> built, present;
  for (const FileDescriptor* file : files_) built.insert(file->name());
  const std::filesystem::path root = test::SourceDir() + "/proto";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".proto") present.insert(std::filesystem::relative(entry.path(), root).string());
  }
  EXPECT_THAT(present, Not(IsEmpty()));
  EXPECT_EQ(built, present);
}

TEST_F(OurProtos, HaveTheStyle) { EXPECT_THAT(CheckStyle(files_), IsEmpty()); }

TEST_F(OurProtos, AnAppraisalIsCanonical) {
  const auto* appraisal = pool_.FindMessageTypeByName("assay.v1.Appraisal");
  ASSERT_NE(appraisal, nullptr);
  EXPECT_THAT(CheckCanonical(*appraisal), IsEmpty());
}

// --- that the checks themselves can fail ---------------------------------------------------------------------------

FileDescriptorProto Example() {
  const FileDescriptorSet set = ReadSet("/generated/example.protoset");
  EXPECT_EQ(set.file_size(), 1);
  return set.file(0);
}

// Indices in paint.proto.
constexpr int kPaintRequest = 0, kPaintResponse = 1, kTree = 2;

TEST(CheckStyle, AcceptsGoodStyle) {
  DescriptorPool pool;
  const FileDescriptor* file = pool.BuildFile(Example());
  ASSERT_NE(file, nullptr);
  EXPECT_THAT(CheckStyle({file}), IsEmpty());
}

TEST(CheckStyle, FindsEveryDeviation) {
  struct Deviation {
    std::string expected;
    std::function<void(FileDescriptorProto&)> spoil;
  };
  // Spoils the comment of the element at a path of field numbers and indices (descriptor.proto,
  // SourceCodeInfo.Location).
  const auto comment = [](std::initializer_list<int> path) {
    return [path = std::vector<int>(path)](FileDescriptorProto& file) {
      for (auto& location : *file.mutable_source_code_info()->mutable_location()) {
        if (!std::equal(location.path().begin(), location.path().end(), path.begin(), path.end())) continue;
        ASSERT_TRUE(location.has_leading_comments());
        location.set_leading_comments(" \n");
        location.set_trailing_comments(" A comment behind it does not count.\n");
      }
    };
  };
  const Deviation cases[] = {
      {"a.v1.BodyColour: has no leading comment", comment({5, 0})},
      {"a.v1.BODY_COLOUR_RED: has no leading comment", comment({5, 0, 2, 1})},
      {"a.v1.PaintRequest: has no leading comment", comment({4, kPaintRequest})},
      {"a.v1.PaintRequest.body_colour: has no leading comment", comment({4, kPaintRequest, 2, 0})},
      {"a.v1.PaintRequest.brush: has no leading comment", comment({4, kPaintRequest, 2, 2})},
      {"a.v1.PaintResponse.Duration: has no leading comment", comment({4, kPaintResponse, 3, 0})},
      {"a.v1.PaintResponse.Duration.seconds: has no leading comment", comment({4, kPaintResponse, 3, 0, 2, 0})},
      {"a.v1.Tree.painted: has no leading comment", comment({4, kTree, 2, 2})},
      {"a.v1.PaintService: has no leading comment", comment({6, 0})},
      {"a.v1.PaintService.Paint: has no leading comment", comment({6, 0, 2, 0})},
      {"a.v1.Stump: has no leading comment", [](auto& file) { file.clear_source_code_info(); }},
      {"a/v2/paint.proto: package 'a.v1' is not the folder 'a.v2'", [](auto& file) { file.set_name("a/v2/paint.proto"); }},
      {"paint.proto: package 'a.v1' is not the folder ''", [](auto& file) { file.set_name("paint.proto"); }},
      {"a/v1/paint.proto: syntax is not proto3",
       [](auto& file) {
         file.clear_syntax();  // proto2
         for (auto& field : *file.mutable_message_type(kPaintRequest)->mutable_field()) field.clear_proto3_optional();
       }},
      {"a.v1.BODY_COLOUR_NONE: zero, and only zero, is BODY_COLOUR_UNSPECIFIED",
       [](auto& file) { file.mutable_enum_type(0)->mutable_value(0)->set_name("BODY_COLOUR_NONE"); }},
      {"a.v1.COLOUR_RED: does not begin with BODY_COLOUR_",
       [](auto& file) { file.mutable_enum_type(0)->mutable_value(1)->set_name("COLOUR_RED"); }},
      {"a.v1.BODY_COLOUR_Red: is not UPPER_SNAKE_CASE",
       [](auto& file) { file.mutable_enum_type(0)->mutable_value(1)->set_name("BODY_COLOUR_Red"); }},
      {"a.v1.body_colour: is not PascalCase",
       [](auto& file) {
         file.mutable_enum_type(0)->set_name("body_colour");
         file.mutable_message_type(kPaintRequest)->mutable_field(0)->set_type_name(".a.v1.body_colour");
       }},
      {"a.v1.PaintRequest.coatCount: is not lower_snake_case",
       [](auto& file) { file.mutable_message_type(kPaintRequest)->mutable_field(1)->set_name("coatCount"); }},
      {"a.v1.PaintRequest.coat__count: is not lower_snake_case",
       [](auto& file) { file.mutable_message_type(kPaintRequest)->mutable_field(1)->set_name("coat__count"); }},
      {"a.v1.PaintRequest.coats_: is not lower_snake_case",
       [](auto& file) { file.mutable_message_type(kPaintRequest)->mutable_field(1)->set_name("coats_"); }},
      {"a.v1.PaintRequest.Way: is not lower_snake_case",
       [](auto& file) { file.mutable_message_type(kPaintRequest)->mutable_oneof_decl(0)->set_name("Way"); }},
      {"a.v1.PaintResponse.duration: is not PascalCase",
       [](auto& file) {
         file.mutable_message_type(kPaintResponse)->mutable_nested_type(0)->set_name("duration");
         file.mutable_message_type(kPaintResponse)->mutable_field(0)->set_type_name(".a.v1.PaintResponse.duration");
       }},
      {"a.v1.Painter: is not PascalCase ending in Service", [](auto& file) { file.mutable_service(0)->set_name("Painter"); }},
      {"a.v1.PaintService.paint: is not PascalCase", [](auto& file) { file.mutable_service(0)->mutable_method(0)->set_name("paint"); }},
      {"a.v1.PaintService.Paint: its request is not named PaintRequest",
       [](auto& file) { file.mutable_service(0)->mutable_method(0)->set_input_type(".a.v1.Tree"); }},
      {"a.v1.PaintService.Paint: its response is not named PaintResponse",
       [](auto& file) { file.mutable_service(0)->mutable_method(0)->set_output_type(".a.v1.Tree"); }},
      {"a.v1.PaintRequest: is used by more than one place",
       [](auto& file) {
         auto& again = *file.mutable_service(0)->add_method();
         again = file.service(0).method(0);
         again.set_name("PaintAgain");
       }},
  };
  for (const Deviation& test : cases) {
    SCOPED_TRACE(test.expected);
    FileDescriptorProto spoilt = Example();
    test.spoil(spoilt);
    DescriptorPool pool;
    const FileDescriptor* file = pool.BuildFile(spoilt);
    ASSERT_NE(file, nullptr);
    EXPECT_THAT(CheckStyle({file}), Contains(StartsWith(test.expected)));
  }
}

TEST(CheckCanonical, FindsFloatsAndMapsAtAnyDepth) {
  DescriptorPool pool;
  const FileDescriptor* file = pool.BuildFile(Example());
  ASSERT_NE(file, nullptr);
  EXPECT_THAT(CheckCanonical(*file->message_type(kPaintResponse)), IsEmpty());
  EXPECT_THAT(CheckCanonical(*file->message_type(kTree)),  // recursion ends
              UnorderedElementsAre(StartsWith("a.v1.Tree.painted: is a map"), StartsWith("a.v1.Stump.height: is a floating point number"),
                                   StartsWith("a.v1.Stump.width: is a floating point number")));
}

TEST(CheckCanonical, LooksIntoTheValuesOfMapsAndIntoOneofs) {
  FileDescriptorProto hidden = Example();
  auto& entry = *hidden.mutable_message_type(kTree)->mutable_nested_type(0)->mutable_field(1);
  entry.set_type_name(".a.v1.Stump");
  hidden.mutable_message_type(kTree)->mutable_field()->DeleteSubrange(3, 1);
  auto& brush = *hidden.mutable_message_type(kPaintRequest)->mutable_field(2);
  brush.set_type(FieldDescriptorProto::TYPE_DOUBLE);
  DescriptorPool pool;
  const FileDescriptor* file = pool.BuildFile(hidden);
  ASSERT_NE(file, nullptr);
  EXPECT_THAT(CheckCanonical(*file->message_type(kTree)), Contains(StartsWith("a.v1.Stump.height")));
  EXPECT_THAT(CheckCanonical(*file->message_type(kPaintRequest)), Contains(StartsWith("a.v1.PaintRequest.brush")));
}

}  // namespace
}  // namespace assay::protos
