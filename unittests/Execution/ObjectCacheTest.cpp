// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/ObjectCache.h"

#include "../TestFiles.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace attn;
using namespace attn::test;
using testing::StartsWith;

namespace {

std::string contentOf(std::unique_ptr<llvm::MemoryBuffer> buffer) {
  return buffer ? buffer->getBuffer().str() : "(nothing)";
}

class ObjectCacheTest : public testing::Test {
protected:
  TemporaryDirectory directory;
  // It is there only once something has been stored.
  ObjectCache cache{directory.path("deeper/cache")};
  ObjectCache::Key key = ObjectCache::makeKey({"module", "cpu"});
};

TEST_F(ObjectCacheTest, GivesBackWhatWasStored) {
  EXPECT_EQ(contentOf(cache.load(key)), "(nothing)");
  ASSERT_EQ(llvm::toString(cache.store(key, "code")), "");
  EXPECT_EQ(contentOf(cache.load(key)), "code");
  ASSERT_EQ(llvm::toString(cache.store(key, "other code")), "");
  EXPECT_EQ(contentOf(cache.load(key)), "other code");
}

TEST_F(ObjectCacheTest, KeysDependOnEveryPart) {
  EXPECT_EQ(ObjectCache::makeKey({"module", "cpu"}), key);
  EXPECT_NE(ObjectCache::makeKey({"module", "cpu2"}), key);
  EXPECT_NE(ObjectCache::makeKey({"module2", "cpu"}), key);
  EXPECT_NE(ObjectCache::makeKey({"modulec", "pu"}), key);
  EXPECT_NE(ObjectCache::makeKey({"module", "cpu", ""}), key);
  ASSERT_EQ(llvm::toString(cache.store(key, "code")), "");
  EXPECT_EQ(contentOf(cache.load(ObjectCache::makeKey({"module"}))),
            "(nothing)");
}

TEST_F(ObjectCacheTest, IgnoresAndReplacesDamagedFiles) {
  ASSERT_EQ(llvm::toString(cache.store(key, "some machine code")), "");
  std::string path = cache.pathOf(key);
  std::string whole = readFile(path);
  auto replaceBy = [&](llvm::StringRef bytes) {
    std::error_code code;
    llvm::raw_fd_ostream(path, code) << bytes;
    ASSERT_FALSE(code);
  };
  // Truncated anywhere.
  for (size_t size = 0; size < whole.size(); ++size) {
    replaceBy(llvm::StringRef(whole).take_front(size));
    EXPECT_EQ(contentOf(cache.load(key)), "(nothing)") << size;
  }
  // One bit wrong anywhere.
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string wrong = whole;
    wrong[i] ^= 4;
    replaceBy(wrong);
    EXPECT_EQ(contentOf(cache.load(key)), "(nothing)") << i;
  }
  replaceBy(whole + "more");
  EXPECT_EQ(contentOf(cache.load(key)), "(nothing)");
  replaceBy("#!/bin/sh\necho this is something else, longer than any header "
            "that the cache itself would write in front of an object\n");
  EXPECT_EQ(contentOf(cache.load(key)), "(nothing)");
  ASSERT_EQ(llvm::toString(cache.store(key, "some machine code")), "");
  EXPECT_EQ(contentOf(cache.load(key)), "some machine code");
}

TEST_F(ObjectCacheTest, IgnoresAFileOfAnotherKey) {
  ASSERT_EQ(llvm::toString(cache.store(key, "code")), "");
  ObjectCache::Key other = ObjectCache::makeKey({"another"});
  ASSERT_FALSE(
      llvm::sys::fs::copy_file(cache.pathOf(key), cache.pathOf(other)));
  EXPECT_EQ(contentOf(cache.load(other)), "(nothing)");
}

TEST_F(ObjectCacheTest, ReplacesWhatHasNoEnd) {
  ASSERT_EQ(llvm::toString(cache.store(key, "code")), "");
  std::string path = cache.pathOf(key);
  ASSERT_EQ(unlink(path.c_str()), 0);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0); // that nobody writes to
  EXPECT_EQ(contentOf(cache.load(key)), "(nothing)");
  ASSERT_EQ(llvm::toString(cache.store(key, "code")), "");
  EXPECT_EQ(contentOf(cache.load(key)), "code");
}

TEST_F(ObjectCacheTest, SaysWhyItCannotWrite) {
  std::string file = directory.write("file", "");
  EXPECT_EQ(llvm::toString(ObjectCache(file + "/below").store(key, "code")),
            "cannot write to the cache folder " + file +
                "/below: not a directory");
  EXPECT_EQ(contentOf(ObjectCache(file + "/below").load(key)), "(nothing)");
  EXPECT_THAT(llvm::toString(ObjectCache("/proc/attn").store(key, "code")),
              StartsWith("cannot write to the cache folder /proc/attn: "));
  EXPECT_EQ(llvm::toString(ObjectCache("").store(key, "code")),
            "cannot write to the cache folder '': no home directory");
}

TEST_F(ObjectCacheTest, LeavesNothingElseInTheFolder) {
  ASSERT_EQ(llvm::toString(cache.store(key, "code")), "");
  std::error_code code;
  std::vector<std::string> names;
  for (llvm::sys::fs::directory_iterator
           entry(directory.path("deeper/cache"), code),
       end;
       !code && entry != end; entry.increment(code))
    names.push_back(llvm::sys::path::filename(entry->path()).str());
  EXPECT_THAT(names, testing::UnorderedElementsAre(
                         llvm::sys::path::filename(cache.pathOf(key)).str(),
                         "llvmcache.timestamp"));
}

TEST_F(ObjectCacheTest, SurvivesManyWriters) {
  std::string first(1 << 20, 'a'), second(1 << 20, 'b');
  auto write = [&](llvm::StringRef content) {
    for (int i = 0; i < 20; ++i) {
      llvm::cantFail(cache.store(key, content));
      std::string read = contentOf(cache.load(key));
      EXPECT_TRUE(read == first || read == second);
    }
  };
  std::thread other(write, second);
  write(first);
  other.join();
}

TEST(ObjectCacheDirectory, ComesFromTheEnvironment) {
  setenv("XDG_CACHE_HOME", "/x", 1);
  setenv("ATTN_CACHE_DIR", "/a", 1);
  EXPECT_EQ(ObjectCache::defaultDirectory(), "/a");
  unsetenv("ATTN_CACHE_DIR");
  EXPECT_EQ(ObjectCache::defaultDirectory(), "/x/attn");
  unsetenv("XDG_CACHE_HOME");
  setenv("HOME", "/h", 1);
  EXPECT_EQ(ObjectCache::defaultDirectory(), "/h/.cache/attn");
}

TEST(CompilerIdentity, NamesTheProgramAndItsLibraries) {
  llvm::StringRef identity = compilerIdentity();
  EXPECT_GE(identity.count(';'), 3u) << identity.str();
}

} // namespace
