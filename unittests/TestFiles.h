// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files for tests to read, and the messages of the errors they lead to.

#ifndef ATTN_UNITTESTS_TESTFILES_H
#define ATTN_UNITTESTS_TESTFILES_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <string>
#include <vector>

namespace attn::test {

/// A directory that goes away with this object, and everything in it.
class TemporaryDirectory {
public:
  TemporaryDirectory() {
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("attn-test", directory));
  }
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;
  ~TemporaryDirectory() { llvm::sys::fs::remove_directories(directory); }

  std::string path() const { return directory.str().str(); }
  std::string path(llvm::StringRef name) const {
    llvm::SmallString<128> result(directory);
    llvm::sys::path::append(result, name);
    return result.str().str();
  }

  /// Writes a file and returns its path.
  std::string write(llvm::StringRef name, llvm::StringRef content) const {
    std::string file = path(name);
    std::error_code code;
    llvm::raw_fd_ostream stream(file, code);
    EXPECT_FALSE(code) << file;
    stream << content;
    return file;
  }

  void copy(llvm::StringRef from, llvm::StringRef name) const {
    EXPECT_FALSE(llvm::sys::fs::copy_file(from, path(name))) << from.str();
  }

  void remove(llvm::StringRef name) const {
    EXPECT_FALSE(llvm::sys::fs::remove(path(name)));
  }

private:
  llvm::SmallString<128> directory;
};

inline std::string readFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFileAsStream(path);
  EXPECT_TRUE(bool(buffer)) << path.str();
  return buffer ? (*buffer)->getBuffer().str() : "";
}

/// The lines of a file, without their ends.
inline std::vector<std::string> readLines(llvm::StringRef path) {
  std::string content = readFile(path);
  std::vector<std::string> lines;
  for (llvm::StringRef rest = content; !rest.empty();) {
    llvm::StringRef line;
    std::tie(line, rest) = rest.split('\n');
    lines.push_back(line.str());
  }
  return lines;
}

/// The message of the error in `result`, or "success". Checks that it is one
/// line: a tool prints it behind "error: ".
template <typename T> std::string messageOf(llvm::Expected<T> result) {
  if (result)
    return "success";
  std::string message = llvm::toString(result.takeError());
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  return message;
}

} // namespace attn::test

#endif // ATTN_UNITTESTS_TESTFILES_H
