attn.weights @encoder.embedding {
  attn.weight @table from ["table"] : tensor<8001x256xf16>
  attn.weight @positions sinusoidal : tensor<512x256xf32>
}
attn.weights @encoder.0.self_attention {
  attn.weight @q.weight from ["q.weight"] : tensor<256x256xf32>
  attn.weight @q.bias from ["q.bias"] : tensor<256xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<256x256xf32>
  attn.weight @k.bias from ["k.bias"] : tensor<256xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<256x256xf32>
  attn.weight @v.bias from ["v.bias"] : tensor<256xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<256x256xf32>
  attn.weight @out.bias from ["out.bias"] : tensor<256xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<256xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<256xf32>
}
attn.weights @encoder.0.feed_forward {
  attn.weight @in.weight from ["in.weight"] : tensor<1024x256xf32>
  attn.weight @in.bias from ["in.bias"] : tensor<1024xf32>
  attn.weight @out.weight from ["fc2.weight"] : tensor<256x1024xf32>
  attn.weight @out.bias from ["fc2.bias"] : tensor<256xf32>
  attn.weight @norm.weight from ["ffn_norm.weight"] : tensor<256xf32>
  attn.weight @norm.bias from ["ffn_norm.bias"] : tensor<256xf32>
}
