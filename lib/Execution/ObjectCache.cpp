// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/ObjectCache.h"

#include "attn/Weights/Messages.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>
#include <link.h>

using namespace attn;

namespace {

/// What stands before the object in a file. Bytes only, so there is no padding.
struct Header {
  char magic[8];
  uint8_t version[8];
  uint8_t key[32];
  uint8_t size[8];
  uint8_t checksum[32];
};

} // namespace

static Header makeHeader(const ObjectCache::Key &key, llvm::StringRef object) {
  Header header;
  std::memcpy(header.magic, "attnobj\n", sizeof(header.magic));
  llvm::support::endian::write64le(header.version, 2);
  std::memcpy(header.key, key.data(), key.size());
  llvm::support::endian::write64le(header.size, object.size());
  std::array<uint8_t, 32> checksum =
      llvm::BLAKE3::hash(llvm::arrayRefFromStringRef(object));
  std::memcpy(header.checksum, checksum.data(), checksum.size());
  return header;
}

static llvm::StringRef bytesOf(const Header &header) {
  return {reinterpret_cast<const char *>(&header), sizeof(header)};
}

ObjectCache::Key ObjectCache::makeKey(llvm::ArrayRef<llvm::StringRef> parts) {
  llvm::BLAKE3 hasher;
  for (llvm::StringRef part : parts) {
    uint8_t size[8];
    llvm::support::endian::write64le(size, part.size());
    hasher.update(llvm::ArrayRef(size));
    hasher.update(part);
  }
  return hasher.final<32>();
}

std::string ObjectCache::defaultDirectory() {
  if (const char *directory = std::getenv("ATTN_CACHE_DIR");
      directory && *directory)
    return directory;
  llvm::SmallString<128> path;
  if (const char *base = std::getenv("XDG_CACHE_HOME"); base && *base)
    path = base;
  else if (llvm::sys::path::home_directory(path))
    llvm::sys::path::append(path, ".cache");
  else
    return "";
  llvm::sys::path::append(path, "attn");
  return path.str().str();
}

std::string ObjectCache::pathOf(const Key &key) const {
  llvm::SmallString<128> path(directory);
  // pruneCache() touches nothing but files with this prefix.
  llvm::sys::path::append(path,
                          "llvmcache-" + llvm::toHex(key, /*LowerCase=*/true));
  return path.str().str();
}

std::unique_ptr<llvm::MemoryBuffer> ObjectCache::load(const Key &key) const {
  std::string path = pathOf(key);
  // Pipes and devices need not have an end.
  if (!llvm::sys::fs::is_regular_file(path))
    return nullptr;
  // Read, not mapped: another process may replace or truncate the file.
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false,
                                          /*IsVolatile=*/true);
  if (!file)
    return nullptr;
  llvm::StringRef bytes = (*file)->getBuffer();
  if (bytes.size() < sizeof(Header))
    return nullptr;
  llvm::StringRef object = bytes.drop_front(sizeof(Header));
  if (!bytes.starts_with(bytesOf(makeHeader(key, object))))
    return nullptr;
  return llvm::MemoryBuffer::getMemBufferCopy(object, path);
}

llvm::Error ObjectCache::store(const Key &key, llvm::StringRef object) const {
  auto failure = [&](const llvm::Twine &why) {
    return llvm::createStringError("cannot write to the cache folder " +
                                   (directory.empty() ? "''" : directory) +
                                   ": " + why);
  };
  if (directory.empty())
    return failure("no home directory");
  if (std::error_code code = llvm::sys::fs::create_directories(
          directory, /*IgnoreExisting=*/true, llvm::sys::fs::owner_all))
    return failure(reasonOf(code));
  llvm::SmallString<128> model(directory);
  llvm::sys::path::append(model, "llvmcache-%%%%%%%%.tmp");
  auto file = llvm::sys::fs::TempFile::create(model);
  if (!file)
    return failure(reasonOf(llvm::errorToErrorCode(file.takeError())));
  std::error_code code;
  {
    llvm::raw_fd_ostream out(file->FD, /*shouldClose=*/false);
    out << bytesOf(makeHeader(key, object)) << object;
    out.flush();
    code = out.error();
    out.clear_error();
  }
  if (code) {
    llvm::consumeError(file->discard());
    return failure(reasonOf(code));
  }
  if (llvm::Error error = file->keep(pathOf(key)))
    return failure(reasonOf(llvm::errorToErrorCode(std::move(error))));

  llvm::CachePruningPolicy policy;
  policy.Expiration = std::chrono::hours(30 * 24);
  policy.MaxSizeBytes = 256 << 20;
  llvm::pruneCache(directory, policy);
  return llvm::Error::success();
}

/// Adds the identity of one loaded object, if it has a part in compiling.
static int addIdentity(dl_phdr_info *info, size_t, void *data) {
  llvm::StringRef name = info->dlpi_name;
  // The program itself has no name. Of the libraries, only those that decide
  // what code comes out count.
  if (!name.empty() && !name.contains("libLLVM") && !name.contains("libMLIR") &&
      !name.contains("libattn"))
    return 0;
  auto &identity = *static_cast<std::string *>(data);
  for (const ElfW(Phdr) &segment :
       llvm::ArrayRef(info->dlpi_phdr, info->dlpi_phnum)) {
    if (segment.p_type != PT_NOTE)
      continue;
    const uintptr_t address = info->dlpi_addr + segment.p_vaddr;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): so does the loader count.
    const char *note = reinterpret_cast<const char *>(address);
    const char *end = note + segment.p_memsz;
    while (note + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) head;
      std::memcpy(&head, note, sizeof(head));
      const char *owner = note + sizeof(head);
      const char *content = owner + llvm::alignTo(head.n_namesz, 4);
      if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 &&
          llvm::StringRef(owner, 3) == "GNU") {
        identity += llvm::toHex({content, head.n_descsz}) + ";";
        return 0;
      }
      note = content + llvm::alignTo(head.n_descsz, 4);
    }
  }
  // Without a build id, a changed file still differs in time or size.
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(name.empty() ? "/proc/self/exe" : name, status))
    identity +=
        std::to_string(status.getSize()) + "@" +
        std::to_string(
            status.getLastModificationTime().time_since_epoch().count()) +
        ";";
  return 0;
}

llvm::StringRef attn::compilerIdentity() {
  static const std::string identity = [] {
    std::string text;
    dl_iterate_phdr(addIdentity, &text);
    return text;
  }();
  return identity;
}
