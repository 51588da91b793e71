// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A matrix product of which only the place of the greatest of each row is
// wanted. Of blocks of columns, the panels, the maxima are kept; the panel of
// the greatest is computed once more to find it there. Where the product is
// estimated in integers, the maxima are estimates, and panels that may have the
// greatest are computed before.

#include "BFloat16Product.h"
#include "Kernels.h"
#include "ProductBounds.h"
#include "QuantizedProduct.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;
using namespace attn;

/// Columns of a panel, and most rows that go by it at a time.
static constexpr int64_t kPanel = WeightOp::kTilePanel;
static constexpr int64_t kRows = 96;
static_assert(kRows % kPanel == 0 && kPanel == WeightOp::kBoundedRows);

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

namespace {

class GreatestKernel {
public:
  GreatestKernel(KernelBuilder &b, GreatestOp op)
      : b(b), op(op), columns(static_cast<int64_t>(op.getColumns())),
        panels(llvm::divideCeil(columns, kPanel)),
        rows(b.dim(op.getInput(), 0)) {}

  void emit() {
    auto type = MemRefType::get({panels, ShapedType::kDynamic}, b.getF32Type());
    maxima = memref::AllocOp::create(b, type, rows, b.getI64IntegerAttr(64));
    ProductOperands operands = getOperands(op.getWeight());
    operands.scales = op.getScales();
    operands.bias = op.getBias();
    if (!op.getEstimate().empty())
      emitEstimated(operands);
    else if (QuantizedProduct::canEmit(operands))
      emitQuantized(operands);
    else if (BFloat16Product::canEmit(b, operands))
      emitInTiles(operands);
    else
      emitFloats(operands);
    memref::DeallocOp::create(b, maxima);
  }

private:
  /// Writes some rows of a panel to the scratch memory, from its first row on:
  /// emitRows(row, end row, panel).
  using EmitRows = llvm::function_ref<void(Value, Value, Value)>;

  ProductOperands getOperands(Value weight) {
    ProductOperands operands;
    operands.depth = cast<MemRefType>(op.getInput().getType()).getDimSize(1);
    operands.columns = columns;
    // The scratch memory has room for what panels cover: no column needs a
    // mask.
    if (typeOf(weight).getRank() > 2)
      operands.columns = typeOf(weight).getDimSize(0) * getPanelColumns(weight);
    operands.input = op.getInput();
    operands.weight = weight;
    return operands;
  }

  /// A region of threads that have memory for a product, and scratch memory.
  void parallel(ArrayRef<MemRefType> workspace,
                llvm::function_ref<void(ValueRange)> body) {
    SmallVector<MemRefType> types = {
        MemRefType::get({kRows, kPanel}, b.getF32Type()),
        MemRefType::get({b.lanes()}, b.getF32Type()),
        MemRefType::get({b.lanes()}, b.getI32Type())};
    llvm::append_range(types, workspace);
    int64_t depth = cast<MemRefType>(op.getInput().getType()).getDimSize(1);
    b.parallel(b.mul(rows, b.index(depth * columns)), types,
               [&](ValueRange memory) {
                 scratch = memory[0];
                 bests = memory[1];
                 places = memory[2];
                 body(memory.drop_front(3));
               });
  }

  //===--------------------------------------------------------------------===//
  // Kinds of products
  //===--------------------------------------------------------------------===//

  void emitFloats(const ProductOperands &operands) {
    MatrixProduct product(b, operands);
    parallel(product.getWorkspace(), [&](ValueRange memory) {
      product.setMemory(memory);
      int64_t tile = product.getTileRows();
      emitAll(std::min(product.getBlockRows(), kRows / tile * tile),
              rowsOf(product));
    });
  }

  void emitQuantized(const ProductOperands &operands) {
    QuantizedProduct product(b, operands);
    unit = product.getUnit();
    product.round();
    parallel(/*workspace=*/{}, [&](ValueRange) {
      product.enterRegion();
      emitAll(kRows, rowsOf(product));
    });
    product.deallocate();
  }

  void emitInTiles(ProductOperands operands) {
    TiledInput input(b, operands);
    BFloat16Product product(b, operands);
    unit = BFloat16Tiles::kBlock;
    parallel(product.getWorkspace(), [&](ValueRange memory) {
      product.setMemory(memory);
      input.emit();
      emitAll(kRows, rowsOf(product));
    });
    input.deallocate();
  }

