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
attn.weights @encoder.norm {
  attn.weight @norm.weight from ["encoder_norm.weight"] : tensor<256xf32>
  attn.weight @norm.bias from ["encoder_norm.bias"] : tensor<256xf32>
}
attn.weights @decoder.0.self_attention {
  attn.weight @q.weight from ["decoder_q.weight"] : tensor<256x256xf32>
}
attn.weights @decoder.0.cross_attention {
  attn.weight @q.weight from ["cross_q.weight"] : tensor<256x256xf32>
  attn.weight @k.weight from ["cross_k.weight"] : tensor<256x256xf32>
  attn.weight @v.weight from ["cross_v.weight"] : tensor<256x256xf32>
  attn.weight @out.weight from ["cross_out.weight"] : tensor<256x256xf32>
  attn.weight @norm.weight from ["cross_norm.weight"] : tensor<256xf32>
  attn.weight @norm.bias from ["cross_norm.bias"] : tensor<256xf32>
}
attn.weights @output {
  attn.weight @weight from ["output.weight"] : tensor<8001x256xf32>
}
