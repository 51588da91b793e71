// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Preloaded into a program, it runs code for AMX on a processor without: such a
// processor traps at each instruction of AMX, and the handler here does what
// the instruction would have done. The program is told that there is AMX. So
// tests see whether generated code is right; how fast it is, they do not.
//
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume
// 2, at the name of each instruction.

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Endian.h"
#include "llvm/TargetParser/Host.h"

#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdarg>
#include <cstring>
#include <dlfcn.h>
#include <immintrin.h>
#include <optional>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace {

/// A tile register. What is past its rows and their bytes is 0; of one that is
/// not configured, that is all of it.
struct Tile {
  static constexpr int kRows = 16, kRowBytes = 64;

  int rows = 0, rowBytes = 0;
  alignas(64) uint8_t bytes[kRows][kRowBytes] = {};
};

/// The tile registers of a thread.
thread_local std::array<Tile, 8> tiles;

/// The operand of LDTILECFG.
struct Configuration {
  uint8_t palette, firstRow, reserved[14];
  uint16_t rowBytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(Configuration) == 64);

/// What the prefixes 66, F3 and F2 are in VEX.
enum Prefix : uint8_t { None, P66, PF3, PF2 };

/// An instruction encoded with three bytes of VEX, as those of AMX are.
struct Instruction {
  uint8_t opcode;
  Prefix prefix;
  int size;
  /// The registers, by the names of their fields.
  int reg, rm, vvvv;
  /// Whether `rm` is memory, where it is, and how far its rows are apart.
  bool isMemory;
  uint8_t *address;
  int64_t stride;
};

} // namespace

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

