// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include <limits>

using namespace mlir;
using namespace attn;

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}

Value KernelBuilder::dim(Value memref, int64_t dimension) {
  int64_t size = cast<MemRefType>(memref.getType()).getDimSize(dimension);
  if (!ShapedType::isDynamic(size))
    return index(size);
  return memref::DimOp::create(*this, memref, dimension);
}

Value KernelBuilder::add(Value a, Value b) {
  return createOrFold<arith::AddIOp>(a, b);
}
Value KernelBuilder::sub(Value a, Value b) {
  return createOrFold<arith::SubIOp>(a, b);
}
Value KernelBuilder::mul(Value a, Value b) {
  return createOrFold<arith::MulIOp>(a, b);
}
Value KernelBuilder::min(Value a, Value b) {
  return createOrFold<arith::MinSIOp>(a, b);
}
Value KernelBuilder::max(Value a, Value b) {
  return createOrFold<arith::MaxSIOp>(a, b);
}
Value KernelBuilder::div(Value a, Value b) {
  return createOrFold<arith::DivUIOp>(a, b);
}
Value KernelBuilder::rem(Value a, Value b) {
  return createOrFold<arith::RemUIOp>(a, b);
}
Value KernelBuilder::ceilDiv(Value a, int64_t b) {
  return ceilDiv(a, index(b));
}
Value KernelBuilder::ceilDiv(Value a, Value b) {
  return div(add(a, sub(b, index(1))), b);
}
Value KernelBuilder::roundDown(Value a, int64_t b) {
  return mul(div(a, index(b)), index(b));
}
Value KernelBuilder::roundUp(Value a, int64_t b) {
  return mul(ceilDiv(a, b), index(b));
}
Value KernelBuilder::isLess(Value a, Value b) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, a, b);
}
Value KernelBuilder::isEqual(Value a, Value b) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, a, b);
}
Value KernelBuilder::clamp(Value a, Value size) {
  return max(min(a, sub(size, index(1))), index(0));
}

Value KernelBuilder::loadIndex(Value memref, Values indices) {
  return arith::IndexCastOp::create(
      *this, getIndexType(), memref::LoadOp::create(*this, memref, indices));
}

SmallVector<Value>
KernelBuilder::forLoop(Value lower, Value upper, int64_t step, Values inits,
                       Function<SmallVector<Value>(Value, Values)> body) {
  auto loop = scf::ForOp::create(*this, lower, upper, index(step), inits);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  SmallVector<Value> carried(loop.getRegionIterArgs());
  SmallVector<Value> next = body(loop.getInductionVar(), carried);
  if (loop.getBody()->mightHaveTerminator())
    loop.getBody()->getTerminator()->setOperands(next);
  else
    scf::YieldOp::create(*this, next);
  return SmallVector<Value>(loop.getResults());
}

void KernelBuilder::forLoop(Value lower, Value upper, int64_t step,
                            Function<void(Value)> body) {
  forLoop(lower, upper, step, {}, [&](Value i, Values) {
    body(i);
    return SmallVector<Value>();
  });
}

void KernelBuilder::parallelFor(Value count, Value work,
                                Function<void(Value)> body) {
  parallelFor(count, work, {}, [&](Value i, ValueRange) { body(i); });
}

void KernelBuilder::parallelFor(Value count, Value work,
                                ArrayRef<MemRefType> workspace,
                                Function<void(Value, ValueRange)> body,
                                bool isUneven) {
  parallel(work, workspace, [&](ValueRange memory) {
    auto task = [&](Value i) { body(i, memory); };
    isUneven ? shareUneven(count, task) : share(count, task);
  });
}

void KernelBuilder::parallel(Value work, ArrayRef<MemRefType> workspace,
                             Function<void(ValueRange)> body) {
  omp::ParallelOperands clauses;
  clauses.ifExpr = arith::CmpIOp::create(*this, arith::CmpIPredicate::sgt, work,
                                         index(kParallelWork));
  auto parallel = omp::ParallelOp::create(*this, clauses);
  OpBuilder::InsertionGuard guard(*this);
  createBlock(&parallel.getRegion());
  SmallVector<Value> memory;
  for (MemRefType type : workspace)
    memory.push_back(
        memref::AllocOp::create(*this, type, getI64IntegerAttr(64)));
  body(memory);
  for (Value memref : memory)
    memref::DeallocOp::create(*this, memref);
  omp::TerminatorOp::create(*this);
}

