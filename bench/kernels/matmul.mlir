// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// a [M, K] times b [K, N], of sizes that are known but for M.

func.func @matmul_512x512(%a: tensor<?x512xf32>, %b: tensor<512x512xf32>) -> tensor<?x512xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %a, %c0 : tensor<?x512xf32>
  %empty = tensor.empty(%m) : tensor<?x512xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x512xf32>) -> tensor<?x512xf32>
  %product = linalg.matmul ins(%a, %b : tensor<?x512xf32>, tensor<512x512xf32>)
    outs(%init : tensor<?x512xf32>) -> tensor<?x512xf32>
  return %product : tensor<?x512xf32>
}

func.func @matmul_1024x1024(%a: tensor<?x1024xf32>, %b: tensor<1024x1024xf32>) -> tensor<?x1024xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %a, %c0 : tensor<?x1024xf32>
  %empty = tensor.empty(%m) : tensor<?x1024xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x1024xf32>) -> tensor<?x1024xf32>
  %product = linalg.matmul ins(%a, %b : tensor<?x1024xf32>, tensor<1024x1024xf32>)
    outs(%init : tensor<?x1024xf32>) -> tensor<?x1024xf32>
  return %product : tensor<?x1024xf32>
}

func.func @matmul_2048x2048(%a: tensor<?x2048xf32>, %b: tensor<2048x2048xf32>) -> tensor<?x2048xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %a, %c0 : tensor<?x2048xf32>
  %empty = tensor.empty(%m) : tensor<?x2048xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x2048xf32>) -> tensor<?x2048xf32>
  %product = linalg.matmul ins(%a, %b : tensor<?x2048xf32>, tensor<2048x2048xf32>)
    outs(%init : tensor<?x2048xf32>) -> tensor<?x2048xf32>
  return %product : tensor<?x2048xf32>
}

func.func @matmul_512x2048(%a: tensor<?x512xf32>, %b: tensor<512x2048xf32>) -> tensor<?x2048xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %a, %c0 : tensor<?x512xf32>
  %empty = tensor.empty(%m) : tensor<?x2048xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x2048xf32>) -> tensor<?x2048xf32>
  %product = linalg.matmul ins(%a, %b : tensor<?x512xf32>, tensor<512x2048xf32>)
    outs(%init : tensor<?x2048xf32>) -> tensor<?x2048xf32>
  return %product : tensor<?x2048xf32>
}

func.func @matmul_53x19(%a: tensor<?x53xf32>, %b: tensor<53x19xf32>) -> tensor<?x19xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %a, %c0 : tensor<?x53xf32>
  %empty = tensor.empty(%m) : tensor<?x19xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x19xf32>) -> tensor<?x19xf32>
  %product = linalg.matmul ins(%a, %b : tensor<?x53xf32>, tensor<53x19xf32>)
    outs(%init : tensor<?x19xf32>) -> tensor<?x19xf32>
  return %product : tensor<?x19xf32>
}
