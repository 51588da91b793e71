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
"$directory/bin/pip" install --quiet "torch==2.13.*" \
  --index-url https://download.pytorch.org/whl/cpu ||
  "$directory/bin/pip" install --quiet "torch==2.13.*"
"$directory/bin/pip" install --quiet transformers ctranslate2 sentencepiece \
  numpy sacrebleu
echo "ready: $directory/bin/python bench/translate.py"