IndexRange KernelBuilder::shared(Value count) {
  // What OpenMP's static schedule does, without its calls, which take as long
  // as a small body.
  Value thread = askRuntime("omp_get_thread_num");
  Value threads = askRuntime("omp_get_num_threads");
  auto firstOf = [&](Value thread) { return div(mul(thread, count), threads); };
  return {firstOf(thread), firstOf(add(thread, index(1)))};
}

void KernelBuilder::share(Value count, Function<void(Value)> body) {
  IndexRange range = shared(count);
  forLoop(range.begin, range.end, 1, body);
}

void KernelBuilder::shareUneven(Value count, Function<void(Value)> body) {
  omp::WsloopOperands schedule;
  schedule.scheduleKind = omp::ClauseScheduleKindAttr::get(
      getContext(), omp::ClauseScheduleKind::Dynamic);
  schedule.nowait = getUnitAttr();
  auto worksharing = omp::WsloopOp::create(*this, schedule);
  OpBuilder::InsertionGuard guard(*this);
  createBlock(&worksharing.getRegion());
  omp::LoopNestOperands bounds;
  bounds.collapseNumLoops = getI64IntegerAttr(1);
  bounds.loopLowerBounds = {index(0)};
  bounds.loopUpperBounds = {count};
  bounds.loopSteps = {index(1)};
  auto nest = omp::LoopNestOp::create(*this, bounds);
  Block *block =
      createBlock(&nest.getRegion(), {}, {getIndexType()}, {getLoc()});
  body(block->getArgument(0));
  omp::YieldOp::create(*this);
}

void KernelBuilder::barrier() { omp::BarrierOp::create(*this); }

void KernelBuilder::ifThen(Value condition, Function<void()> then) {
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  then();
}

void KernelBuilder::ifElse(Value condition, Function<void()> then,
                           Function<void()> otherwise) {
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  then();
  setInsertionPointToStart(branch.elseBlock());
  otherwise();
}

SmallVector<Value>
KernelBuilder::ifElse(Value condition, TypeRange types,
                      Function<SmallVector<Value>()> then,
                      Function<SmallVector<Value>()> otherwise) {
  auto branch = scf::IfOp::create(*this, types, condition,
                                  /*addThenBlock=*/true,
                                  /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(*this, then());
  setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(*this, otherwise());
  return SmallVector<Value>(branch.getResults());
}

Value KernelBuilder::threads() { return askRuntime("omp_get_max_threads"); }

Value KernelBuilder::askRuntime(StringRef name) {
  auto module = getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToStart(module.getBody());
    func::FuncOp::create(*this, name, getFunctionType({}, getI32Type()))
        .setPrivate();
  }
  Value number =
      func::CallOp::create(*this, name, TypeRange(getI32Type())).getResult(0);
  return arith::IndexCastOp::create(*this, getIndexType(), number);
}

Value KernelBuilder::scalar(double value) {
  return arith::ConstantOp::create(*this,
                                   getF32FloatAttr(static_cast<float>(value)));
}

Value KernelBuilder::toFloat(Value index) {
  return arith::SIToFPOp::create(
      *this, getF32Type(),
      arith::IndexCastOp::create(*this, getI64Type(), index));
}

/// `numbers` as f32.
static Value extend(KernelBuilder &b, Value numbers) {
  Type type = numbers.getType();
  if (getElementTypeOrSelf(type).isF32())
    return numbers;
  auto vector = dyn_cast<VectorType>(type);
  Type wide = b.getF32Type();
  return arith::ExtFOp::create(b, vector ? Type(vector.clone(wide)) : wide,
                               numbers);
}

Value KernelBuilder::round(Value numbers, Value memref) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  if (element.isF32())
    return numbers;
  auto vector = dyn_cast<VectorType>(numbers.getType());
  auto typeOf = [&](Type element) {
    return vector ? Type(vector.clone(element)) : element;
  };
  return arith::TruncFOp::create(*this, typeOf(element), numbers);
}

Value KernelBuilder::loadScalar(Value memref, Values indices) {
  return extend(*this, memref::LoadOp::create(*this, memref, indices));
}

void KernelBuilder::storeScalar(Value value, Value memref, Values indices) {
  memref::StoreOp::create(*this, round(value, memref), memref, indices);
}

VectorType KernelBuilder::vectorType(int64_t lanes) {
  return VectorType::get({lanes}, getF32Type());
}

