// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels that treat each row alone: normalisation, softmax, gather, append.

#include "Kernels.h"
#include "VectorMath.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cmath>

using namespace mlir;
using namespace attn;

namespace {

/// One row of a memref: its last dimension, of size `size`, at the leading
/// indices given. Vectors that reach past its end are masked.
class Row {
public:
  Row(KernelBuilder &b, Value memref, SmallVector<Value> leading)
      : b(b), memref(memref), leading(std::move(leading)),
        size(b.dim(memref, cast<MemRefType>(memref.getType()).getRank() - 1)) {}

  /// Carries values along the row: values = body(column, values).
  SmallVector<Value>
  forEach(ArrayRef<Value> inits,
          llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    return b.forLoop(b.index(0), size, b.lanes(), inits,
                     [&](Value column, KernelBuilder::Values carried) {
                       return body(column, carried);
                     });
  }
  void forEach(llvm::function_ref<void(Value)> body) {
    b.forLoop(b.index(0), size, b.lanes(), body);
  }

  Value load(Value column, double passThrough = 0.0) {
    return load(column, b.splat(b.lanes(), passThrough));
  }
  Value load(Value column, Value passThrough) {
    if (isWhole())
      return b.load(memref, at(column), b.lanes());
    Type element = cast<MemRefType>(memref.getType()).getElementType();
    if (element.isF32()) {
      Value inside = insideAt(column);
      return arith::SelectOp::create(
          b, inside, b.loadMasked(memref, at(column), inside), passThrough);
    }
    // Masked loads of 16-bit floats are not to be had everywhere: lanes past
    // the end read the last element.
    Value result = passThrough;
    for (int64_t lane = 0; lane < b.lanes(); ++lane) {
      Value place = b.clamp(b.add(column, b.index(lane)), size);
      Value narrow = memref::LoadOp::create(b, memref, at(place));
      result = vector::InsertOp::create(
          b, arith::ExtFOp::create(b, b.getF32Type(), narrow), result,
          ArrayRef<int64_t>{lane});
    }
    return result;
  }

  void store(Value vector, Value column) {
    if (isWhole())
      b.store(vector, memref, at(column));
    else
      b.storeMasked(vector, insideAt(column), memref, at(column));
  }

private:
  /// Whether the size is known and made of whole vectors.
  bool isWhole() {
    int64_t known = cast<MemRefType>(memref.getType()).getShape().back();
    return !ShapedType::isDynamic(known) && known % b.lanes() == 0;
  }
  SmallVector<Value> at(Value column) {
    SmallVector<Value> indices = leading;
    indices.push_back(column);
    return indices;
  }
  Value insideAt(Value column) {
    return b.mask(b.lanes(), b.sub(size, column));
  }

  KernelBuilder &b;
  Value memref;
  SmallVector<Value> leading;
  Value size;
};

} // namespace

void attn::emitLayerNorm(KernelBuilder &b, LayerNormOp op) {
  Value rows = b.dim(op.getInput(), 0);
  int64_t width = cast<MemRefType>(op.getInput().getType()).getDimSize(1);
  Value count = b.scalar(static_cast<double>(width));
  Value zero = b.splat(b.lanes(), 0.0);
  b.parallelFor(rows, b.mul(rows, b.index(4 * width)), [&](Value row) {
    Row input(b, op.getInput(), {row}), out(b, op.getOut(), {row});
    Row weight(b, op.getWeight(), {}), bias(b, op.getBias(), {});
    Value sum = input.forEach({zero}, [&](Value column, ValueRange carried) {
      return SmallVector<Value>{
          arith::AddFOp::create(b, carried[0], input.load(column))};
    })[0];
    Value mean =
        b.splat(b.lanes(), arith::DivFOp::create(b, b.sumLanes(sum), count));
    Value squares =
        input.forEach({zero}, [&](Value column, ValueRange carried) {
          Value x = arith::SubFOp::create(b, input.load(column, mean), mean);
          return SmallVector<Value>{b.fma(x, x, carried[0])};
        })[0];
    Value variance = arith::DivFOp::create(b, b.sumLanes(squares), count);
    Value deviation = math::SqrtOp::create(
        b, arith::AddFOp::create(b, variance,
                                 b.scalar(op.getEpsilon().convertToDouble())));
    Value inverse =
        b.splat(b.lanes(), arith::DivFOp::create(b, b.scalar(1.0), deviation));
    out.forEach([&](Value column) {
      Value x = arith::SubFOp::create(b, input.load(column), mean);
      x = arith::MulFOp::create(b, x, inverse);
      out.store(b.fma(x, weight.load(column), bias.load(column)), column);
    });
  });
}