/// A general register.
static int64_t readRegister(const ucontext_t &context, int number) {
  static constexpr int places[] = {
      REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
      REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return context.uc_mcontext.gregs[places[number]];
}

/// The instruction that trapped, or none if it cannot be one of AMX.
static std::optional<Instruction> decode(const ucontext_t &context) {
  auto *code = // NOLINTNEXTLINE(performance-no-int-to-ptr): a register is one.
      reinterpret_cast<const uint8_t *>(context.uc_mcontext.gregs[REG_RIP]);
  // VEX.128.0F38.W0; the bits that extend registers, and vvvv, are inverted.
  if (code[0] != 0xc4 || (code[1] & 0x1f) != 2 || (code[2] & 0x84) != 0)
    return std::nullopt;
  auto extension = [&](int bit) { return code[1] >> bit & 1 ? 0 : 8; };
  const int modrm = code[4], mod = modrm >> 6, base = modrm & 7;

  Instruction result;
  result.prefix = static_cast<Prefix>(code[2] & 3);
  result.vvvv = ~code[2] >> 3 & 15;
  result.opcode = code[3];
  result.reg = (modrm >> 3 & 7) + extension(7);
  result.rm = base + extension(5);
  result.isMemory = mod != 3;
  const uint8_t *next = code + 5;
  int64_t address = 0, index = 0;
  if (result.isMemory) {
    int number = base;
    if (base == 4) {
      number = *next & 7;
      int indexNumber = (*next >> 3 & 7) + extension(6);
      // The stack pointer is none.
      if (indexNumber != 4)
        index = readRegister(context, indexNumber) << (*next >> 6);
      ++next;
    }
    // Without a base, there are four bytes: of an address, or of a distance
    // from the next instruction.
    bool hasBase = number != 5 || mod != 0;
    if (hasBase)
      address = readRegister(context, number + extension(5));
    else if (base == 5)
      address = reinterpret_cast<int64_t>(next) + 4;
    if (mod == 1) {
      address += static_cast<int8_t>(*next++);
    } else if (mod == 2 || !hasBase) {
      address += static_cast<int32_t>(llvm::support::endian::read32le(next));
      next += 4;
    }
  }
  result.stride = index;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): it is made of registers.
  result.address = reinterpret_cast<uint8_t *>(address);
  result.size = static_cast<int>(next - code);
  return result;
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

/// Whether the configuration is valid.
static bool configure(const uint8_t *memory) {
  Configuration wanted;
  std::memcpy(&wanted, memory, sizeof(wanted));
  tiles.fill(Tile());
  if (wanted.palette == 0)
    return true;
  if (wanted.palette != 1)
    return false;
  for (size_t i = 0; i < tiles.size(); ++i) {
    tiles[i].rows = wanted.rows[i];
    tiles[i].rowBytes = wanted.rowBytes[i];
    if (tiles[i].rows > Tile::kRows || tiles[i].rowBytes > Tile::kRowBytes)
      return false;
  }
  return wanted.firstRow == 0;
}

static void load(Tile &tile, const Instruction &from) {
  std::memset(tile.bytes, 0, sizeof(tile.bytes));
  for (int row = 0; row < tile.rows; ++row)
    std::memcpy(tile.bytes[row], from.address + row * from.stride,
                tile.rowBytes);
}

static void store(const Tile &tile, const Instruction &to) {
  for (int row = 0; row < tile.rows; ++row)
    std::memcpy(to.address + row * to.stride, tile.bytes[row], tile.rowBytes);
}

/// sums[m][n] += Σ left[m][k] · right[k][n], where k are pairs of bf16. The
/// products of their first numbers are summed apart from those of the second;
/// numbers below the smallest normal one are 0.
static void multiplyBFloat16(Tile &sums, const Tile &left, const Tile &right) {
  constexpr int columns = Tile::kRowBytes / 4;
  constexpr unsigned roundsToNearestAndFlushes = 0x9fc0;
  const unsigned rounding = _mm_getcsr();
  _mm_setcsr(roundsToNearestAndFlushes);
  auto numbers = [](uint32_t pair) {
    return std::array<float, 2>{llvm::bit_cast<float>(pair << 16),
                                llvm::bit_cast<float>(pair & 0xffff0000u)};
  };
  for (int m = 0; m < sums.rows; ++m) {
    uint32_t pairs[columns], others[columns];
    float even[columns] = {}, odd[columns] = {}, total[columns];
    std::memcpy(pairs, left.bytes[m], sizeof(pairs));
    for (int k = 0; k < left.rowBytes / 4; ++k) {
      std::memcpy(others, right.bytes[k], sizeof(others));
      auto [first, second] = numbers(pairs[k]);
      for (int n = 0; n < columns; ++n) {
        auto [otherFirst, otherSecond] = numbers(others[n]);
        even[n] = std::fma(first, otherFirst, even[n]);
        odd[n] = std::fma(second, otherSecond, odd[n]);
      }
    }
    std::memcpy(total, sums.bytes[m], sizeof(total));
    for (int n = 0; n < columns; ++n)
      total[n] += even[n] + odd[n];
    std::memcpy(sums.bytes[m], total, sizeof(total));
  }
  _mm_setcsr(rounding);
}

/// The same of groups of four integers; `Left` and `Right` tell their signs.
template <typename Left, typename Right>
static void multiplyBytes(Tile &sums, const Tile &left, const Tile &right) {
  constexpr int columns = Tile::kRowBytes / 4;
  for (int m = 0; m < sums.rows; ++m) {
    uint32_t total[columns];
    std::memcpy(total, sums.bytes[m], sizeof(total));
    for (int k = 0; k < left.rowBytes; ++k) {
      auto number = static_cast<Left>(left.bytes[m][k]);
      const uint8_t *row = right.bytes[k / 4] + k % 4;
      for (int n = 0; n < columns; ++n, row += 4)
        total[n] += static_cast<uint32_t>(number * static_cast<Right>(*row));
    }
    std::memcpy(sums.bytes[m], total, sizeof(total));
  }
}

/// Whether it is an instruction of AMX, and may be executed.
static bool execute(const Instruction &instruction) {
  // What is not configured must not be used.
  auto isReady = [](int tile) {
    return tile < static_cast<int>(tiles.size()) && tiles[tile].rows > 0;
  };
  const Prefix prefix = instruction.prefix;
  switch (instruction.opcode) {
  case 0x49: // LDTILECFG, TILERELEASE, TILEZERO
    if (prefix == None && instruction.isMemory)
      return configure(instruction.address);
    if (prefix == None) {
      tiles.fill(Tile());
      return true;
    }
    if (prefix != PF2 || instruction.isMemory || !isReady(instruction.reg))
      return false;
    std::memset(tiles[instruction.reg].bytes, 0, sizeof(Tile::bytes));
    return true;
  case 0x4b: // TILELOADD, TILELOADDT1, TILESTORED
    if (prefix == None || !instruction.isMemory || !isReady(instruction.reg))
      return false;
    if (prefix == PF3)
      store(tiles[instruction.reg], instruction);
    else
      load(tiles[instruction.reg], instruction);
    return true;
  default:
    break;
  }

  // Products, of three different registers.
  auto [sums, left, right] =
      std::array{instruction.reg, instruction.rm, instruction.vvvv};
  if (instruction.isMemory || !isReady(sums) || !isReady(left) ||
      !isReady(right) || sums == left || sums == right || left == right)
    return false;
  auto run = [&, sums = sums, left = left, right = right](auto *multiply) {
    multiply(tiles[sums], tiles[left], tiles[right]);
    return true;
  };
  switch (instruction.opcode << 4 | prefix) {
  case 0x5c0 | PF3: // TDPBF16PS
    return run(multiplyBFloat16);
  case 0x5e0 | PF2: // TDPBSSD
    return run(multiplyBytes<int8_t, int8_t>);
  case 0x5e0 | PF3: // TDPBSUD
    return run(multiplyBytes<int8_t, uint8_t>);
  case 0x5e0 | P66: // TDPBUSD
    return run(multiplyBytes<uint8_t, int8_t>);
  case 0x5e0 | None: // TDPBUUD
    return run(multiplyBytes<uint8_t, uint8_t>);
  default:
    return false;
  }
}

//===----------------------------------------------------------------------===//
// What the program sees
//===----------------------------------------------------------------------===//

/// The function that this library stands before.
template <typename Function> static Function *next(const char *name) {
  return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

static void handleTrap(int signal, siginfo_t *, void *context) {
  auto &state = *static_cast<ucontext_t *>(context);
  std::optional<Instruction> instruction = decode(state);
  if (instruction && execute(*instruction)) {
    state.uc_mcontext.gregs[REG_RIP] += instruction->size;
    return;
  }
  // The instruction traps again, which ends the program.
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  next<decltype(sigaction)>("sigaction")(signal, &action, nullptr);
}

[[gnu::constructor]] static void install() {
  struct sigaction action = {};
  action.sa_sigaction = handleTrap;
  action.sa_flags = SA_SIGINFO;
  next<decltype(sigaction)>("sigaction")(SIGILL, &action, nullptr);
}

/// Nobody else handles the trap, such as LLVM for its stack traces.
extern "C" int sigaction(int signal, const struct sigaction *action,
                         struct sigaction *old) noexcept {
  if (signal == SIGILL)
    action = nullptr;
  return next<decltype(sigaction)>("sigaction")(signal, action, old);
}

/// Grants ARCH_REQ_XCOMP_PERM.
extern "C" long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long operands[6];
  for (long &operand : operands)
    operand = va_arg(list, long);
  va_end(list);
  if (number == SYS_arch_prctl && operands[0] == 0x1023)
    return 0;
  return next<decltype(syscall)>("syscall")(number, operands[0], operands[1],
                                            operands[2], operands[3],
                                            operands[4], operands[5]);
}

llvm::StringMap<bool, llvm::MallocAllocator> llvm::sys::getHostCPUFeatures() {
  auto *original =
      next<decltype(getHostCPUFeatures)>("_ZN4llvm3sys18getHostCPUFeaturesEv");
  auto features = original();
  for (StringRef feature : {"amx-tile", "amx-bf16", "amx-int8"})
    features[feature] = true;
  return features;
}

/// The first processor with AMX, for which code is scheduled then.
llvm::StringRef llvm::sys::getHostCPUName() { return "sapphirerapids"; }