SmallVector<Chunk> KernelBuilder::chunks(int64_t size) const {
  SmallVector<Chunk> result;
  int64_t offset = 0;
  for (int64_t lanes = this->lanes(); lanes > 0; lanes /= 2)
    for (; offset + lanes <= size; offset += lanes)
      result.push_back({offset, lanes});
  return result;
}

Value KernelBuilder::splat(int64_t lanes, double value) {
  return arith::ConstantOp::create(
      *this,
      DenseElementsAttr::get(vectorType(lanes), static_cast<float>(value)));
}

Value KernelBuilder::splat(int64_t lanes, Value scalar) {
  return vector::BroadcastOp::create(*this, vectorType(lanes), scalar);
}

Value KernelBuilder::load(Value memref, Values indices, int64_t lanes) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  return extend(*this,
                vector::LoadOp::create(*this, VectorType::get({lanes}, element),
                                       memref, indices));
}

Value KernelBuilder::loadPadded(Value memref, Values indices, int64_t size) {
  if (size >= lanes())
    return load(memref, indices, lanes());
  return loadMasked(memref, indices, mask(lanes(), index(size)));
}

void KernelBuilder::store(Value vector, Value memref, Values indices) {
  vector::StoreOp::create(*this, round(vector, memref), memref, indices);
}

Value KernelBuilder::mask(int64_t lanes, Value count) {
  return vector::CreateMaskOp::create(
      *this, VectorType::get({lanes}, getI1Type()), count);
}

Value KernelBuilder::maskBefore(int64_t lanes, Value begin, Value end) {
  return mask(lanes, max(sub(end, begin), index(0)));
}

/// The memory as integers of the elements' size: where LLVM has no masked
/// access it takes vectors apart, and cannot for all floats.
static Value seeIntegers(KernelBuilder &b, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.getElementType().isBF16() && !type.getElementType().isF16())
    return memref;
  return UnrealizedConversionCastOp::create(b, type.clone(b.getI16Type()),
                                            memref)
      .getResult(0);
}

/// Elements of a masked load; 0 where they are masked out.
static Value loadElements(KernelBuilder &b, Value memref,
                          KernelBuilder::Values indices, Value mask) {
  ArrayRef<int64_t> shape = cast<VectorType>(mask.getType()).getShape();
  Value memory = seeIntegers(b, memref);
  auto type = VectorType::get(
      shape, cast<MemRefType>(memory.getType()).getElementType());
  Value zero =
      arith::ConstantOp::create(b, cast<TypedAttr>(b.getZeroAttr(type)));
  Value loaded =
      vector::MaskedLoadOp::create(b, type, memory, indices, mask, zero);
  if (memory == memref)
    return loaded;
  return arith::BitcastOp::create(
      b, type.clone(cast<MemRefType>(memref.getType()).getElementType()),
      loaded);
}

Value KernelBuilder::loadMasked(Value memref, Values indices, Value mask) {
  return extend(*this, loadElements(*this, memref, indices, mask));
}

Value KernelBuilder::loadFlags(Value memref, Values indices, Value mask) {
  Value bytes = loadElements(*this, memref, indices, mask);
  Value zero = arith::ConstantOp::create(
      *this, cast<TypedAttr>(getZeroAttr(bytes.getType())));
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::ne, bytes, zero);
}

void KernelBuilder::storeMasked(Value vector, Value mask, Value memref,
                                Values indices) {
  Value elements = round(vector, memref);
  Value memory = seeIntegers(*this, memref);
  if (memory != memref)
    elements = arith::BitcastOp::create(
        *this, cast<VectorType>(elements.getType()).clone(getI16Type()),
        elements);
  vector::MaskedStoreOp::create(*this, memory, indices, mask, elements);
}

void KernelBuilder::prefetch(Value memref, Values indices) {
  memref::PrefetchOp::create(*this, memref, indices, /*isWrite=*/false,
                             /*localityHint=*/2, /*isDataCache=*/true);
}

void KernelBuilder::prefetchRow(Value memref, SmallVector<Value> indices,
                                bool isWrite) {
  auto type = cast<MemRefType>(memref.getType());
  int64_t step = kLineBits / type.getElementTypeBitWidth();
  for (int64_t first = 0; first < type.getShape().back(); first += step) {
    indices.back() = index(first);
    memref::PrefetchOp::create(*this, memref, indices, isWrite,
                               /*localityHint=*/isWrite ? 3 : 2,
                               /*isDataCache=*/true);
  }
}