  void emitEstimated(ProductOperands operands) {
    if (!BFloat16Product::canEmit(b, operands)) {
      MatrixProduct product(b, operands);
      return emitEstimated(product, [] {});
    }
    TiledInput input(b, operands);
    BFloat16Product product(b, operands);
    unit = BFloat16Tiles::kBlock;
    emitEstimated(product, [&] { input.emit(); });
    input.deallocate();
  }

  /// With what the threads do first.
  template <typename Product>
  void emitEstimated(Product &product, llvm::function_ref<void()> prepare) {
    ValueRange given = op.getEstimate();
    ProductOperands estimate = getOperands(given[0]);
    estimate.scales = given[1];
    if (op.getBias())
      estimate.bias = given[4];
    QuantizedProduct integers(b, estimate);
    integers.round(/*withLengths=*/true);
    bool isNarrow = typeOf(op.getWeight()).getElementType().isBF16();
    ProductBounds bounds(b, integers.getRoundedRows(), given[2], given[3], rows,
                         isNarrow);
    parallel(product.getWorkspace(), [&](ValueRange memory) {
      product.setMemory(memory);
      integers.enterRegion();
      prepare();
      b.share(b.index(panels),
              [&](Value panel) { emitMaxima(panel, kRows, rowsOf(integers)); });
      b.barrier();
      forVectors([&](Value first, Value inside) {
        bounds.emitLeast(maxima, first, inside);
      });
      b.barrier();
      b.share(b.index(panels), [&](Value panel) {
        forVectors(
            [&](Value first, Value inside) {
              Value candidates =
                  bounds.emitCandidates(maxima, panel, first, inside);
              emitExact(panel, first, inside, candidates, rowsOf(product));
            },
            /*isShared=*/false);
      });
      b.barrier();
      forVectors([&](Value first, Value inside) {
        emitPlaces(first, inside, rowsOf(product));
      });
    });
    integers.deallocate();
    bounds.deallocate();
  }

  std::function<void(Value, Value, Value)> rowsOf(MatrixProduct &product) {
    return [&](Value row, Value endRow, Value panel) {
      int64_t width = b.getTarget().getPanelWidth();
      Value column = b.mul(panel, b.index(kPanel));
      MatrixProduct::Part part;
      part.rows = row;
      part.endRow = endRow;
      part.panel = b.div(column, b.index(width));
      part.endPanel = b.min(b.ceilDiv(b.add(column, b.index(kPanel)), width),
                            product.getPanels());
      product.setOutput(scratch, row, column);
      product.emitParts(part);
    };
  }

  template <typename Product>
  std::function<void(Value, Value, Value)> rowsOf(Product &product) {
    return [&](Value row, Value endRow, Value panel) {
      product.setOutput(scratch, row, b.mul(panel, b.index(kPanel)));
      product.emitPart(row, endRow, panel, b.add(panel, b.index(1)));
    };
  }

  /// What there is to do where maxima are exact.
  void emitAll(int64_t most, EmitRows emitRows) {
    b.share(b.index(panels),
            [&](Value panel) { emitMaxima(panel, most, emitRows); });
    b.barrier();
    forVectors([&](Value first, Value inside) {
      emitPlaces(first, inside, emitRows);
    });
  }

  //===--------------------------------------------------------------------===//
  // Steps
  //===--------------------------------------------------------------------===//

  /// body(first row, which lanes are rows), for as many rows as a vector has
  /// lanes at a time; shared by the threads of a region, or by each.
  void forVectors(llvm::function_ref<void(Value, Value)> body,
                  bool isShared = true) {
    int64_t lanes = b.lanes();
    auto emit = [&](Value vector) {
      Value first = b.mul(vector, b.index(lanes));
      body(first, b.mask(lanes, b.sub(rows, first)));
    };
    Value count = b.ceilDiv(rows, lanes);
    if (isShared)
      b.share(count, emit);
    else
      b.forLoop(b.index(0), count, 1, emit);
  }

  /// The columns of a panel that are in a row of the scratch memory, as they
  /// are or with -∞ past the last.
  SmallVector<Value> loadScratch(Value row, Value panel) {
    int64_t lanes = b.lanes();
    SmallVector<Value> numbers;
    for (int64_t i = 0; i < kPanel; i += lanes) {
      Value loaded = b.load(scratch, {row, b.index(i)}, lanes);
      if (columns % kPanel != 0) {
        Value column = b.add(b.mul(panel, b.index(kPanel)), b.index(i));
        Value inside = b.maskBefore(lanes, column, b.index(columns));
        loaded = arith::SelectOp::create(b, inside, loaded,
                                         b.splat(lanes, -kInfinity));
      }
      numbers.push_back(b.orInfinity(loaded));
    }
    return numbers;
  }

