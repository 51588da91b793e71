#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs the engines to compare with, from PyPI, into a virtual environment.
#     bench/setup.sh [DIR]          default: build/peers
set -eu
directory=${1:-$(dirname "$0")/../build/peers}
[ -x "$directory/bin/python" ] || python3 -m venv "$directory" || {
  echo "error: cannot make a virtual environment in $directory;" \
    "hint: apt-get install python3-venv" >&2
  exit 1
}
# The CPU-only build of PyTorch is a tenth of the size of the default one.
"$directory/bin/pip" install --quiet "torch==2.13.*" torchvision \
  --index-url https://download.pytorch.org/whl/cpu ||
  "$directory/bin/pip" install --quiet "torch==2.13.*" torchvision
# For bench/translate.py, bench/decoding.py and others, and for bench/kernels.py; the
# newest transformers that this optimum-intel takes.
"$directory/bin/pip" install --quiet numpy "torch==2.13.*" \
  "transformers==4.57.6" "optimum-intel==2.2.*" \
  "ctranslate2==4.8.5" sentencepiece sacrebleu \
  "onnxruntime==1.32.*" "openvino==2026.4.*" onnx onnxscript ml_dtypes \
  "iree-base-compiler==3.13.*" "iree-base-runtime==3.13.*"
echo "ready: bench/kernels.py, bench/decoding.py, bench/encoders.py, bench/translate.py"
