// RUN: attn-opt %s --split-input-file --attn-incremental-decoding --canonicalize --cse | FileCheck %s
// RUN: attn-opt %s --split-input-file --attn-incremental-decoding=cache-type=bf16 --canonicalize --cse | FileCheck %s --check-prefix=BF16
// The caches are updated in place: bufferization copies nothing.
// RUN: attn-opt %s --split-input-file --attn-incremental-decoding \
// RUN:   --convert-elementwise-to-linalg --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   --canonicalize | FileCheck %s --check-prefix=MEMORY -DF=f32
// RUN: attn-opt %s --split-input-file --attn-incremental-decoding=cache-type=bf16 \
// RUN:   --convert-elementwise-to-linalg --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   --canonicalize | FileCheck %s --check-prefix=MEMORY -DF=bf16

// A decoder of one layer: Q, K and V of the tokens in one product, K and V of
// the memory in one, arithmetic on each element.
attn.weights @w {
  attn.weight @table from ["t"] : tensor<100x16xf32>
  attn.weight @positions sinusoidal : tensor<32x16xf32>
  attn.weight @qkv from ["q", "k", "v"] : tensor<48x16xf32>
  attn.weight @q from ["cq"] : tensor<16x16xf32>
  attn.weight @kv from ["ck", "cv"] : tensor<32x24xf32>
  attn.weight @bias from ["b"] : tensor<32xf32>
  attn.weight @norm from ["n"] : tensor<16xf32>
}

// The decoder stays.
// CHECK-LABEL: func.func @decode(
// CHECK-SAME:    %{{.*}}: tensor<?x?xi32> {attn.role = "ids"}, %{{.*}}: tensor<?x?x24xf32> {attn.role = "memory"}, %{{.*}}: tensor<?xi32> {attn.role = "memory_lengths"})
// CHECK:         return

// CHECK-LABEL: func.func @decode_prepare(
// CHECK-SAME:    %[[M:.*]]: tensor<?x?x24xf32> {attn.role = "memory"}) -> tensor<?x?x32xf32> {
// CHECK-DAG:     %[[B:.*]] = tensor.dim %[[M]], %c0
// CHECK-DAG:     %[[L:.*]] = tensor.dim %[[M]], %c1
// CHECK-DAG:     %[[W:.*]] = attn.get_weight @w::@kv
// CHECK-DAG:     %[[BIAS:.*]] = attn.get_weight @w::@bias
// CHECK-DAG:     %[[E:.*]] = tensor.empty(%[[B]], %[[L]]) : tensor<?x?x32xf32>
// CHECK:         %[[KV:.*]] = attn.linear %[[M]], %[[W]] bias(%[[BIAS]]) outs(%[[E]])
// CHECK:         return %[[KV]]

