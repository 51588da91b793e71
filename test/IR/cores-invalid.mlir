// RUN: attn-opt %s --split-input-file --verify-diagnostics

func.func @f(%a: tensor<?xi32>, %b: tensor<100x8xf32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'ids' of rank 2, got 'tensor<?xi32>'}}
  %0 = attn.lookup %a, %b outs(%c) : (tensor<?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?xi32>, %b: tensor<100xf32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'table' of rank 2, got 'tensor<100xf32>'}}
  %0 = attn.lookup %a, %b outs(%c) : (tensor<?x?xi32>, tensor<100xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?xi32>, %b: tensor<100x?xf32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'table' of static width, got 'tensor<100x?xf32>'}}
  %0 = attn.lookup %a, %b outs(%c) : (tensor<?x?xi32>, tensor<100x?xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x?xi32>, %b: tensor<100x8xf32>, %c: tensor<?x?x16xf32>) {
  // expected-error@+1 {{expected 'out' of shape [2, ?, 8], got 'tensor<?x?x16xf32>'}}
  %0 = attn.lookup %a, %b outs(%c) : (tensor<2x?xi32>, tensor<100x8xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?xi32>, %b: tensor<100x8xf32>, %c: tensor<32x16xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'positions' of shape [?, 8], got 'tensor<32x16xf32>'}}
  %0 = attn.lookup %a, %b positions(%c) outs(%d) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<32x16xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?xi32>, %b: tensor<100x8xf32>, %c: tensor<?xi32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'positions' where there are 'offsets'}}
  %0 = attn.lookup %a, %b offsets(%c) outs(%d) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x?xi32>, %b: tensor<100x8xf32>, %c: tensor<100x8xf32>, %d: tensor<3xi32>, %e: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'offsets' of shape [2], got 'tensor<3xi32>'}}
  %0 = attn.lookup %a, %b positions(%c) offsets(%d) outs(%e) : (tensor<2x?xi32>, tensor<100x8xf32>, tensor<100x8xf32>, tensor<3xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// A result has the type of its destination.
func.func @f(%a: tensor<?x?xi32>, %b: tensor<100x8xf32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected type of operand #2 ('tensor<?x?x8xf32>') to match type of corresponding result ('tensor<2x?x8xf32>')}}
  %0 = attn.lookup %a, %b outs(%c) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<2x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<f32>, %b: tensor<100x8xf32>, %c: tensor<100xf32>) {
  // expected-error@+1 {{expected 'input' of rank at least 1, got 'tensor<f32>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<f32>, tensor<100x8xf32>, tensor<100xf32>) -> tensor<100xf32>
  return
}

// -----

func.func @f(%a: tensor<8xf32>, %b: tensor<100x8xf32>, %c: tensor<f32>) {
  // expected-error@+1 {{expected 'out' of rank 1, got 'tensor<f32>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<8xf32>, tensor<100x8xf32>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<8xf32>, %c: tensor<?x?x100xf32>) {
  // expected-error@+1 {{expected 'weight' of rank 2, or 3 in panels, or 5 in tiles, got 'tensor<8xf32>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x?x8xf32>, tensor<8xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<4x8x32xf32>, %c: tensor<?x?x?xf32>) {
  // expected-error@+1 {{expected 'out' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x?x8xf32>, tensor<4x8x32xf32>, tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x?xf32>, %b: tensor<100x8xi8>, %s: tensor<100xf32>, %c: tensor<?x?x100xf32>) {
  // expected-error@+1 {{expected 'input' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.linear %a, %b scales(%s) outs(%c) : (tensor<?x?x?xf32>, tensor<100x8xi8>, tensor<100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?xbf16>, %b: tensor<100x?xbf16>, %c: tensor<?x100xbf16>) {
  // expected-error@+1 {{expected 'out' of f32, and no 'residual' beside an activation, with an input of dynamic width, got 'tensor<?x?xbf16>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x?xbf16>, tensor<100x?xbf16>, tensor<?x100xbf16>) -> tensor<?x100xbf16>
  return
}

// -----

func.func @f(%a: tensor<?x?xf32>, %b: tensor<100x?xf32>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected 'out' of f32, and no 'residual' beside an activation, with an input of dynamic width, got 'tensor<?x?xf32>'}}
  %0 = attn.linear %a, %b residual(%c) activation relu outs(%c) : (tensor<?x?xf32>, tensor<100x?xf32>, tensor<?x100xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<8x100xf32>, %c: tensor<?x?x100xf32>) {
  // expected-error@+1 {{expected 'weight' of shape [100, 8], got 'tensor<8x100xf32>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x?x8xf32>, tensor<8x100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x70xbf16>, %b: tensor<4x3x2x16x24xbf16>, %c: tensor<?x100xbf16>) {
  // expected-error@+1 {{expected 'weight' in tiles of 16 rows, of a multiple of 16 numbers each, got 'tensor<4x3x2x16x24xbf16>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x70xbf16>, tensor<4x3x2x16x24xbf16>, tensor<?x100xbf16>) -> tensor<?x100xbf16>
  return
}

