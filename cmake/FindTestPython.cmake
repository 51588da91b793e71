# ATTN_PYTHON: the Python that runs lit and the tests' scripts. The first
# `python3` on the PATH is often a version manager's, without NumPy, while the
# distribution's has it: so the first one with NumPy wins.
if(NOT ATTN_PYTHON)
  find_program(ATTN_PATH_PYTHON python3)
  mark_as_advanced(ATTN_PATH_PYTHON)
  set(fallback)
  foreach(candidate ${ATTN_PATH_PYTHON} /usr/bin/python3 /usr/local/bin/python3)
    if(NOT EXISTS ${candidate})
      continue()
    endif()
    execute_process(COMMAND ${candidate} -c "import numpy"
      RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
    if(status EQUAL 0)
      set(ATTN_PYTHON ${candidate} CACHE FILEPATH "Python that runs the tests")
      break()
    elseif(NOT fallback)
      set(fallback ${candidate})
    endif()
  endforeach()
  if(NOT ATTN_PYTHON)
    # Not cached: NumPy may be installed before the next configuration.
    set(ATTN_PYTHON ${fallback})
    message(STATUS "No python3 with NumPy: tests that compare tensors are not "
      "run; hint: apt-get install python3-numpy")
  endif()
endif()
