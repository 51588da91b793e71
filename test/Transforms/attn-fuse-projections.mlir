// RUN: attn-opt %s --split-input-file --attn-fuse-projections | FileCheck %s

// Q, K and V of one input; weights of the parts go, unless something else uses
// them.
// CHECK-LABEL: attn.weights @self {
// CHECK-NEXT:    attn.weight @q_k_v.weight from ["q", "k", "v1", "v2"] : tensor<56x16xf32>
// CHECK-NEXT:    attn.weight @q_k_v.bias from ["qb", "kb", "vb"] : tensor<56xf32>
// CHECK-NEXT:    attn.weight @k.bias from ["kb"] : tensor<16xf32>
// CHECK-NEXT:    attn.weight @out.weight from ["o"] : tensor<16x16xf32>
// CHECK-NEXT:  }
attn.weights @self {
  attn.weight @q.weight from ["q"] : tensor<16x16xf32>
  attn.weight @k.weight from ["k"] : tensor<16x16xf32>
  attn.weight @v.weight from ["v1", "v2"] : tensor<24x16xf32>
  attn.weight @q.bias from ["qb"] : tensor<16xf32>
  attn.weight @k.bias from ["kb"] : tensor<16xf32>
  attn.weight @v.bias from ["vb"] : tensor<24xf32>
  attn.weight @out.weight from ["o"] : tensor<16x16xf32>
}