  /// The largest of each lane.
  Value loadLargest(Value row, Value panel) {
    SmallVector<Value> numbers = loadScratch(row, panel);
    Value largest = numbers.front();
    for (Value other : ArrayRef(numbers).drop_front())
      largest = b.larger(other, largest);
    return largest;
  }

  /// maxima[panel, :], of at most so many rows at a time.
  void emitMaxima(Value panel, int64_t most, EmitRows emitRows) {
    int64_t lanes = b.lanes();
    b.forLoop(b.index(0), rows, most, [&](Value begin) {
      Value end = b.min(b.add(begin, b.index(most)), rows);
      emitRows(begin, end, panel);
      Value count = b.sub(end, begin), last = b.sub(count, b.index(1));
      b.forLoop(b.index(0), count, lanes, [&](Value first) {
        SmallVector<Value> largest;
        for (int64_t i = 0; i < lanes; ++i)
          largest.push_back(
              loadLargest(b.min(b.add(first, b.index(i)), last), panel));
        b.storeMasked(b.maxLanesOfEach(largest),
                      b.mask(lanes, b.sub(count, first)), maxima,
                      {panel, b.add(begin, first)});
      });
    });
  }

  /// The exact maxima of a panel in some rows, the candidates; -∞ in the others
  /// of those inside.
  void emitExact(Value panel, Value first, Value inside, Value candidates,
                 EmitRows emitRows) {
    b.storeMasked(b.splat(b.lanes(), -kInfinity), inside, maxima,
                  {panel, first});
    Value left = toBits(candidates);
    if (unit > 1) {
      Value isAny =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ne, left, i32(0));
      return b.ifThen(isAny, [&] { emitVector(panel, first, emitRows); });
    }
    scf::WhileOp::create(
        b, TypeRange(left.getType()), ValueRange(left),
        [&](OpBuilder &, Location, ValueRange carried) {
          Value isLeft = arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                               carried[0], i32(0));
          scf::ConditionOp::create(b, isLeft, carried);
        },
        [&](OpBuilder &, Location, ValueRange carried) {
          scf::YieldOp::create(b, emitNext(panel, first, carried[0], emitRows));
        });
  }

  /// The exact maxima of a panel in as many rows as a vector has lanes, where
  /// rows are not computed one by one.
  void emitVector(Value panel, Value first, EmitRows emitRows) {
    Value begin = b.roundDown(first, unit);
    Value end = b.min(b.add(first, b.index(b.lanes())), rows);
    emitRows(begin, end, panel);
    b.forLoop(first, end, 1,
              [&](Value row) { storeMaximum(panel, b.sub(row, begin), row); });
  }

  /// From a row of the scratch memory.
  void storeMaximum(Value panel, Value place, Value row) {
    b.storeScalar(b.maxLanes(loadLargest(place, panel)), maxima, {panel, row});
  }

  /// The exact maxima of a panel in the first row that has a bit; or in some
  /// rows at a time, where others of them have one: it takes several to keep
  /// multiply-adds busy. Gives the bits that are left.
  Value emitNext(Value panel, Value first, Value left, EmitRows emitRows) {
    constexpr int64_t group = TileProduct::kSmallRows;
    Value lane = emitFirst(left);
    Value begin = b.roundDown(lane, group), row = b.add(first, begin);
    Value bits = arith::IndexCastOp::create(b, b.getI32Type(), begin);
    bits = arith::ShLIOp::create(b, i32((1 << group) - 1), bits);
    Value count =
        math::CtPopOp::create(b, arith::AndIOp::create(b, left, bits));
    Value isSeveral =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, count, i32(1));
    isSeveral = arith::AndIOp::create(
        b, isSeveral, b.isLess(b.add(row, b.index(group - 1)), rows));
    return b.ifElse(
        isSeveral, left.getType(),
        [&] {
          emitRows(row, b.add(row, b.index(group)), panel);
          // Of a row without a bit it does no harm.
          b.forLoop(b.index(0), b.index(group), 1,
                    [&](Value i) { storeMaximum(panel, i, b.add(row, i)); });
          Value others = arith::XOrIOp::create(b, bits, i32(-1));
          return SmallVector<Value>{arith::AndIOp::create(b, left, others)};
        },
        [&] {
          Value row = b.add(first, lane);
          storeMaximum(panel, emitRow(row, panel, emitRows), row);
          Value less = arith::SubIOp::create(b, left, i32(1));
          return SmallVector<Value>{arith::AndIOp::create(b, left, less)};
        })[0];
  }

  Value i32(int32_t value) {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  }

  /// Writes a row of a panel to the scratch memory, and tells to which row of
  /// it.
  Value emitRow(Value row, Value panel, EmitRows emitRows) {
    Value begin = b.roundDown(row, unit);
    emitRows(begin, b.add(row, b.index(1)), panel);
    return b.sub(row, begin);
  }

  /// i1 of lanes as the lowest bits of an i32.
  Value toBits(Value flags) {
    int64_t lanes = b.lanes();
    Type bits = b.getIntegerType(lanes);
    Value vector =
        vector::BitCastOp::create(b, VectorType::get({1}, bits), flags);
    return arith::ExtUIOp::create(
        b, b.getI32Type(),
        vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0}));
  }

  /// The place of the lowest bit.
  Value emitFirst(Value bits) {
    return arith::IndexCastOp::create(
        b, b.getIndexType(), math::CountTrailingZerosOp::create(b, bits));
  }

  /// The results of some rows.
  void emitPlaces(Value first, Value inside, EmitRows emitRows) {
    int64_t lanes = b.lanes();
    auto type = VectorType::get({lanes}, b.getI32Type());
    auto none = [&](int32_t value) -> Value {
      return arith::ConstantOp::create(b, DenseElementsAttr::get(type, value));
    };
    SmallVector<Value> best = b.forLoop(
        b.index(0), b.index(panels), 1, {b.splat(lanes, -kInfinity), none(-1)},
        [&](Value panel, KernelBuilder::Values carried) {
          Value maximum = b.loadMasked(maxima, {panel, first}, inside);
          Value isGreater = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                                  maximum, carried[0]);
          Value place = arith::IndexCastOp::create(b, b.getI32Type(), panel);
          place = vector::BroadcastOp::create(b, type, place);
          return SmallVector<Value>{
              arith::SelectOp::create(b, isGreater, maximum, carried[0]),
              arith::SelectOp::create(b, isGreater, place, carried[1])};
        });
    Value isNumber = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT,
                                           best[0], b.splat(lanes, kInfinity));
    best[1] = arith::SelectOp::create(b, isNumber, best[1], none(-1));
    b.store(best[0], bests, b.index(0));
    vector::StoreOp::create(b, best[1], places, ValueRange{b.index(0)});
    Value count = b.min(b.sub(rows, first), b.index(lanes));
    b.forLoop(b.index(0), count, 1, [&](Value i) {
      Value place = memref::LoadOp::create(b, places, i);
      Value panel = arith::IndexCastOp::create(b, b.getIndexType(), place);
      Value row = b.add(first, i);
      Value isFound =
          arith::CmpIOp::create(b, arith::CmpIPredicate::sge, place, i32(0));
      Value result = b.ifElse(
          isFound, b.getI32Type(),
          [&] {
            Value place = emitRow(row, panel, emitRows);
            Value column =
                b.add(b.mul(panel, b.index(kPanel)), emitColumn(place, i));
            return SmallVector<Value>{
                arith::IndexCastOp::create(b, b.getI32Type(), column)};
          },
          [&] { return SmallVector<Value>{place}; })[0];
      memref::StoreOp::create(b, result, op.getOut(), row);
    });
  }

  /// The first column of a row of the scratch memory that is bests[i].
  Value emitColumn(Value row, Value i) {
    int64_t lanes = b.lanes();
    Value best = b.splat(lanes, b.loadScalar(bests, i)), bits;
    for (int64_t offset = 0; offset < kPanel; offset += lanes) {
      Value isBest = arith::CmpFOp::create(
          b, arith::CmpFPredicate::OEQ,
          b.load(scratch, {row, b.index(offset)}, lanes), best);
      Value more = arith::ShLIOp::create(b, toBits(isBest),
                                         i32(static_cast<int32_t>(offset)));
      bits = bits ? arith::OrIOp::create(b, bits, more).getResult() : more;
    }
    return emitFirst(bits);
  }

  KernelBuilder &b;
  GreatestOp op;
  int64_t columns, panels;
  Value rows;
  /// Parts of the product begin at a multiple of so many rows.
  int64_t unit = 1;
  /// [panels, rows]: the largest of each panel, or its estimate.
  Value maxima;
  /// Of a thread: some rows of a panel, and the greatest of as many rows as a
  /// vector has lanes and the panels that they are in.
  Value scratch, bests, places;
};

} // namespace

void attn::emitGreatest(KernelBuilder &b, GreatestOp op) {
  GreatestKernel(b, op).emit();
}
