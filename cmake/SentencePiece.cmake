# ATTN_SENTENCEPIECE_LIBRARY and _INCLUDE: the static library that
# utils/bootstrap.sh builds, because executables that `attn compile` makes are to
# need no other file and Debian has none; or else the system's shared one.
set(folder ${PROJECT_BINARY_DIR}/sentencepiece)
if(EXISTS ${folder}/libsentencepiece.a)
  set(ATTN_SENTENCEPIECE_IS_STATIC ON)
  set(ATTN_SENTENCEPIECE_LIBRARY ${folder}/libsentencepiece.a)
  set(ATTN_SENTENCEPIECE_INCLUDE ${folder}/include)
else()
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(sentencepiece REQUIRED sentencepiece)
  # Not the trainer, which nothing needs.
  set(ATTN_SENTENCEPIECE_IS_STATIC OFF)
  set(ATTN_SENTENCEPIECE_LIBRARY ${pkgcfg_lib_sentencepiece_sentencepiece})
  set(ATTN_SENTENCEPIECE_INCLUDE ${sentencepiece_INCLUDE_DIRS})
endif()
