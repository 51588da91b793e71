// RUN: attn-opt %s --split-input-file --verify-diagnostics

// What is in panels is of static size: no other operand tells how much of it there
// is.

func.func @f(%x: tensor<?x8xf32>, %w: tensor<?x8x32xf32>, %o: tensor<?x40xf32>) {
  // expected-error@+1 {{expected 'weight' in panels of static size, got 'tensor<?x8x32xf32>'}}
  %0 = attn.linear %x, %w outs(%o) : (tensor<?x8xf32>, tensor<?x8x32xf32>, tensor<?x40xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<2x8x32xf32>, %b: tensor<?xf32>, %o: tensor<?x40xf32>) {
  // expected-error@+1 {{expected 'bias' of static size beside a weight in panels, got 'tensor<?xf32>'}}
  %0 = attn.linear %x, %w bias(%b) outs(%o) : (tensor<?x8xf32>, tensor<2x8x32xf32>, tensor<?xf32>, tensor<?x40xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<2x1x2x16x64xi8>, %s: tensor<?xf32>, %o: tensor<?x40xf32>) {
  // expected-error@+1 {{expected 'scales' of static size beside a weight in panels, got 'tensor<?xf32>'}}
  %0 = attn.linear %x, %w scales(%s) outs(%o) : (tensor<?x8xf32>, tensor<2x1x2x16x64xi8>, tensor<?xf32>, tensor<?x40xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<?x8x32xf32>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'table' in panels of static size, got 'tensor<?x8x32xf32>'}}
  %0 = attn.lookup %i, %t outs(%o) {rows = 40 : i64} : (tensor<?x?xi32>, tensor<?x8x32xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x?xi32>, %t: tensor<2x1x2x16x64xi8>, %s: tensor<?xf32>, %o: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'scales' of static size beside a table in panels, got 'tensor<?xf32>'}}
  %0 = attn.lookup %i, %t scales(%s) outs(%o) {rows = 40 : i64} : (tensor<?x?xi32>, tensor<2x1x2x16x64xi8>, tensor<?xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<40x8xf32>, %i: tensor<40x8xi8>, %s: tensor<40xf32>, %n: tensor<?xf32>, %o: tensor<?xi32>) {
  // expected-error@+1 {{expected an estimate of static sizes, got 'tensor<?xf32>'}}
  %0 = attn.greatest %x, %w estimate(%i, %s, %n, %n) columns 40 outs(%o) : (tensor<?x8xf32>, tensor<40x8xf32>, tensor<40x8xi8>, tensor<40xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>) -> tensor<?xi32>
  return
}
