// RUN: attn-opt %s --split-input-file --verify-diagnostics

func.func @f(%a: tensor<f32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'input' of rank at least 1, got 'tensor<f32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<f32>, tensor<100x8xf32>, tensor<8x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?xf32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'input' of static width, got 'tensor<?x?xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x?xf32>, tensor<100x8xf32>, tensor<8x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf32>, %d: tensor<?x?xf32>) {
  // expected-error@+1 {{expected 'out' of static width, got 'tensor<?x?xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<8x100xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<2x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf32>, %d: tensor<3x8xf32>) {
  // expected-error@+1 {{expected 'out' of shape [2, 8], got 'tensor<3x8xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<2x8xf32>, tensor<100x8xf32>, tensor<8x100xf32>, tensor<3x8xf32>) -> tensor<3x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'weight' of rank 2, or 3 in panels, or 5 in tiles, got 'tensor<8xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

// Tiles on both sides tell a width of whole tiles.
func.func @f(%a: tensor<?x8xbf16>, %b: tensor<3x1x2x16x32xbf16>, %c: tensor<1x4x2x16x32xbf16>, %d: tensor<?x8xbf16>) {
  // expected-error@+1 {{expected 'hidden_weight' of shape [4, 1, 2, 16, 32], got 'tensor<3x1x2x16x32xbf16>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x8xbf16>, tensor<3x1x2x16x32xbf16>, tensor<1x4x2x16x32xbf16>, tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8x?xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'weight' with a static hidden width, got 'tensor<8x?xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<8x?xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<8xf32>, %c: tensor<8x100xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'hidden_weight' of rank 2, or 3 in panels, or 5 in tiles, got 'tensor<8xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<8xf32>, tensor<8x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<8x100xf32>, %c: tensor<8x100xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'hidden_weight' of shape [100, 8], got 'tensor<8x100xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<8x100xf32>, tensor<8x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'hidden_weight' of shape [8, 100], got 'tensor<100x8xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) {hidden_transposed} : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<8x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<7x8x?xf32>, %c: tensor<8x100xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'hidden_weight' in panels of static size, got 'tensor<7x8x?xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<7x8x?xf32>, tensor<8x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<6x8x16xf32>, %c: tensor<8x100xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'hidden_weight' of shape [7, 8, 16], got 'tensor<6x8x16xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<6x8x16xf32>, tensor<8x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<7x8x16xf32>, %c: tensor<8x100xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected no 'hidden_weight' in panels where it is transposed, got 'tensor<7x8x16xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) {hidden_transposed} : (tensor<?x8xf32>, tensor<7x8x16xf32>, tensor<8x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<9x100xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'weight' of shape [8, 100], got 'tensor<9x100xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<9x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<100x9xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'weight' of shape [100, 8], got 'tensor<100x9xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) {transposed} : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<100x9xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<1x8x16xf32>, %c: tensor<1x8x16xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected no 'weight' in panels where it is transposed, got 'tensor<1x8x16xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) {transposed} : (tensor<?x8xf32>, tensor<1x8x16xf32>, tensor<1x8x16xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf32>, %o: tensor<99xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'hidden_bias' of shape [100], got 'tensor<99xf32>'}}
  %0 = attn.mlp %a, %b bias(%o) activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<99xf32>, tensor<8x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf32>, %o: tensor<100xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'bias' of shape [8], got 'tensor<100xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c bias(%o) outs(%d) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<8x100xf32>, tensor<100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf32>, %o: tensor<?x100xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'residual' of shape [?, 8], got 'tensor<?x100xf32>'}}
  %0 = attn.mlp %a, %b activation relu, %c residual(%o) outs(%d) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<8x100xf32>, tensor<?x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf16>, %c: tensor<8x100xf32>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'hidden_weight' of the element type of 'input', 'f32', got 'tensor<100x8xf16>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<100x8xf16>, tensor<8x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf16>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'weight' of the element type of 'input', 'f32', got 'tensor<8x100xf16>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<8x100xf16>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf32>, %d: tensor<?x8xf16>) {
  // expected-error@+1 {{expected 'out' of the element type of 'input', 'f32', got 'tensor<?x8xf16>'}}
  %0 = attn.mlp %a, %b activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<8x100xf32>, tensor<?x8xf16>) -> tensor<?x8xf16>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf32>, %o: tensor<100xf16>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'hidden_bias' of the element type of 'input', 'f32', got 'tensor<100xf16>'}}
  %0 = attn.mlp %a, %b bias(%o) activation relu, %c outs(%d) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<100xf16>, tensor<8x100xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf32>, %o: tensor<8xf16>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'bias' of the element type of 'input', 'f32', got 'tensor<8xf16>'}}
  %0 = attn.mlp %a, %b activation relu, %c bias(%o) outs(%d) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<8x100xf32>, tensor<8xf16>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<100x8xf32>, %c: tensor<8x100xf32>, %o: tensor<?x8xbf16>, %d: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'residual' of the element type of 'input', 'f32', got 'tensor<?x8xbf16>'}}
  %0 = attn.mlp %a, %b activation relu, %c residual(%o) outs(%d) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<8x100xf32>, tensor<?x8xbf16>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}