// CHECK-LABEL: func.func @decode_step(
// CHECK-SAME:    %[[IDS:[^:]*]]: tensor<?x?xi32> {attn.role = "ids"},
// CHECK-SAME:    %[[POSITIONS:[^:]*]]: tensor<?xi32> {attn.role = "positions"},
// CHECK-SAME:    %[[CACHE_ROWS:[^:]*]]: tensor<?x?xi32> {attn.role = "cache_rows"},
// CHECK-SAME:    %[[MEMORY_ROWS:[^:]*]]: tensor<?xi32> {attn.role = "memory_rows"},
// CHECK-SAME:    %[[LENGTHS:[^:]*]]: tensor<?xi32> {attn.role = "memory_lengths"},
// CHECK-SAME:    %[[CROSS:[^:]*]]: tensor<?x?x32xf32> {attn.role = "cross"},
// CHECK-SAME:    %[[KCACHE:[^:]*]]: memref<?x?x16xf32> {attn.role = "cache"},
// CHECK-SAME:    %[[VCACHE:[^:]*]]: memref<?x?x16xf32> {attn.role = "cache"})
// CHECK-SAME:    -> tensor<?x?x100xf32> {
// CHECK-DAG:     %[[R:.*]] = tensor.dim %[[IDS]], %c0
// CHECK-DAG:     %[[N:.*]] = tensor.dim %[[IDS]], %c1
// CHECK:         %[[X:.*]] = attn.lookup %[[IDS]], %{{.*}} positions(%{{.*}}) offsets(%[[POSITIONS]]) outs(%{{.*}}) {scale = 4.000000e+00 : f64}
// CHECK:         %[[QKV:.*]] = attn.linear %[[X]]
// CHECK:         %[[Q:.*]] = tensor.extract_slice %[[QKV]][0, 0, 0] [%[[R]], %[[N]], 16]
// CHECK:         %[[K:.*]] = tensor.extract_slice %[[QKV]][0, 0, 16] [%[[R]], %[[N]], 16]
// CHECK:         %[[V:.*]] = tensor.extract_slice %[[QKV]][0, 0, 32] [%[[R]], %[[N]], 16]
// CHECK:         %[[K0:.*]] = bufferization.to_tensor %[[KCACHE]] restrict writable
// CHECK:         %[[K1:.*]] = attn.cache_append %[[K]] at %[[POSITIONS]] rows(%[[CACHE_ROWS]]) outs(%[[K0]])
// CHECK:         bufferization.materialize_in_destination %[[K1]] in writable %[[KCACHE]]
// CHECK:         %[[V0:.*]] = bufferization.to_tensor %[[VCACHE]] restrict writable
// CHECK:         %[[V1:.*]] = attn.cache_append %[[V]] at %[[POSITIONS]] rows(%[[CACHE_ROWS]]) outs(%[[V0]])
// CHECK:         bufferization.materialize_in_destination %[[V1]] in writable %[[VCACHE]]
// CHECK:         %[[Y:.*]] = attn.sdpa %[[Q]], %[[K1]], %[[V1]] positions(%[[POSITIONS]]) rows(%[[CACHE_ROWS]]) outs(%{{.*}}) {causal, heads = 4 : i64, scale = 5.000000e-01 : f64, window_before = 100 : i64}
// CHECK:         %[[SUM:.*]] = arith.addf %[[Y]], %[[X]]
// CHECK:         %[[NORM:.*]] = attn.layer_norm %[[SUM]]
// CHECK:         %[[CQ:.*]] = attn.linear %[[NORM]]
// CHECK-DAG:     %[[B:.*]] = tensor.dim %[[CROSS]], %c0
// CHECK-DAG:     %[[L:.*]] = tensor.dim %[[CROSS]], %c1
// CHECK:         %[[CK:.*]] = tensor.extract_slice %[[CROSS]][0, 0, 0] [%[[B]], %[[L]], 16]
// CHECK:         %[[CV:.*]] = tensor.extract_slice %[[CROSS]][0, 0, 16] [%[[B]], %[[L]], 16]
// CHECK:         %[[C:.*]] = attn.sdpa %[[CQ]], %[[CK]], %[[CV]] lengths(%[[LENGTHS]]) rows(%[[MEMORY_ROWS]]) outs(%{{.*}}) {heads = 4 : i64, scale = 5.000000e-01 : f64}
// CHECK:         %[[FIRST:.*]] = attn.linear %[[X]]
// CHECK:         %[[WEIGHT:.*]] = tensor.extract
// CHECK:         %[[FLAG:.*]] = arith.cmpf ogt, %[[WEIGHT]]
// CHECK:         %[[CHOSEN:.*]] = arith.select %[[FLAG]], %[[FIRST]], %{{.*}} : tensor<?x?x100xf32>
// CHECK:         %[[LOGITS:.*]] = attn.linear %[[C]], %{{.*}} residual(%[[CHOSEN]])
// CHECK:         return %[[LOGITS]]

