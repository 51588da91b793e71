#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs what is missing on Debian 12, then configures and builds into build/.
# Safe to run again from any state: what is there already is left alone.
set -eu

usage() {
  cat <<'USAGE'
usage: utils/bootstrap.sh [--check] [--no-install]

Installs the missing Debian packages, configures and builds attn into build/.
  --check       install the tests' packages too, then run every test; the exit
                status is that of the tests
  --no-install  never call apt-get: fail with the list of missing packages; do
                without what tests of ONNX models need of PyPI, if it fails
example: utils/bootstrap.sh && build/bin/attn translate "Hello, how are you?"
USAGE
}

fail() {
  echo "error: $*" >&2
  exit 1
}

check=no install=yes
for argument in "$@"; do
  case $argument in
  --check) check=yes ;;
  --no-install) install=no ;;
  -h | --help)
    usage
    exit 0
    ;;
  *)
    usage >&2
    fail "unknown option $argument"
    ;;
  esac
done

cd "$(dirname "$0")/.."
build=$PWD/build

packages="cmake ninja-build pkg-config clang-22 lld-22 llvm-22-dev
  llvm-22-tools mlir-22-tools libmlir-22-dev libomp-22-dev libfmt-dev libicu-dev libsentencepiece-dev
  python3-venv zlib1g-dev libzstd-dev libxml2-dev"
if [ $check = yes ]; then
  packages="$packages clang-format-22 libgtest-dev libgmock-dev python3
    python3-dev python3-numpy chromium-headless-shell fonts-dejavu-core"
fi

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
if command -v dpkg-query >/dev/null; then
  for package in $packages; do
    is_installed "$package" || missing="$missing $package"
  done
else
  echo "note: not a Debian system; taking the dependencies for granted" >&2
fi

if [ -n "$missing" ]; then
  [ $install = yes ] || fail "missing packages:$missing"
  if [ "$(id -u)" = 0 ]; then
    as_root="env"
  elif command -v sudo >/dev/null; then
    as_root="sudo env"
  else
    fail "missing packages:$missing; hint: install them as root, or install sudo"
  fi
  apt() {
    $as_root DEBIAN_FRONTEND=noninteractive apt-get -qq \
      -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" </dev/null
  }
  install_missing() {
    # $missing is a list of words.
    # shellcheck disable=SC2086
    apt install -y --no-install-recommends $missing
  }
  echo "installing:$missing"
  # A fresh image has no package lists, an old one stale ones; an interrupted
  # run leaves packages unpacked but not configured.
  if ! install_missing >/dev/null 2>&1; then
    $as_root dpkg --configure -a </dev/null
    apt update
    install_missing >/dev/null ||
      fail "apt-get cannot install:$missing; hint: on Debian 12 they come from bookworm and bookworm-security"
  fi
fi

# Debian has SentencePiece only as a shared library, which executables that `attn
# compile` makes would miss on another machine.
build_sentencepiece() {
  work=$build/sentencepiece
  python3 -m venv "$work/python" &&
    "$work/python/bin/pip" download --quiet --no-deps --no-binary sentencepiece \
      --require-hashes --requirement utils/sentencepiece.txt --dest "$work" &&
    mkdir -p "$work/source" "$work/include" &&
    tar -xzf "$work"/sentencepiece-*.tar.gz -C "$work/source" --strip-components=2 &&
    cmake -S "$work/source" -B "$work/build" -G Ninja \
      -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++-22 \
      -DCMAKE_C_COMPILER=clang-22 -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
      -DCMAKE_CXX_FLAGS="-w -ffunction-sections -fdata-sections" \
      -DSPM_ENABLE_SHARED=OFF -DSPM_ENABLE_TCMALLOC=OFF &&
    ninja -C "$work/build" sentencepiece-static &&
    cp "$work/source/src/sentencepiece_processor.h" "$work/include" &&
    cp "$work/build/src/libsentencepiece.a" "$work"
}

if [ $install = yes ] && [ ! -e "$build/sentencepiece/libsentencepiece.a" ]; then
  echo "building: SentencePiece as a static library"
  build_sentencepiece >/dev/null </dev/null ||
    echo "note: cannot build utils/sentencepiece.txt from PyPI; executables that attn compile makes will need libsentencepiece.so" >&2
fi

# Debian has no nanobind, and an onnx that is years older than what is tested.
# The list is copied last: then all of it is there.
python=$build/test-python requirements=test/requirements.txt
if [ $check = yes ] && ! cmp -s $requirements "$python/requirements.txt"; then
  if ! { python3 -m venv --clear "$python" </dev/null &&
    "$python/bin/pip" install --quiet --requirement $requirements </dev/null &&
    cp $requirements "$python/requirements.txt"; }; then
    rm -rf "$python"
    [ $install = no ] ||
      fail "cannot install $requirements from PyPI; hint: with --no-install the tests of the Python package and of ONNX models do not run"
    echo "note: without $requirements from PyPI the tests of the Python package and of ONNX models do not run" >&2
  fi
fi

# A build tree that was moved, or left half-configured, is configured afresh.
cmake --preset default -B "$build" </dev/null ||
  cmake --fresh --preset default -B "$build" </dev/null ||
  fail "configuring failed; hint: remove $build and try again"
[ $check = no ] || exec python3 utils/run_tests.py "$build" </dev/null
exec ninja -C "$build" </dev/null
