// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the fields of a message in Protocol Buffers' wire format as views into
// the bytes (https://protobuf.dev/programming-guides/encoding).
//
// Why not that library: its generated classes copy each tensor out of the file
// and refuse messages of 2 GB and more.

#ifndef ATTN_LIB_WEIGHTS_PROTOBUFREADER_H
#define ATTN_LIB_WEIGHTS_PROTOBUFREADER_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"
#include <cstdint>

namespace attn {

/// Reads one message, a field after the other. What does not parse ends it:
/// `next` returns false, and `failed` says so and where.
class ProtobufReader {
public:
  explicit ProtobufReader(llvm::StringRef message) : rest(message) {}

  /// Goes to the next field; false at the end.
  bool next() {
    if (isBroken || rest.empty())
      return false;
    uint64_t tag = readVarint();
    number = tag >> 3;
    switch (wire = tag & 7) {
    case Varint:
      integer = readVarint();
      break;
    case Fixed64:
      payload = take(8);
      break;
    case Bytes:
      payload = take(readVarint());
      break;
    case Fixed32:
      payload = take(4);
      break;
    default:
      isBroken = true;
    }
    isBroken |= number == 0 || tag >> 3 > maxNumber;
    return !isBroken;
  }

  /// The number of the field.
  uint32_t field() const { return number; }

  bool failed() const { return isBroken; }
  /// What could not be read begins here.
  const char *position() const { return rest.data(); }

  // The value of the field. One of another wire type fails.
  int64_t getInt() { return expect(Varint) ? int64_t(integer) : 0; }
  llvm::StringRef getBytes() {
    return expect(Bytes) ? payload : llvm::StringRef();
  }
  float getFloat() {
    return expect(Fixed32)
               ? llvm::bit_cast<float>(
                     llvm::support::endian::read32le(payload.data()))
               : 0;
  }

  // The values of a repeated field, packed or one by one.
  void addInts(llvm::SmallVectorImpl<int64_t> &values) {
    if (wire != Bytes)
      return values.push_back(getInt());
    ProtobufReader packed(payload);
    while (!packed.isBroken && !packed.rest.empty())
      values.push_back(packed.readVarint());
    isBroken |= packed.isBroken;
  }
  void addFloats(llvm::SmallVectorImpl<float> &values) {
    if (wire != Bytes)
      return values.push_back(getFloat());
    isBroken |= payload.size() % 4 != 0;
    for (; payload.size() >= 4; payload = payload.drop_front(4))
      values.push_back(llvm::bit_cast<float>(
          llvm::support::endian::read32le(payload.data())));
  }
  void addDoubles(llvm::SmallVectorImpl<double> &values) {
    if (wire != Bytes && !expect(Fixed64))
      return;
    isBroken |= payload.size() % 8 != 0;
    for (; payload.size() >= 8; payload = payload.drop_front(8))
      values.push_back(llvm::bit_cast<double>(
          llvm::support::endian::read64le(payload.data())));
  }

private:
  enum : uint32_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };
  static constexpr uint64_t maxNumber = (1 << 29) - 1;

  bool expect(uint32_t type) {
    isBroken |= wire != type;
    return !isBroken;
  }

  uint64_t readVarint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      auto byte = uint8_t(rest.front());
      rest = rest.drop_front();
      value |= uint64_t(byte & 0x7f) << shift;
      if (byte < 0x80)
        return value;
    }
    isBroken = true;
    return 0;
  }

  llvm::StringRef take(uint64_t size) {
    if (isBroken || size > rest.size()) {
      isBroken = true;
      return {};
    }
    llvm::StringRef bytes = rest.take_front(size);
    rest = rest.drop_front(size);
    return bytes;
  }

  llvm::StringRef rest, payload;
  uint64_t integer = 0;
  uint32_t number = 0, wire = 0;
  bool isBroken = false;
};

} // namespace attn

#endif // ATTN_LIB_WEIGHTS_PROTOBUFREADER_H