// With caches of bf16, the product that prepares keys and values rounds its sums.
// BF16-LABEL: func.func @decode(
// BF16:         attn.linear {{.*}} -> tensor<?x?x32xf32>
// BF16-LABEL: func.func @decode_prepare(
// BF16-SAME:    -> tensor<?x?x32xbf16> {
// BF16-NOT:     xf32> to
// BF16:         %[[E:.*]] = tensor.empty(%{{.*}}) : tensor<?x?x32xbf16>
// BF16-NEXT:    %[[KV:.*]] = attn.linear {{.*}} outs(%[[E]]) : (tensor<?x?x24xf32>, tensor<32x24xf32>, tensor<32xf32>, tensor<?x?x32xbf16>) -> tensor<?x?x32xbf16>
// BF16-NEXT:    return %[[KV]]
// BF16-LABEL: func.func @decode_step(
// BF16-SAME:    %[[CROSS:[^:]*]]: tensor<?x?x32xbf16> {attn.role = "cross"},
// BF16-SAME:    %{{[^:]*}}: memref<?x?x16xbf16> {attn.role = "cache"},
// BF16-SAME:    %{{[^:]*}}: memref<?x?x16xbf16> {attn.role = "cache"})
// BF16-SAME:    -> tensor<?x?x100xf32> {
// BF16:         %[[K:.*]] = attn.cache_append {{.*}} : (tensor<?x?x16xf32>, tensor<?xi32>, tensor<?x?xi32>, tensor<?x?x16xbf16>) -> tensor<?x?x16xbf16>
// BF16:         %[[V:.*]] = attn.cache_append {{.*}} -> tensor<?x?x16xbf16>
// BF16:         attn.sdpa %{{[^ ]*}}, %[[K]], %[[V]] {{.*}} : (tensor<?x?x16xf32>, tensor<?x?x16xbf16>, tensor<?x?x16xbf16>, tensor<?xi32>, tensor<?x?xi32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
// BF16:         %[[CK:.*]] = tensor.extract_slice %[[CROSS]][0, 0, 0]
// BF16:         %[[CV:.*]] = tensor.extract_slice %[[CROSS]][0, 0, 16]
// BF16:         attn.sdpa %{{[^ ]*}}, %[[CK]], %[[CV]] {{.*}} -> tensor<?x?x16xf32>