// -----

func.func @f(%a: tensor<?x70xbf16>, %b: tensor<4x2x2x16x32xbf16>, %c: tensor<?x100xbf16>) {
  // expected-error@+1 {{expected 'weight' of shape [4, 3, 2, 16, 32], got 'tensor<4x2x2x16x32xbf16>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x70xbf16>, tensor<4x2x2x16x32xbf16>, tensor<?x100xbf16>) -> tensor<?x100xbf16>
  return
}

// -----

func.func @f(%a: tensor<?x70xf32>, %b: tensor<4x3x2x16x32xf16>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected 'weight' of the element type of 'input', 'f32', got 'tensor<4x3x2x16x32xf16>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x70xf32>, tensor<4x3x2x16x32xf16>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x70xbf16>, %b: tensor<4x3x2x16x32xbf16>, %c: tensor<100xbf16>, %d: tensor<?x100xbf16>) {
  // expected-error@+1 {{expected 'bias' of shape [128], got 'tensor<100xbf16>'}}
  %0 = attn.linear %a, %b bias(%c) outs(%d) : (tensor<?x70xbf16>, tensor<4x3x2x16x32xbf16>, tensor<100xbf16>, tensor<?x100xbf16>) -> tensor<?x100xbf16>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<7x8x?xf32>, %c: tensor<?x?x100xf32>) {
  // expected-error@+1 {{expected 'weight' in panels of static size, got 'tensor<7x8x?xf32>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x?x8xf32>, tensor<7x8x?xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<6x8x16xf32>, %c: tensor<?x?x100xf32>) {
  // expected-error@+1 {{expected 'weight' of shape [7, 8, 16], got 'tensor<6x8x16xf32>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x?x8xf32>, tensor<6x8x16xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<2x?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<3x?x100xf32>) {
  // expected-error@+1 {{expected 'out' of shape [2, ?, 100], got 'tensor<3x?x100xf32>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<2x?x8xf32>, tensor<100x8xf32>, tensor<3x?x100xf32>) -> tensor<3x?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected 'out' of shape [?, ?, 100], got 'tensor<?x100xf32>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x?x8xf32>, tensor<100x8xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<112xf32>, %d: tensor<?x?x100xf32>) {
  // expected-error@+1 {{expected 'bias' of shape [100], got 'tensor<112xf32>'}}
  %0 = attn.linear %a, %b bias(%c) outs(%d) : (tensor<?x?x8xf32>, tensor<100x8xf32>, tensor<112xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<7x8x16xf32>, %c: tensor<100xf32>, %d: tensor<?x?x100xf32>) {
  // expected-error@+1 {{expected 'bias' of shape [112], got 'tensor<100xf32>'}}
  %0 = attn.linear %a, %b bias(%c) outs(%d) : (tensor<?x?x8xf32>, tensor<7x8x16xf32>, tensor<100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<?x?x8xf32>, %d: tensor<?x?x100xf32>) {
  // expected-error@+1 {{expected 'residual' of shape [?, ?, 100], got 'tensor<?x?x8xf32>'}}
  %0 = attn.linear %a, %b residual(%c) outs(%d) : (tensor<?x?x8xf32>, tensor<100x8xf32>, tensor<?x?x8xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<?x?x100xf16>, %d: tensor<?x?x100xf32>) {
  // expected-error@+1 {{expected 'residual' of the element type of 'input', 'f32', got 'tensor<?x?x100xf16>'}}
  %0 = attn.linear %a, %b residual(%c) outs(%d) : (tensor<?x?x8xf32>, tensor<100x8xf32>, tensor<?x?x100xf16>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<?x?x100xf16>) {
  // expected-error@+1 {{expected 'out' of the element type of 'input', 'f32', got 'tensor<?x?x100xf16>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x?x8xf32>, tensor<100x8xf32>, tensor<?x?x100xf16>) -> tensor<?x?x100xf16>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf16>, %b: tensor<100x8xf16>, %c: tensor<?x?x100xbf16>) {
  // expected-error@+1 {{expected 'out' of the element type of 'input', 'f16', got 'tensor<?x?x100xbf16>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x?x8xf16>, tensor<100x8xf16>, tensor<?x?x100xbf16>) -> tensor<?x?x100xbf16>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected 'weight' of shape [8, 100], got 'tensor<100x8xf32>'}}
  %0 = attn.linear %a, %b outs(%c) {transposed} : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<7x8x16xf32>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected no 'weight' in panels where it is transposed, got 'tensor<7x8x16xf32>'}}
  %0 = attn.linear %a, %b outs(%c) {transposed} : (tensor<?x8xf32>, tensor<7x8x16xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf16>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected 'weight' of the element type of 'input', 'f32', got 'tensor<100x8xf16>'}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x8xf32>, tensor<100x8xf16>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %s: tensor<100xf32>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected 'scales' only with a weight of i8, got 'tensor<100x8xf32>'}}
  %0 = attn.linear %a, %b scales(%s) outs(%c) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<100xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xi8>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected 'scales' of f32 with a weight of i8}}
  %0 = attn.linear %a, %b outs(%c) : (tensor<?x8xf32>, tensor<100x8xi8>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xi8>, %s: tensor<100xf16>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected 'scales' of f32 with a weight of i8}}
  %0 = attn.linear %a, %b scales(%s) outs(%c) : (tensor<?x8xf32>, tensor<100x8xi8>, tensor<100xf16>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xi8>, %s: tensor<8xf32>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected 'scales' of shape [100], got 'tensor<8xf32>'}}
  %0 = attn.linear %a, %b scales(%s) outs(%c) : (tensor<?x8xf32>, tensor<100x8xi8>, tensor<8xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf16>, %b: tensor<100x8xi8>, %s: tensor<100xf32>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected 'input' of f32 and at most 131072 columns with a weight of i8, got 'tensor<?x8xf16>'}}
  %0 = attn.linear %a, %b scales(%s) outs(%c) : (tensor<?x8xf16>, tensor<100x8xi8>, tensor<100xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x131073xf32>, %b: tensor<100x131073xi8>, %s: tensor<100xf32>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected 'input' of f32 and at most 131072 columns with a weight of i8, got 'tensor<?x131073xf32>'}}
  %0 = attn.linear %a, %b scales(%s) outs(%c) : (tensor<?x131073xf32>, tensor<100x131073xi8>, tensor<100xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<7x8x16xi8>, %s: tensor<112xf32>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected a weight of i8 of rank 2, or 5 in tiles, got 'tensor<7x8x16xi8>'}}
  %0 = attn.linear %a, %b scales(%s) outs(%c) : (tensor<?x8xf32>, tensor<7x8x16xi8>, tensor<112xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<8x100xi8>, %s: tensor<100xf32>, %c: tensor<?x100xf32>) {
  // expected-error@+1 {{expected no 'transposed' with 'scales'}}
  %0 = attn.linear %a, %b scales(%s) outs(%c) {transposed} : (tensor<?x8xf32>, tensor<8x100xi8>, tensor<100xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<100x8xi8>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'scales' with a table of i8 and with no other, got 'tensor<100x8xi8>'}}
  %0 = attn.lookup %i, %t outs(%o) : (tensor<?x?xi32>, tensor<100x8xi8>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<100x8xf32>, %s: tensor<100xf32>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'scales' with a table of i8 and with no other, got 'tensor<100x8xf32>'}}
  %0 = attn.lookup %i, %t scales(%s) outs(%o) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<100xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<100x8xi8>, %s: tensor<8xf32>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'scales' of shape [100], got 'tensor<8xf32>'}}
  %0 = attn.lookup %i, %t scales(%s) outs(%o) : (tensor<?x?xi32>, tensor<100x8xi8>, tensor<8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<100x8xi8>, %s: tensor<100xf16>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'scales' of f32, got 'tensor<100xf16>'}}
  %0 = attn.lookup %i, %t scales(%s) outs(%o) : (tensor<?x?xi32>, tensor<100x8xi8>, tensor<100xf16>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<4x8x?xf32>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'table' in panels of static size, got 'tensor<4x8x?xf32>'}}
  %0 = attn.lookup %i, %t outs(%o) : (tensor<?x?xi32>, tensor<4x8x?xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<4x8x32xf32>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'rows' with a packed table and with no other, got 'tensor<4x8x32xf32>'}}
  %0 = attn.lookup %i, %t outs(%o) : (tensor<?x?xi32>, tensor<4x8x32xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<100x8xf32>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'rows' with a packed table and with no other, got 'tensor<100x8xf32>'}}
  %0 = attn.lookup %i, %t outs(%o) {rows = 100} : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<4x8x32xf32>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected at most 128 'rows' of 'tensor<4x8x32xf32>', got 129}}
  %0 = attn.lookup %i, %t outs(%o) {rows = 129} : (tensor<?x?xi32>, tensor<4x8x32xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<4x16x32xf32>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'out' of shape [?, ?, 16], got 'tensor<?x?x8xf32>'}}
  %0 = attn.lookup %i, %t outs(%o) {rows = 100} : (tensor<?x?xi32>, tensor<4x16x32xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<4x2x2x16x64xi8>, %s: tensor<128xf32>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'table' of shape [?, 1, 2, 16, 64], got 'tensor<4x2x2x16x64xi8>'}}
  %0 = attn.lookup %i, %t scales(%s) outs(%o) {rows = 100} : (tensor<?x?xi32>, tensor<4x2x2x16x64xi8>, tensor<128xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<4x1x2x16x64xi8>, %s: tensor<100xf32>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'scales' of shape [128], got 'tensor<100xf32>'}}
  %0 = attn.lookup %i, %t scales(%s) outs(%o) {rows = 100} : (tensor<?x?xi32>, tensor<4x1x2x16x64xi8>, tensor<100xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<4x1x2x16x64xi8>, %s: tensor<128xf32>, %o: tensor<?x?x?xf32>) {
  // expected-error@+1 {{expected 'out' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.lookup %i, %t scales(%s) outs(%o) {rows = 100} : (tensor<?x?xi32>, tensor<4x1x2x16x64xi8>, tensor<128xf32>, tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<4x1x2x16x64xi8>, %s: tensor<128xf32>, %o: tensor<f32>) {
  // expected-error@+1 {{expected 'out' of rank 3, got 'tensor<f32>'}}
  %0 = attn.lookup %i, %t scales(%s) outs(%o) {rows = 100} : (tensor<?x?xi32>, tensor<4x1x2x16x64xi8>, tensor<128xf32>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf16>, %b: tensor<100x8xf16>, %c: tensor<100xbf16>, %d: tensor<?x100xf16>) {
  // expected-error@+1 {{expected 'bias' of the element type of 'input', 'f16', got 'tensor<100xbf16>'}}
  %0 = attn.linear %a, %b bias(%c) outs(%d) : (tensor<?x8xf16>, tensor<100x8xf16>, tensor<100xbf16>, tensor<?x100xf16>) -> tensor<?x100xf16>
  return
}

// -----

func.func @f(%a: tensor<?x?x?xf32>, %b: tensor<8xf32>, %c: tensor<8xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'input' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.layer_norm %a, %b, %c outs(%d) : (tensor<?x?x?xf32>, tensor<8xf32>, tensor<8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<f32>, %b: tensor<8xf32>, %c: tensor<8xf32>, %d: tensor<f32>) {
  // expected-error@+1 {{expected 'input' of static width, got 'tensor<f32>'}}
  %0 = attn.layer_norm %a, %b, %c outs(%d) : (tensor<f32>, tensor<8xf32>, tensor<8xf32>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<9xf32>, %c: tensor<8xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'weight' of shape [8], got 'tensor<9xf32>'}}
  %0 = attn.layer_norm %a, %b, %c outs(%d) : (tensor<?x?x8xf32>, tensor<9xf32>, tensor<8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<8xf32>, %c: tensor<1x8xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'bias' of shape [8], got 'tensor<1x8xf32>'}}
  %0 = attn.layer_norm %a, %b, %c outs(%d) : (tensor<?x?x8xf32>, tensor<8xf32>, tensor<1x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x?x8xf32>, %b: tensor<8xf32>, %c: tensor<8xf32>, %d: tensor<3x?x8xf32>) {
  // expected-error@+1 {{expected 'out' of shape [2, ?, 8], got 'tensor<3x?x8xf32>'}}
  %0 = attn.layer_norm %a, %b, %c outs(%d) : (tensor<2x?x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<3x?x8xf32>) -> tensor<3x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<8xf16>, %c: tensor<8xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'weight' of the element type of 'input', 'f32', got 'tensor<8xf16>'}}
  %0 = attn.layer_norm %a, %b, %c outs(%d) : (tensor<?x?x8xf32>, tensor<8xf16>, tensor<8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<8xf32>, %c: tensor<8xf16>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'bias' of the element type of 'input', 'f32', got 'tensor<8xf16>'}}
  %0 = attn.layer_norm %a, %b, %c outs(%d) : (tensor<?x?x8xf32>, tensor<8xf32>, tensor<8xf16>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<8xf32>, %c: tensor<8xf32>, %d: tensor<?x?x8xf16>) {
  // expected-error@+1 {{expected 'out' of the element type of 'input', 'f32', got 'tensor<?x?x8xf16>'}}
  %0 = attn.layer_norm %a, %b, %c outs(%d) : (tensor<?x?x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<?x?x8xf16>) -> tensor<?x?x8xf16>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<?xi32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'input' of rank 3, got 'tensor<?x8xf32>'}}
  %0 = attn.cache_append %a at %b outs(%c) : (tensor<?x8xf32>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x?xf32>, %b: tensor<?xi32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'input' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.cache_append %a at %b outs(%c) : (tensor<?x?x?xf32>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?xi32>, %c: tensor<?x?x16xf32>) {
  // expected-error@+1 {{expected 'out' of shape [?, ?, 8], got 'tensor<?x?x16xf32>'}}
  %0 = attn.cache_append %a at %b outs(%c) : (tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return
}

// -----

func.func @f(%a: tensor<2x?x8xf32>, %b: tensor<3xi32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'positions' of shape [2], got 'tensor<3xi32>'}}
  %0 = attn.cache_append %a at %b outs(%c) : (tensor<2x?x8xf32>, tensor<3xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x?x8xf32>, %b: tensor<2xi32>, %r: tensor<3x?xi32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'rows' of shape [2, ?], got 'tensor<3x?xi32>'}}
  %0 = attn.cache_append %a at %b rows(%r) outs(%c) : (tensor<2x?x8xf32>, tensor<2xi32>, tensor<3x?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?xi32>, %c: tensor<?x?x8xf16>) {
  // expected-error@+1 {{expected 'out' of the element type of 'input', 'f32', got 'tensor<?x?x8xf16>'}}
  %0 = attn.cache_append %a at %b outs(%c) : (tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x?x8xf16>) -> tensor<?x?x8xf16>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xbf16>, %b: tensor<?xi32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'out' of the element type of 'input', 'bf16', got 'tensor<?x?x8xf32>'}}
  %0 = attn.cache_append %a at %b outs(%c) : (tensor<?x?x8xbf16>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x?x8xf32>, %w: tensor<100x8xf32>, %v: tensor<2x?x64xf32>, %m: tensor<3x?xf32>, %s: tensor<3x?xf32>) {
  // expected-error@+1 {{expected 'input' of rank 2, got 'tensor<?x?x8xf32>'}}
  %0:3 = attn.logits %x, %w columns 100 outs(%v, %m, %s) : (tensor<?x?x8xf32>, tensor<100x8xf32>, tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>) -> (tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %v: tensor<3x?x64xf32>, %m: tensor<3x?xf32>, %s: tensor<3x?xf32>) {
  // expected-error@+1 {{expected 'values' of shape [2, ?, 64], got 'tensor<3x?x64xf32>'}}
  %0:3 = attn.logits %x, %w columns 100 outs(%v, %m, %s) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<3x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>) -> (tensor<3x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %v: tensor<2x?x0xf32>, %m: tensor<3x?xf32>, %s: tensor<3x?xf32>) {
  // expected-error@+1 {{expected blocks of at least one column, got 'tensor<2x?x0xf32>'}}
  %0:3 = attn.logits %x, %w columns 100 outs(%v, %m, %s) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<2x?x0xf32>, tensor<3x?xf32>, tensor<3x?xf32>) -> (tensor<2x?x0xf32>, tensor<3x?xf32>, tensor<3x?xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %v: tensor<2x?x64xf32>, %m: tensor<4x?xf32>, %s: tensor<3x?xf32>) {
  // expected-error@+1 {{expected 'maxima' of shape [3, ?], got 'tensor<4x?xf32>'}}
  %0:3 = attn.logits %x, %w columns 100 outs(%v, %m, %s) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<2x?x64xf32>, tensor<4x?xf32>, tensor<3x?xf32>) -> (tensor<2x?x64xf32>, tensor<4x?xf32>, tensor<3x?xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %v: tensor<2x?x64xf32>, %m: tensor<3x?xf32>, %s: tensor<4x?xf32>) {
  // expected-error@+1 {{expected 'sums' of shape [3, ?], got 'tensor<4x?xf32>'}}
  %0:3 = attn.logits %x, %w columns 100 outs(%v, %m, %s) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<4x?xf32>) -> (tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<4x?xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<99x8xf32>, %v: tensor<2x?x64xf32>, %m: tensor<3x?xf32>, %s: tensor<3x?xf32>) {
  // expected-error@+1 {{expected 'weight' of shape [100, 8], got 'tensor<99x8xf32>'}}
  %0:3 = attn.logits %x, %w columns 100 outs(%v, %m, %s) : (tensor<?x8xf32>, tensor<99x8xf32>, tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>) -> (tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf16>, %v: tensor<2x?x64xf32>, %m: tensor<3x?xf32>, %s: tensor<3x?xf32>) {
  // expected-error@+1 {{expected 'weight' of the element type of 'input', 'f32', got 'tensor<100x8xf16>'}}
  %0:3 = attn.logits %x, %w columns 100 outs(%v, %m, %s) : (tensor<?x8xf32>, tensor<100x8xf16>, tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>) -> (tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %v: tensor<2x?x64xf32>) {
  // expected-error@+1 {{expected three destinations, got 1}}
  %0 = attn.logits %x, %w columns 100 outs(%v) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<2x?x64xf32>) -> tensor<2x?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x?x8xf32>, %w: tensor<100x8xf32>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected 'input' of rank 2, got 'tensor<?x?x8xf32>'}}
  %0 = attn.greatest %x, %w columns 100 outs(%o) : (tensor<?x?x8xf32>, tensor<100x8xf32>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %w: tensor<100x8xf32>, %o: tensor<5xi32>) {
  // expected-error@+1 {{expected 'out' of shape [4], got 'tensor<5xi32>'}}
  %0 = attn.greatest %x, %w columns 100 outs(%o) : (tensor<4x8xf32>, tensor<100x8xf32>, tensor<5xi32>) -> tensor<5xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<99x8xf32>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected 'weight' of shape [100, 8], got 'tensor<99x8xf32>'}}
  %0 = attn.greatest %x, %w columns 100 outs(%o) : (tensor<?x8xf32>, tensor<99x8xf32>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %b: tensor<100xf16>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected 'bias' of the element type of 'input', 'f32', got 'tensor<100xf16>'}}
  %0 = attn.greatest %x, %w bias(%b) columns 100 outs(%o) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<100xf16>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %i: tensor<100x8xi8>, %s: tensor<100xf32>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected an estimate of 4 operands: matrix, scales, norms, errors, got 3}}
  %0 = attn.greatest %x, %w estimate(%i, %s, %s) columns 100 outs(%o) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<100x8xi8>, tensor<100xf32>, tensor<100xf32>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %i: tensor<100x8xi8>, %s: tensor<100xf32>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected an estimate of 5 operands: matrix, scales, norms, errors and bias, got 4}}
  %0 = attn.greatest %x, %w bias(%s) estimate(%i, %s, %s, %s) columns 100 outs(%o) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<100xf32>, tensor<100x8xi8>, tensor<100xf32>, tensor<100xf32>, tensor<100xf32>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %s: tensor<100xf32>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected an estimate of i8 for a weight of f32 or bf16, got 'tensor<100x8xf32>' for 'tensor<100x8xf32>'}}
  %0 = attn.greatest %x, %w estimate(%w, %s, %s, %s) columns 100 outs(%o) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<100x8xf32>, tensor<100xf32>, tensor<100xf32>, tensor<100xf32>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf16>, %w: tensor<100x8xf16>, %i: tensor<100x8xi8>, %s: tensor<100xf32>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected an estimate of i8 for a weight of f32 or bf16, got 'tensor<100x8xi8>' for 'tensor<100x8xf16>'}}
  %0 = attn.greatest %x, %w estimate(%i, %s, %s, %s) columns 100 outs(%o) : (tensor<?x8xf16>, tensor<100x8xf16>, tensor<100x8xi8>, tensor<100xf32>, tensor<100xf32>, tensor<100xf32>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %i: tensor<100x8xi8>, %s: tensor<100xf32>, %n: tensor<100xf16>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected 'norms' of f32, got 'tensor<100xf16>'}}
  %0 = attn.greatest %x, %w estimate(%i, %s, %n, %s) columns 100 outs(%o) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<100x8xi8>, tensor<100xf32>, tensor<100xf16>, tensor<100xf32>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %i: tensor<100x8xi8>, %s: tensor<100xf32>, %n: tensor<4xf32>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected 'errors' of shape [4], got 'tensor<100xf32>'}}
  %0 = attn.greatest %x, %w estimate(%i, %s, %n, %s) columns 100 outs(%o) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<100x8xi8>, tensor<100xf32>, tensor<4xf32>, tensor<100xf32>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %i: tensor<100x8xi8>, %s: tensor<100xf32>, %n: tensor<4xf32>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected 'estimate's bias' of shape [100], got 'tensor<4xf32>'}}
  %0 = attn.greatest %x, %w bias(%s) estimate(%i, %s, %n, %n, %n) columns 100 outs(%o) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<100xf32>, tensor<100x8xi8>, tensor<100xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xf32>, %i: tensor<100x9xi8>, %s: tensor<100xf32>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected 'estimate' of shape [100, 8], got 'tensor<100x9xi8>'}}
  %0 = attn.greatest %x, %w estimate(%i, %s, %s, %s) columns 100 outs(%o) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<100x9xi8>, tensor<100xf32>, tensor<100xf32>, tensor<100xf32>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<100x8xi8>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected 'scales' of f32 with a weight of i8}}
  %0 = attn.greatest %x, %w columns 100 outs(%o) : (tensor<?x8xf32>, tensor<100x8xi8>, tensor<?xi32>) -> tensor<?xi32>
  return
}
