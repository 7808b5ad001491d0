#include "base/files.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/strings.h"

namespace assay {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::EndsWith;

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() {
    std::string pattern = (fs::temp_directory_path() / "assay-files-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~FilesTest() override { fs::remove_all(root_); }

  std::string Write(const std::string& name, std::string_view content) {
    const fs::path path = root_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }

  fs::path root_;
};

TEST_F(FilesTest, ReadsAllBytes) {
  EXPECT_EQ(AsText(*ReadFile("FILE", Write("a", std::string("x\0y", 3)))), std::string_view("x\0y", 3));
  EXPECT_TRUE(ReadFile("FILE", Write("empty", ""))->empty());
}

TEST_F(FilesTest, MissingFile) {
  const auto missing = ReadFile("--policy", (root_ / "none").string());
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(MessageOf(missing.status()), Cat("--policy '", (root_ / "none").string(),
                                             "': expected a readable file, actual: No such file or directory. Check the path."));
}

TEST_F(FilesTest, DirectoryAsFile) {
  EXPECT_EQ(MessageOf(ReadFile("FILE", root_.string()).status()),
            Cat("FILE '", root_.string(), "': expected a file, actual: a directory. Name the files in it, or give it with --collateral."));
}

TEST_F(FilesTest, APipeDoesNotHang) {
  const std::string path = (root_ / "fifo").string();
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(MessageOf(ReadFile("FILE", path).status()),
            Cat("FILE '", path,
                "': expected a regular file, actual: a device, pipe or socket. Copy the bytes into a file, or give '-' "
                "to read standard input."));
}

TEST_F(FilesTest, TooLarge) {
  const std::string path = Write("large", "x");
  fs::resize_file(path, kMaxFileSize + 1);
  EXPECT_EQ(ReadFile("FILE", path).status().code(), absl::StatusCode::kInvalidArgument);
  fs::resize_file(path, kMaxFileSize);
  EXPECT_TRUE(ReadFile("FILE", path).ok());
}

TEST_F(FilesTest, PathsAreMadePrintable) {
  EXPECT_EQ(std::string(MessageOf(ReadFile("FILE", "\x1b[2J").status())).find('\x1b'), std::string::npos);
}

TEST_F(FilesTest, FilesBelowAreSortedAndRecursive) {
  Write("b", "");
  Write("a/z", "");
  Write("a/deep/er", "");
  fs::create_directory_symlink(root_, root_ / "loop");
  const auto files = FilesBelow("--collateral", root_.string());
  ASSERT_TRUE(files.ok());
  EXPECT_THAT(*files, ElementsAre(EndsWith("/a/deep/er"), EndsWith("/a/z"), EndsWith("/b")));
}

TEST_F(FilesTest, FilesBelowWantsADirectory) {
  const std::string file = Write("file", "x");
  EXPECT_EQ(MessageOf(FilesBelow("--collateral", file).status()),
            Cat("--collateral '", file, "': expected a directory, actual: a file. Name single files as FILE."));
  EXPECT_EQ(FilesBelow("--collateral", (root_ / "none").string()).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace assay