void attn::emitSoftmax(KernelBuilder &b, SoftmaxOp op) {
  Value rows = b.dim(op.getInput(), 0);
  Value work = b.mul(b.mul(rows, b.dim(op.getInput(), 1)), b.index(8));
  int64_t lanes = b.lanes();
  b.parallelFor(rows, work, [&](Value row) {
    Row input(b, op.getInput(), {row}), out(b, op.getOut(), {row});
    auto load = [&](Value column) { return input.load(column, -INFINITY); };
    Value lowest = b.splat(lanes, -INFINITY);
    Value largest =
        input.forEach({lowest}, [&](Value column, ValueRange carried) {
          return SmallVector<Value>{b.larger(load(column), carried[0])};
        })[0];
    largest = b.splat(lanes, b.maxLanes(largest));
    // A row of -∞ throughout: any finite maximum makes every exponential 0.
    Value isEmpty =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, largest, lowest);
    largest = arith::SelectOp::create(b, isEmpty, b.splat(lanes, 0.0), largest);
    Value sum = input.forEach(
        {b.splat(lanes, 0.0)}, [&](Value column, ValueRange carried) {
          Value e = emitExp(b, arith::SubFOp::create(b, load(column), largest));
          return SmallVector<Value>{arith::AddFOp::create(b, carried[0], e)};
        })[0];
    sum = b.sumLanes(sum);
    Value inverse = b.splat(lanes, emitInverse(b, sum));
    out.forEach([&](Value column) {
      Value e = emitExp(b, arith::SubFOp::create(b, load(column), largest));
      out.store(arith::MulFOp::create(b, e, inverse), column);
    });
  });
}

/// Rows of the table, without padding.
static Value countRows(KernelBuilder &b, LookupOp op) {
  return op.getRows() ? b.index(*op.getRows()) : b.dim(op.getTable(), 0);
}

/// The row of the positions that goes with a place.
static Value emitPosition(KernelBuilder &b, LookupOp op, Value entry,
                          Value place) {
  Value position = place;
  if (op.getOffsets())
    position = b.add(position, b.loadIndex(op.getOffsets(), {entry}));
  return b.clamp(position, b.dim(op.getPositions(), 0));
}

/// How many numbers of a row of a packed table are together.
static int64_t getGroup(MemRefType table) {
  return table.getRank() == 3 ? 1 : table.getDimSize(4) / WeightOp::kTileRows;
}

/// Where the numbers from depth k on are of row `id` of a table in panels, or
/// in tiles.
static SmallVector<Value> emitPackedPlace(KernelBuilder &b, MemRefType table,
                                          Value id, Value k) {
  Value size = b.index(table.getDimSize(2));
  if (table.getRank() == 3)
    return {b.div(id, size), k, b.rem(id, size)};
  Value lanes = b.index(WeightOp::kTileRows), group = b.index(getGroup(table)),
        depth = b.index(table.getDimSize(4));
  Value half = b.div(id, lanes);
  return {b.div(half, size), b.div(k, depth), b.rem(half, size),
          b.div(b.rem(k, depth), group), b.mul(b.rem(id, lanes), group)};
}

/// A row of a table that is packed as the weight of a product.
static void emitPackedRow(KernelBuilder &b, LookupOp op, Value id, Value entry,
                          Value place) {
  auto table = cast<MemRefType>(op.getTable().getType());
  const int64_t group = getGroup(table);
  int64_t width = cast<MemRefType>(op.getOut().getType()).getDimSize(2);
  Value factor, position;
  if (op.getScales())
    factor = b.loadScalar(op.getScales(), id);
  if (op.getPositions())
    position = emitPosition(b, op, entry, place);
  auto emit = [&](Value k, int64_t count) {
    SmallVector<Value> from = emitPackedPlace(b, table, id, k);
    Value row;
    if (factor) {
      auto type = VectorType::get({count}, b.getI8Type());
      Value numbers = vector::LoadOp::create(b, type, op.getTable(), from);
      row = arith::SIToFPOp::create(b, b.vectorType(count), numbers);
      row = arith::MulFOp::create(b, row, b.splat(count, factor));
    } else {
      row = b.load(op.getTable(), from, count);
    }
    row = arith::MulFOp::create(
        b, row, b.splat(count, op.getScale().convertToDouble()));
    if (position)
      row = arith::AddFOp::create(
          b, row, b.load(op.getPositions(), {position, k}, count));
    b.store(row, op.getOut(), {entry, place, k});
  };
  int64_t whole = width / group * group;
  b.forLoop(b.index(0), b.index(whole), group,
            [&](Value k) { emit(k, group); });
  if (whole < width)
    emit(b.index(whole), width - whole);
}