// CHECK-LABEL: func.func @qkv(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x16xf32>, %[[B:.*]]: index, %[[S:.*]]: index)
func.func @qkv(%x: tensor<?x?x16xf32>, %b: index, %s: index) -> (tensor<?x?x16xf32>, tensor<?x?x24xf32>, tensor<16xf32>) {
  // CHECK: %[[W:.*]] = attn.get_weight @self::@q_k_v.weight : tensor<56x16xf32>
  // CHECK: %[[BIAS:.*]] = attn.get_weight @self::@q_k_v.bias : tensor<56xf32>
  // CHECK: %[[OUT:.*]] = tensor.empty(%[[B]], %[[S]]) : tensor<?x?x56xf32>
  // CHECK: %[[QKV:.*]] = attn.linear %[[X]], %[[W]] bias(%[[BIAS]]) outs(%[[OUT]])
  // CHECK: %[[Q:.*]] = tensor.extract_slice %[[QKV]][0, 0, 0] [%[[B]], %[[S]], 16] [1, 1, 1] : tensor<?x?x56xf32> to tensor<?x?x16xf32>
  // CHECK: %[[K:.*]] = tensor.extract_slice %[[QKV]][0, 0, 16] [%[[B]], %[[S]], 16] [1, 1, 1] : tensor<?x?x56xf32> to tensor<?x?x16xf32>
  // CHECK: %[[V:.*]] = tensor.extract_slice %[[QKV]][0, 0, 32] [%[[B]], %[[S]], 24] [1, 1, 1] : tensor<?x?x56xf32> to tensor<?x?x24xf32>
  // CHECK-NOT: attn.linear
  // CHECK: %[[SUM:.*]] = arith.addf %[[Q]], %[[K]]
  // CHECK: return %[[SUM]], %[[V]]
  %e = tensor.empty(%b, %s) : tensor<?x?x16xf32>
  %wq = attn.get_weight @self::@q.weight : tensor<16x16xf32>
  %bq = attn.get_weight @self::@q.bias : tensor<16xf32>
  %q = attn.linear %x, %wq bias(%bq) outs(%e) : (tensor<?x?x16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %wk = attn.get_weight @self::@k.weight : tensor<16x16xf32>
  %bk = attn.get_weight @self::@k.bias : tensor<16xf32>
  %k = attn.linear %x, %wk bias(%bk) outs(%e) : (tensor<?x?x16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %sum = arith.addf %q, %k : tensor<?x?x16xf32>
  %ev = tensor.empty(%b, %s) : tensor<?x?x24xf32>
  %wv = attn.get_weight @self::@v.weight : tensor<24x16xf32>
  %bv = attn.get_weight @self::@v.bias : tensor<24xf32>
  %v = attn.linear %x, %wv bias(%bv) outs(%ev) : (tensor<?x?x16xf32>, tensor<24x16xf32>, tensor<24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %sum, %v, %bk : tensor<?x?x16xf32>, tensor<?x?x24xf32>, tensor<16xf32>
}

// -----

// Two functions share one concatenation; a layer keeps all parts of its group.
// CHECK-LABEL: attn.weights @cross {
// CHECK-NEXT:    attn.weight @k.weight
// CHECK-NEXT:    attn.weight @k_v.weight from ["k", "v"] : tensor<16x8xf32>
// CHECK-NEXT:    attn.weight @v.weight
// CHECK-NEXT:  }
attn.weights @cross {
  attn.weight @k.weight from ["k"] : tensor<8x8xf32>
  attn.weight @v.weight from ["v"] : tensor<8x8xf32>
}
func.func private @layer() attributes {group = @cross}

// CHECK-LABEL: func.func @a(
// CHECK: attn.get_weight @cross::@k_v.weight
// CHECK-NOT: attn.get_weight
func.func @a(%x: tensor<4x8xf32>, %o: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %wk = attn.get_weight @cross::@k.weight : tensor<8x8xf32>
  %wv = attn.get_weight @cross::@v.weight : tensor<8x8xf32>
  %k = attn.linear %x, %wk outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %v = attn.linear %x, %wv outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %k, %v : tensor<4x8xf32>, tensor<4x8xf32>
}
// CHECK-LABEL: func.func @b(
// CHECK: attn.get_weight @cross::@k_v.weight
// CHECK-NOT: attn.get_weight
func.func @b(%x: tensor<4x8xf32>, %o: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %wk = attn.get_weight @cross::@k.weight : tensor<8x8xf32>
  %wv = attn.get_weight @cross::@v.weight : tensor<8x8xf32>
  %k = attn.linear %x, %wk outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %v = attn.linear %x, %wv outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %k, %v : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// What is not fused: another input, another group, another element type, one
// with and one without a bias, a residual, an activation, panels, sinusoidal
// or transposed weights, a weight that is no symbol, another block.
// CHECK-NOT: a_b
attn.weights @one {
  attn.weight @a.weight from ["a"] : tensor<8x8xf32>
  attn.weight @b.weight from ["b"] : tensor<8x8xf32>
  attn.weight @half.weight from ["b"] : tensor<8x8xf16>
  attn.weight @a.bias from ["ab"] : tensor<8xf32>
  attn.weight @packed.weight from ["b"] panel 8 : tensor<8x8xf32>
  attn.weight @sinusoidal.weight sinusoidal : tensor<8x8xf32>
  attn.weight @i8.weight from ["b"] : tensor<8x8xi8>
  attn.weight @i8.scales scales from ["b"] : tensor<8xf32>
}
attn.weights @two {
  attn.weight @b.weight from ["b"] : tensor<8x8xf32>
}

// CHECK-LABEL: func.func @separate(
// CHECK-COUNT-14: attn.linear
// CHECK-NOT: attn.linear
func.func @separate(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>, %h: tensor<4x8xf16>, %w: tensor<8x8xf32>, %o: tensor<4x8xf32>, %c: i1) {
  %wa = attn.get_weight @one::@a.weight : tensor<8x8xf32>
  %wb = attn.get_weight @one::@b.weight : tensor<8x8xf32>
  %wb2 = attn.get_weight @two::@b.weight : tensor<8x8xf32>
  %wh = attn.get_weight @one::@half.weight : tensor<8x8xf16>
  %wp = attn.get_weight @one::@packed.weight : tensor<1x8x8xf32>
  %ws = attn.get_weight @one::@sinusoidal.weight : tensor<8x8xf32>
  %ba = attn.get_weight @one::@a.bias : tensor<8xf32>
  %bx = attn.linear %x, %wa outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %0 = attn.linear %y, %wb outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = attn.linear %x, %wb2 outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = attn.linear %x, %wb outs(%o) {transposed} : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %h0 = attn.linear %h, %wh outs(%o) : (tensor<4x8xf16>, tensor<8x8xf16>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %h1 = attn.linear %h, %wh outs(%h) : (tensor<4x8xf16>, tensor<8x8xf16>, tensor<4x8xf16>) -> tensor<4x8xf16>
  %3 = attn.linear %x, %wb bias(%ba) outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = attn.linear %x, %wb residual(%y) outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = attn.linear %x, %wb activation relu outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %6 = attn.linear %x, %wp outs(%o) : (tensor<4x8xf32>, tensor<1x8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %7 = attn.linear %x, %ws outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %8 = attn.linear %x, %w outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %wi = attn.get_weight @one::@i8.weight : tensor<8x8xi8>
  %si = attn.get_weight @one::@i8.scales : tensor<8xf32>
  %i = attn.linear %x, %wi scales(%si) outs(%o) : (tensor<4x8xf32>, tensor<8x8xi8>, tensor<8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  scf.if %c {
    %9 = attn.linear %x, %wb outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  }
  return
}

// -----

// Names without a common ending are joined whole; one that is taken gets a
// number.
// CHECK-LABEL: attn.weights @names {
// CHECK:         attn.weight @a_b.x from ["taken"]
// CHECK:         attn.weight @[[NAME:a_b.x_[0-9]+]] from ["a", "b"]
attn.weights @names {
  attn.weight @a_b.x from ["taken"] : tensor<8x8xf32>
  attn.weight @a from ["a"] : tensor<8x8xf32>
  attn.weight @b.x from ["b"] : tensor<8x8xf32>
}
func.func @names_joined(%x: tensor<4x8xf32>, %o: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  // CHECK: attn.get_weight @names::@[[NAME]]
  %wa = attn.get_weight @names::@a : tensor<8x8xf32>
  %wb = attn.get_weight @names::@b.x : tensor<8x8xf32>
  %a = attn.linear %x, %wa outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %b = attn.linear %x, %wb outs(%o) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %a, %b : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// No slice of a result without rows begins inside of it.
attn.weights @empty {
  attn.weight @a.w from ["a"] : tensor<8x8xf32>
  attn.weight @b.w from ["b"] : tensor<8x8xf32>
}
// CHECK-LABEL: func.func @no_rows(
// CHECK-COUNT-2: attn.linear {{.*}} -> tensor<0x8xf32>
// CHECK-NOT:     tensor.extract_slice
func.func @no_rows(%x: tensor<0x8xf32>, %o: tensor<0x8xf32>) -> (tensor<0x8xf32>, tensor<0x8xf32>) {
  %wa = attn.get_weight @empty::@a.w : tensor<8x8xf32>
  %wb = attn.get_weight @empty::@b.w : tensor<8x8xf32>
  %a = attn.linear %x, %wa outs(%o) : (tensor<0x8xf32>, tensor<8x8xf32>, tensor<0x8xf32>) -> tensor<0x8xf32>
  %b = attn.linear %x, %wb outs(%o) : (tensor<0x8xf32>, tensor<8x8xf32>, tensor<0x8xf32>) -> tensor<0x8xf32>
  return %a, %b : tensor<0x8xf32>, tensor<0x8xf32>
}
