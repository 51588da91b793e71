// RUN: attn-opt %s --attn-estimate-greatest | FileCheck %s
// RUN: attn-opt %s --attn-estimate-greatest --attn-estimate-greatest --attn-pack-weights | FileCheck %s --check-prefix=PACKED

module attributes {attn.target = #attn.target<cpu = "cascadelake", features = "+avx512f,+avx512vnni">} {

// CHECK-LABEL: attn.weights @output {
// CHECK-NEXT:    attn.weight @weight from ["w", "v"] : tensor<100x24xf32>
// CHECK-DAG:     attn.weight @weight.i8 from ["w", "v"] : tensor<100x24xi8>
// CHECK-DAG:     attn.weight @weight.scales scales from ["w", "v"] : tensor<100xf32>
// CHECK-DAG:     attn.weight @weight.norms norms from ["w", "v"] : tensor<4xf32>
// CHECK-DAG:     attn.weight @weight.errors errors from ["w", "v"] : tensor<4xf32>
// CHECK:         attn.weight @bias from ["b"] : tensor<100xf32>
// CHECK-DAG:     attn.weight @low.i8 from ["l"] : tensor<100x24xi8>
// CHECK-DAG:     attn.weight @low.norms norms from ["l"] : tensor<4xf32>
// PACKED-LABEL: attn.weights @output {
// PACKED-NEXT:    attn.weight @weight from ["w", "v"] : tensor<100x24xf32>
// PACKED-NEXT:    attn.weight @weight.packed from ["w", "v"] panel 32 : tensor<100x24xf32>
// PACKED-DAG:     attn.weight @weight.i8 from ["w", "v"] panel 32 by 4 : tensor<100x24xi8>
// PACKED-DAG:     attn.weight @weight.scales scales from ["w", "v"] panel 32 : tensor<100xf32>
// PACKED-DAG:     attn.weight @weight.norms norms from ["w", "v"] : tensor<4xf32>
// PACKED-DAG:     attn.weight @weight.errors errors from ["w", "v"] : tensor<4xf32>
// PACKED:         attn.weight @bias from ["b"] panel 32 : tensor<100xf32>
attn.weights @output {
  attn.weight @weight from ["w", "v"] : tensor<100x24xf32>
  attn.weight @bias from ["b"] : tensor<100xf32>
  attn.weight @low from ["l"] : tensor<100x24xbf16>
  attn.weight @half from ["h"] : tensor<100x24xf16>
}

// CHECK-LABEL: func.func @greatest(
func.func @greatest(%x: tensor<?x24xf32>, %e: tensor<?xi32>) -> (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) {
  %w = attn.get_weight @output::@weight : tensor<100x24xf32>
  %b = attn.get_weight @output::@bias : tensor<100xf32>
  %l = attn.get_weight @output::@low : tensor<100x24xbf16>
  // CHECK-DAG: %[[W:.*]] = attn.get_weight @output::@weight : tensor<100x24xf32>
  // CHECK-DAG: %[[B:.*]] = attn.get_weight @output::@bias : tensor<100xf32>
  // CHECK-DAG: %[[LOW:.*]] = attn.get_weight @output::@low : tensor<100x24xbf16>
  // CHECK-DAG: %[[I:.*]] = attn.get_weight @output::@weight.i8 : tensor<100x24xi8>
  // CHECK-DAG: %[[S:.*]] = attn.get_weight @output::@weight.scales : tensor<100xf32>
  // CHECK-DAG: %[[N:.*]] = attn.get_weight @output::@weight.norms : tensor<4xf32>
  // CHECK-DAG: %[[E:.*]] = attn.get_weight @output::@weight.errors : tensor<4xf32>
  // CHECK: attn.greatest %{{.*}}, %[[W]] bias(%[[B]]) estimate(%[[I]], %[[S]], %[[N]], %[[E]], %[[B]]) columns 100
  %0 = attn.greatest %x, %w bias(%b) columns 100 outs(%e) : (tensor<?x24xf32>, tensor<100x24xf32>, tensor<100xf32>, tensor<?xi32>) -> tensor<?xi32>
  // CHECK: attn.greatest %{{.*}}, %[[W]] estimate(%{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}) columns 100
  %1 = attn.greatest %x, %w columns 100 outs(%e) : (tensor<?x24xf32>, tensor<100x24xf32>, tensor<?xi32>) -> tensor<?xi32>
  // Bounds are of f32 whatever the weight.
  // CHECK: attn.greatest %{{.*}}, %[[LOW]] estimate(%{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}) columns 100 {{.*}}bf16>, tensor<100x24xi8>, tensor<100xf32>
  %2 = attn.greatest %x, %l columns 100 outs(%e) : (tensor<?x24xf32>, tensor<100x24xbf16>, tensor<?xi32>) -> tensor<?xi32>
  // What integers are not known to be faster than is left alone.
  // CHECK: attn.greatest %{{.*}}, %{{.*}} columns 100
  %h = attn.get_weight @output::@half : tensor<100x24xf16>
  %y = arith.truncf %x : tensor<?x24xf32> to tensor<?x24xf16>
  %3 = attn.greatest %y, %h columns 100 outs(%e) : (tensor<?x24xf16>, tensor<100x24xf16>, tensor<?xi32>) -> tensor<?xi32>
  return %0, %1, %2 : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>
}

// CHECK-LABEL: func.func @arguments(
// CHECK: attn.greatest %{{[^,]*}}, %{{[^,]*}} columns 100
// CHECK: attn.greatest %{{[^,]*}}, %{{[^,]*}} bias(%{{[^,]*}}) columns 100
func.func @arguments(%x: tensor<?x24xf32>, %v: tensor<100x24xf32>, %c: tensor<100xf32>, %e: tensor<?xi32>) -> (tensor<?xi32>, tensor<?xi32>) {
  %w = attn.get_weight @output::@weight : tensor<100x24xf32>
  %0 = attn.greatest %x, %v columns 100 outs(%e) : (tensor<?x24xf32>, tensor<100x24xf32>, tensor<?xi32>) -> tensor<?xi32>
  %1 = attn.greatest %x, %w bias(%c) columns 100 outs(%e) : (tensor<?x24xf32>, tensor<100x24xf32>, tensor<100xf32>, tensor<?xi32>) -> tensor<?xi32>
  return %0, %1 : tensor<?xi32>, tensor<?xi32>
}

}