// MEMORY-LABEL: func.func @decode_step(
// MEMORY-SAME:    %[[KCACHE:[^:]*]]: memref<?x?x16x[[F]]> {attn.role = "cache"}, %[[VCACHE:[^:]*]]: memref<?x?x16x[[F]]> {attn.role = "cache"}) -> memref<?x?x100xf32> {
// MEMORY-NOT:     memref.copy
// MEMORY:         attn.cache_append %{{.*}} outs(%[[KCACHE]])
// MEMORY-NOT:     memref.copy
// MEMORY:         attn.cache_append %{{.*}} outs(%[[VCACHE]])
// MEMORY-NOT:     memref.copy
// MEMORY:         attn.sdpa %{{.*}}, %[[KCACHE]], %[[VCACHE]] positions
// MEMORY-NOT:     memref.copy
// MEMORY:         return
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %memory: tensor<?x?x24xf32> {attn.role = "memory"},
                  %lengths: tensor<?xi32> {attn.role = "memory_lengths"}) -> tensor<?x?x100xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %ids, %c0 : tensor<?x?xi32>
  %s = tensor.dim %ids, %c1 : tensor<?x?xi32>
  %e = tensor.empty(%b, %s) : tensor<?x?x16xf32>
  %table = attn.get_weight @w::@table : tensor<100x16xf32>
  %positions = attn.get_weight @w::@positions : tensor<32x16xf32>
  %x = attn.lookup %ids, %table positions(%positions) outs(%e) {scale = 4.0 : f64} : (tensor<?x?xi32>, tensor<100x16xf32>, tensor<32x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %wqkv = attn.get_weight @w::@qkv : tensor<48x16xf32>
  %eqkv = tensor.empty(%b, %s) : tensor<?x?x48xf32>
  %qkv = attn.linear %x, %wqkv outs(%eqkv) : (tensor<?x?x16xf32>, tensor<48x16xf32>, tensor<?x?x48xf32>) -> tensor<?x?x48xf32>
  %q = tensor.extract_slice %qkv[0, 0, 0] [%b, %s, 16] [1, 1, 1] : tensor<?x?x48xf32> to tensor<?x?x16xf32>
  %k = tensor.extract_slice %qkv[0, 0, 16] [%b, %s, 16] [1, 1, 1] : tensor<?x?x48xf32> to tensor<?x?x16xf32>
  %v = tensor.extract_slice %qkv[0, 0, 32] [%b, %s, 16] [1, 1, 1] : tensor<?x?x48xf32> to tensor<?x?x16xf32>
  %y = attn.sdpa %q, %k, %v outs(%e) {causal, heads = 4 : i64, scale = 0.5 : f64, window_before = 100 : i64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %sum = arith.addf %y, %x : tensor<?x?x16xf32>
  %norm = attn.get_weight @w::@norm : tensor<16xf32>
  %normed = attn.layer_norm %sum, %norm, %norm outs(%e) : (tensor<?x?x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %wq = attn.get_weight @w::@q : tensor<16x16xf32>
  %cq = attn.linear %normed, %wq outs(%e) : (tensor<?x?x16xf32>, tensor<16x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %mb = tensor.dim %memory, %c0 : tensor<?x?x24xf32>
  %ml = tensor.dim %memory, %c1 : tensor<?x?x24xf32>
  %wkv = attn.get_weight @w::@kv : tensor<32x24xf32>
  %bkv = attn.get_weight @w::@bias : tensor<32xf32>
  %ekv = tensor.empty(%mb, %ml) : tensor<?x?x32xf32>
  %kv = attn.linear %memory, %wkv bias(%bkv) outs(%ekv) : (tensor<?x?x24xf32>, tensor<32x24xf32>, tensor<32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  %ck = tensor.extract_slice %kv[0, 0, 0] [%mb, %ml, 16] [1, 1, 1] : tensor<?x?x32xf32> to tensor<?x?x16xf32>
  %cv = tensor.extract_slice %kv[0, 0, 16] [%mb, %ml, 16] [1, 1, 1] : tensor<?x?x32xf32> to tensor<?x?x16xf32>
  %c = attn.sdpa %cq, %ck, %cv lengths(%lengths) outs(%e) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?xi32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %el = tensor.empty(%b, %s) : tensor<?x?x100xf32>
  %first = attn.linear %x, %table outs(%el) : (tensor<?x?x16xf32>, tensor<100x16xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %zero = arith.constant 0.0 : f32
  %weight = tensor.extract %norm[%c0] : tensor<16xf32>
  %flag = arith.cmpf ogt, %weight, %zero : f32
  %twice = arith.addf %first, %first : tensor<?x?x100xf32>
  %chosen = arith.select %flag, %first, %twice : tensor<?x?x100xf32>
  %logits = attn.linear %c, %table residual(%chosen) outs(%el) : (tensor<?x?x16xf32>, tensor<100x16xf32>, tensor<?x?x100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return %logits : tensor<?x?x100xf32>
}

// -----

// A decoder without a memory: nothing is prepared. Keys and values that are
// prepared apart are passed apart; probabilities of attention to them are
// results of the step.
attn.weights @w {
  attn.weight @table from ["t"] : tensor<100x16xf32>
}

// CHECK-NOT: @decode_prepare
// CHECK-LABEL: func.func private @decode_step(
// CHECK-SAME:    tensor<?x?xi32> {attn.role = "ids"}, %{{[^:]*}}: tensor<?xi32> {attn.role = "positions"}, %{{[^:]*}}: tensor<?x?xi32> {attn.role = "cache_rows"}, %{{[^:]*}}: memref<?x?x16xf32> {attn.role = "cache"}, %{{[^:]*}}: memref<?x?x16xf32> {attn.role = "cache"})
// CHECK:         attn.lookup %{{.*}}, %{{.*}} outs
// CHECK:         attn.softmax
func.func private @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}) -> tensor<?x?x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %ids, %c0 : tensor<?x?xi32>
  %s = tensor.dim %ids, %c1 : tensor<?x?xi32>
  %e = tensor.empty(%b, %s) : tensor<?x?x16xf32>
  %table = attn.get_weight @w::@table : tensor<100x16xf32>
  %x = attn.lookup %ids, %table outs(%e) : (tensor<?x?xi32>, tensor<100x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %y = attn.sdpa %x, %x, %x outs(%e) {causal, heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %p = attn.softmax %y outs(%e) : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %p : tensor<?x?x16xf32>
}

// -----

attn.weights @w {
  attn.weight @table from ["t"] : tensor<100x16xf32>
  attn.weight @k from ["k"] : tensor<16x16xf32>
  attn.weight @v from ["v"] : tensor<16x16xf32>
}

// CHECK-LABEL: func.func @decode_prepare(
// CHECK-SAME:    %[[M:.*]]: tensor<?x?x16xf32> {attn.role = "memory"}) -> (tensor<?x?x16xf32>, tensor<?x?x16xf32>) {
// CHECK:         %[[V:.*]] = attn.linear
// CHECK:         return %[[M]], %[[V]]

// What is no product's, or is read once more, is rounded after it.
// BF16-LABEL: func.func @decode_prepare(
// BF16-SAME:    %[[M:.*]]: tensor<?x?x16xf32> {attn.role = "memory"}) -> (tensor<?x?x16xbf16>, tensor<?x?x16xbf16>) {
// BF16:         %[[V:.*]] = attn.linear {{.*}} -> tensor<?x?x16xbf16>
// BF16:         %[[K:.*]] = arith.truncf %[[M]] : tensor<?x?x16xf32> to tensor<?x?x16xbf16>
// BF16:         return %[[K]], %[[V]]

// CHECK-LABEL: func.func @decode_step(
// CHECK-SAME:    %[[IDS:[^:]*]]: tensor<?x?xi32> {attn.role = "ids"},
// CHECK-SAME:    %[[ROWS:[^:]*]]: tensor<?xi32> {attn.role = "memory_rows"},
// CHECK-SAME:    %[[K:[^:]*]]: tensor<?x?x16xf32> {attn.role = "cross"},
// CHECK-SAME:    %[[V:[^:]*]]: tensor<?x?x16xf32> {attn.role = "cross"})
// CHECK-SAME:    -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>)
// CHECK-DAG:     %[[R:.*]] = tensor.dim %[[IDS]], %c0
// CHECK-DAG:     %[[N:.*]] = tensor.dim %[[IDS]], %c1
// CHECK-DAG:     %[[L:.*]] = tensor.dim %[[K]], %c1
// CHECK:         %[[P:.*]] = tensor.empty(%[[R]], %[[N]], %[[L]]) : tensor<?x4x?x?xf32>
// CHECK:         %[[Y:.*]]:2 = attn.sdpa %{{.*}}, %[[K]], %[[V]] rows(%[[ROWS]]) outs(%{{.*}}, %[[P]])
// CHECK:         return %[[Y]]#0, %[[Y]]#1
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %memory: tensor<?x?x16xf32> {attn.role = "memory"}) -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %ids, %c0 : tensor<?x?xi32>
  %s = tensor.dim %ids, %c1 : tensor<?x?xi32>
  %mb = tensor.dim %memory, %c0 : tensor<?x?x16xf32>
  %ml = tensor.dim %memory, %c1 : tensor<?x?x16xf32>
  %e = tensor.empty(%b, %s) : tensor<?x?x16xf32>
  %em = tensor.empty(%mb, %ml) : tensor<?x?x16xf32>
  %ep = tensor.empty(%b, %s, %ml) : tensor<?x4x?x?xf32>
  %table = attn.get_weight @w::@table : tensor<100x16xf32>
  %x = attn.lookup %ids, %table outs(%e) : (tensor<?x?xi32>, tensor<100x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %wv = attn.get_weight @w::@v : tensor<16x16xf32>
  %v = attn.linear %memory, %wv outs(%em) : (tensor<?x?x16xf32>, tensor<16x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %y:2 = attn.sdpa %x, %memory, %v outs(%e, %ep) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x4x?x?xf32>) -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>)
  return %y#0, %y#1 : tensor<?x?x16xf32>, tensor<?x4x?x?xf32>
}

// -----

// Two products in one core treat each position alone, as one does.
attn.weights @w {
  attn.weight @table from ["t"] : tensor<100x16xf32>
  attn.weight @in from ["i"] : tensor<64x16xf32>
  attn.weight @inbias from ["ib"] : tensor<64xf32>
  attn.weight @out from ["o"] : tensor<64x16xf32>
}
// CHECK-LABEL: func.func @decode_step(
// CHECK:         %[[X:.*]] = attn.lookup
// CHECK:         attn.mlp %[[X]], %{{.*}} bias(%{{.*}}) activation gelu, %{{[^ ]*}} residual(%[[X]]) outs(%{{.*}}) {transposed}
// MEMORY-LABEL: func.func @decode_step(
// MEMORY:         attn.mlp
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}) -> tensor<?x?x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %ids, %c0 : tensor<?x?xi32>
  %s = tensor.dim %ids, %c1 : tensor<?x?xi32>
  %e = tensor.empty(%b, %s) : tensor<?x?x16xf32>
  %table = attn.get_weight @w::@table : tensor<100x16xf32>
  %x = attn.lookup %ids, %table outs(%e) : (tensor<?x?xi32>, tensor<100x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %in = attn.get_weight @w::@in : tensor<64x16xf32>
  %bias = attn.get_weight @w::@inbias : tensor<64xf32>
  %out = attn.get_weight @w::@out : tensor<64x16xf32>
  %y = attn.mlp %x, %in bias(%bias) activation gelu, %out residual(%x) outs(%e) {transposed} : (tensor<?x?x16xf32>, tensor<64x16xf32>, tensor<64xf32>, tensor<64x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %y : tensor<?x?x16xf32>
}

// -----

// What depends on the distance counts from the positions of the step, also for
// keys that are prepared.
attn.weights @w {
  attn.weight @table from ["t"] : tensor<100x16xf32>
  attn.weight @slopes from ["a"] : tensor<4xf32>
  attn.weight @biases from ["b"] : tensor<4x9xf32>
  attn.weight @sinks from ["s"] : tensor<4xf32>
}
// CHECK-LABEL: func.func @decode_step(
// CHECK-SAME:    %[[IDS:[^:]*]]: tensor<?x?xi32> {attn.role = "ids"},
// CHECK-SAME:    %[[POSITIONS:[^:]*]]: tensor<?xi32> {attn.role = "positions"},
// CHECK-SAME:    %[[CACHE_ROWS:[^:]*]]: tensor<?x?xi32> {attn.role = "cache_rows"},
// CHECK-SAME:    %[[MEMORY_ROWS:[^:]*]]: tensor<?xi32> {attn.role = "memory_rows"},
// CHECK-DAG:     %[[SLOPES:.*]] = attn.get_weight @w::@slopes
// CHECK-DAG:     %[[BIASES:.*]] = attn.get_weight @w::@biases
// CHECK-DAG:     %[[SINKS:.*]] = attn.get_weight @w::@sinks
// CHECK:         attn.sdpa %{{.*}} positions(%[[POSITIONS]]) rows(%[[CACHE_ROWS]]) slopes(%[[SLOPES]]) biases(%[[BIASES]]) sinks(%[[SINKS]]) outs(%{{.*}}) {causal, heads = 4 : i64, scale = 5.000000e-01 : f64}
// CHECK:         attn.sdpa %{{.*}} positions(%[[POSITIONS]]) rows(%[[MEMORY_ROWS]]) outs(%{{.*}}) {heads = 4 : i64, scale = 5.000000e-01 : f64, window_after = 2 : i64}
// CHECK:         attn.sdpa %{{.*}} positions(%[[POSITIONS]]) rows(%[[MEMORY_ROWS]]) biases(%[[BIASES]]) outs
// CHECK:         attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} rows(%[[MEMORY_ROWS]]) sinks(%[[SINKS]]) outs
// MEMORY-LABEL: func.func @decode_step(
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %memory: tensor<?x?x16xf32> {attn.role = "memory"}) -> tensor<?x?x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %ids, %c0 : tensor<?x?xi32>
  %s = tensor.dim %ids, %c1 : tensor<?x?xi32>
  %e = tensor.empty(%b, %s) : tensor<?x?x16xf32>
  %table = attn.get_weight @w::@table : tensor<100x16xf32>
  %slopes = attn.get_weight @w::@slopes : tensor<4xf32>
  %biases = attn.get_weight @w::@biases : tensor<4x9xf32>
  %sinks = attn.get_weight @w::@sinks : tensor<4xf32>
  %x = attn.lookup %ids, %table outs(%e) : (tensor<?x?xi32>, tensor<100x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %y = attn.sdpa %x, %x, %x slopes(%slopes) biases(%biases) sinks(%sinks) outs(%e) {causal, heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<4xf32>, tensor<4x9xf32>, tensor<4xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %z = attn.sdpa %y, %memory, %memory outs(%e) {heads = 4 : i64, scale = 0.5 : f64, window_after = 2 : i64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %u = attn.sdpa %z, %memory, %memory biases(%biases) outs(%e) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<4x9xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %v = attn.sdpa %u, %memory, %memory sinks(%sinks) outs(%e) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<4xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %v : tensor<?x?x16xf32>
}