/// Writes one row of the result, for the token at `place` of a batch entry.
static void emitLookupRow(KernelBuilder &b, LookupOp op, Value entry,
                          Value place) {
  Value id =
      b.clamp(b.loadIndex(op.getIds(), {entry, place}), countRows(b, op));
  if (op.isPacked())
    return emitPackedRow(b, op, id, entry, place);
  Row table(b, op.getTable(), {id}), out(b, op.getOut(), {entry, place});
  Value scale = b.splat(b.lanes(), op.getScale().convertToDouble());
  if (!op.getPositions()) {
    out.forEach([&](Value column) {
      out.store(arith::MulFOp::create(b, table.load(column), scale), column);
    });
    return;
  }
  Row positions(b, op.getPositions(), {emitPosition(b, op, entry, place)});
  out.forEach([&](Value column) {
    // Scaled, then added: two roundings, as whoever trained the table did.
    Value scaled = arith::MulFOp::create(b, table.load(column), scale);
    out.store(arith::AddFOp::create(b, scaled, positions.load(column)), column);
  });
}

void attn::emitLookup(KernelBuilder &b, LookupOp op) {
  Value batch = b.dim(op.getIds(), 0), length = b.dim(op.getIds(), 1);
  Value count = b.mul(batch, length);
  int64_t width = op.isPacked()
                      ? cast<MemRefType>(op.getOut().getType()).getDimSize(2)
                      : cast<MemRefType>(op.getTable().getType()).getDimSize(1);
  // Without rows there is nothing to read.
  Value rows = countRows(b, op);
  if (op.getPositions())
    rows = b.min(rows, b.dim(op.getPositions(), 0));
  Value hasRows =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, rows, b.index(0));
  b.parallelFor(count, b.mul(count, b.index(width)), [&](Value task) {
    Value entry = arith::DivUIOp::create(b, task, length);
    Value place = arith::RemUIOp::create(b, task, length);
    b.ifElse(
        hasRows, [&] { emitLookupRow(b, op, entry, place); },
        [&] {
          Row out(b, op.getOut(), {entry, place});
          out.forEach([&](Value column) {
            out.store(b.splat(b.lanes(), 0.0), column);
          });
        });
  });
}

void attn::emitCacheAppend(KernelBuilder &b, CacheAppendOp op) {
  Value batch = b.dim(op.getInput(), 0), length = b.dim(op.getInput(), 1);
  Value capacity = b.dim(op.getOut(), 1);
  Value count = b.mul(batch, length);
  int64_t width = cast<MemRefType>(op.getOut().getType()).getDimSize(2);
  /// body(row, position) of the cache, if it has them.
  auto ifThere = [&](Value entry, Value place,
                     llvm::function_ref<void(Value, Value)> body) {
    Value position = b.add(b.loadIndex(op.getPositions(), {entry}), place);
    // As an unsigned number, a negative position is past the end too.
    auto isBelow = [&](Value index, Value size) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, index, size);
    };
    auto ifRow = [&](Value row) {
      b.ifThen(isBelow(row, b.dim(op.getOut(), 0)),
               [&] { body(row, position); });
    };
    Value hasPosition = isBelow(position, capacity);
    if (!op.getRows())
      return b.ifThen(hasPosition, [&] { ifRow(entry); });
    Value isListed = isBelow(position, b.dim(op.getRows(), 1));
    b.ifThen(arith::AndIOp::create(b, hasPosition, isListed),
             [&] { ifRow(b.loadIndex(op.getRows(), {entry, position})); });
  };
  // What is written is in none of the processor's caches, and far from what was
  // written before: so each entry asks for the place of a later one.
  constexpr int64_t ahead = 4;
  auto emitPrefetch = [&](Value row, Value position) {
    b.prefetchRow(op.getOut(), {row, position, b.index(0)}, /*isWrite=*/true);
  };
  b.parallelFor(count, b.mul(count, b.index(width)), [&](Value task) {
    Value entry = arith::DivUIOp::create(b, task, length);
    Value place = arith::RemUIOp::create(b, task, length);
    Value later = b.min(b.add(entry, b.index(ahead)), b.sub(batch, b.index(1)));
    ifThere(later, place, emitPrefetch);
    ifThere(entry, place, [&](Value row, Value position) {
      Row input(b, op.getInput(), {entry, place});
      Row out(b, op.getOut(), {row, position});
      out.forEach([&](Value column) { out.store(input.load(column), column); });
    });
  });
}
