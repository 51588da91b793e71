# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Configuration of the lit tests. Tools are found through PATH, by name."""
import os
import pathlib
import subprocess

import lit.formats

config.name = "attn"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
# Unit is a suite of its own; the others hold data.
config.excludes = ["Unit", "Inputs", "reference", "AmxEmulator"]
config.test_source_root = os.path.join(config.attn_source_dir, "test")
config.test_exec_root = os.path.join(config.attn_binary_dir, "test")

config.environment["PATH"] = os.path.pathsep.join(
    [
        os.path.join(config.attn_binary_dir, "bin"),
        config.llvm_tools_dir,
        config.environment.get("PATH", os.environ["PATH"]),
    ]
)
# A cache of the tests' own: the user's is neither trusted nor filled.
config.environment["ATTN_CACHE_DIR"] = os.path.join(config.test_exec_root, "cache")
# Tests run side by side: threads that wait must not keep a core busy.
config.environment["KMP_BLOCKTIME"] = "0"
config.environment["PYTHONPATH"] = os.path.join(config.attn_source_dir, "utils")
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
if config.sanitized:
    config.available_features.add("sanitizer")
    # Allocators of LLVM poison what is compiled here, and unpoison in LLVM's own
    # libraries, which are not instrumented.
    config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0"
if config.thread_sanitized:
    config.available_features.add("thread-sanitizer")

amx_emulator = os.path.join(config.attn_binary_dir, "lib", "libAttnAmxEmulator.so")
config.substitutions += [
    ("%models", os.path.join(config.attn_source_dir, "models")),
    ("%reference", os.path.join(config.test_source_root, "reference")),
    ("%utils", os.path.join(config.attn_source_dir, "utils")),
    ("%source", config.attn_source_dir),
    ("%build", config.attn_binary_dir),
    (
        "%expect_error",
        f'"{config.python}" {config.test_source_root}/Inputs/expect_error.py',
    ),
    ("%python", f'"{config.python}"'),
    ("%mlir_include", config.mlir_include_dir.split(";")[0]),
    ("%clang_format", config.clang_format),
    ("%amx_emulator", amx_emulator),
]


def runs(*command):
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


if runs(config.python, "-c", "import numpy"):
    config.available_features.add("numpy")
if runs("valgrind", "--version"):
    config.available_features.add("valgrind")
if runs("chromium", "--version") or runs("chromium-headless-shell", "--version"):
    config.available_features.add("chromium")
if runs(config.clang_format, "--version"):
    config.available_features.add("clang-format")
# Permission checks say nothing to root.
if os.geteuid() != 0:
    config.available_features.add("non-root")

# What this host can execute. Tests of generated text pin a target instead.
try:
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
except OSError:
    cpuinfo = ""
flags = next((l for l in cpuinfo.splitlines() if l.startswith("flags")), "").split()
for feature, flag in [
    ("avx2", "avx2"),
    ("avx512f", "avx512f"),
    ("avx512bf16", "avx512_bf16"),
    ("avx512vnni", "avx512_vnni"),
    ("amx", "amx_tile"),
]:
    if flag in flags:
        config.available_features.add(feature)

# Processors whose code runs here.
HASWELL = {"avx2", "fma", "f16c", "bmi1", "bmi2", "abm", "movbe"}
SKYLAKE = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "adx", "aes"}
if HASWELL <= {*flags}:
    config.available_features.add("haswell")
    if {"avx_vnni", "adx", "gfni", "vaes", "sha_ni"} <= {*flags}:
        config.available_features.add("alderlake")
    if SKYLAKE <= {*flags}:
        config.available_features.add("skylake-avx512")
        if {"avx512_vnni"} <= {*flags}:
            config.available_features.add("cascadelake")
        # The first with products of bf16, and AMD's: neither has tiles.
        if {"avx512_bf16", "avx512_vnni", "clwb"} <= {*flags}:
            config.available_features.add("cooperlake")
        if {"avx512_bf16", "avx512_vbmi2", "gfni", "sse4a", "sha_ni"} <= {*flags}:
            config.available_features.add("znver4")
# Its code for AMX has the instructions of these, too.
if SKYLAKE | {"avx512_bf16", "avx512_vnni"} <= {*flags}:
    if "amx_tile" not in flags and not config.sanitized:
        # The loader only warns of what it cannot preload, and tests would pass.
        if os.path.exists(amx_emulator):
            config.available_features.add("amx-emulator")
        else:
            lit_config.note("the emulator of AMX is not built: check-attn builds it")