void KernelBuilder::prefetchTile(Value memref, SmallVector<Value> indices) {
  constexpr int64_t step = 8;
  ArrayRef<int64_t> shape = cast<MemRefType>(memref.getType()).getShape();
  for (int64_t row = 0; row < shape[shape.size() - 2]; row += step) {
    indices[shape.size() - 2] = index(row);
    prefetch(memref, indices);
  }
}

/// Lanes of two vectors of `size`: where a lane's number has `bit`, of the
/// second one, else of the first; exchanged, the lane that differs in the bit.
static SmallVector<int64_t> selectByBit(int64_t size, int64_t bit,
                                        bool exchanged) {
  SmallVector<int64_t> lanes;
  for (int64_t lane = 0; lane < size; ++lane)
    lanes.push_back((exchanged ? lane ^ bit : lane) + (lane & bit ? size : 0));
  return lanes;
}

SmallVector<Value> KernelBuilder::transpose(Values rows) {
  // Exchanges ever smaller blocks across the diagonal (Eklundh, 1972).
  SmallVector<Value> result(rows);
  auto size = static_cast<int64_t>(rows.size());
  for (int64_t bit = size / 2; bit > 0; bit /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < size; ++lane) {
      low.push_back(lane & bit ? size + lane - bit : lane);
      high.push_back(lane & bit ? size + lane : lane + bit);
    }
    for (int64_t i = 0; i < size; ++i) {
      if (i & bit)
        continue;
      Value first = result[i], second = result[i | bit];
      result[i] = vector::ShuffleOp::create(*this, first, second, low);
      result[i | bit] = vector::ShuffleOp::create(*this, first, second, high);
    }
  }
  return result;
}

/// A vector of the combined lanes of each of the vectors.
static Value
combineLanesOfEach(KernelBuilder &b, KernelBuilder::Values vectors,
                   llvm::function_ref<Value(Value, Value)> combine) {
  // In each step two vectors become one, in which half as many lanes belong to
  // each; in the end lane i belongs to vector i.
  SmallVector<Value> combined(vectors);
  auto size = static_cast<int64_t>(vectors.size());
  for (int64_t bit = size / 2; bit > 0; bit /= 2) {
    for (int64_t i = 0; i < bit; ++i) {
      auto select = [&](bool exchanged) -> Value {
        return vector::ShuffleOp::create(b, combined[i], combined[i + bit],
                                         selectByBit(size, bit, exchanged));
      };
      combined[i] = combine(select(false), select(true));
    }
    combined.resize(bit);
  }
  return combined[0];
}

Value KernelBuilder::sumLanesOfEach(Values vectors) {
  return combineLanesOfEach(*this, vectors, [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(*this, x, y);
  });
}

Value KernelBuilder::maxLanesOfEach(Values vectors) {
  return combineLanesOfEach(*this, vectors,
                            [&](Value x, Value y) { return larger(x, y); });
}

Value KernelBuilder::sumLanes(Value vector) {
  if (cast<VectorType>(vector.getType()).getNumElements() == 1)
    return vector::ExtractOp::create(*this, vector, ArrayRef<int64_t>{0});
  return vector::ReductionOp::create(*this, vector::CombiningKind::ADD, vector,
                                     arith::FastMathFlags::reassoc);
}

Value KernelBuilder::larger(Value value, Value other) {
  // The order and the predicate matter: this is one instruction.
  Value isLarger =
      arith::CmpFOp::create(*this, arith::CmpFPredicate::OGT, value, other);
  return arith::SelectOp::create(*this, isLarger, value, other);
}

Value KernelBuilder::orInfinity(Value vector) {
  Value infinity = splat(cast<VectorType>(vector.getType()).getNumElements(),
                         std::numeric_limits<double>::infinity());
  // The order and the predicate matter here, too.
  Value isLess =
      arith::CmpFOp::create(*this, arith::CmpFPredicate::OLT, vector, infinity);
  return arith::SelectOp::create(*this, isLess, vector, infinity);
}

Value KernelBuilder::maxLanes(Value vector) {
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  for (int64_t bit = lanes / 2; bit > 0; bit /= 2) {
    Value exchanged = vector::ShuffleOp::create(
        *this, vector, vector, selectByBit(lanes, bit, /*exchanged=*/true));
    vector = larger(exchanged, vector);
  }
  return vector::ExtractOp::create(*this, vector, ArrayRef<int64_t>{0});
}
