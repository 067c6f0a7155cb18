# What every public header promises: it includes what it uses, and nothing private.
#
# A header that is the first include of its own source file is proved to stand alone by the build of
# that file. For each of the others, a source file of one line is built here. A public header that
# includes a private one stops the configure step: it would be of no use once installed.
function(skerry_check_headers)
  get_property(libraries GLOBAL PROPERTY SKERRY_LIBRARIES)
  set(public "")
  foreach(library IN LISTS libraries)
    get_target_property(headers ${library} HEADER_SET)
    list(APPEND public ${headers})
  endforeach()

  set(alone "")
  foreach(header IN LISTS public)
    if(header MATCHES "^${PROJECT_BINARY_DIR}/")
      continue()  # generated
    endif()
    file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR} ${header})
    file(STRINGS ${header} includes REGEX "^#include \"(base|crypto|learning|storage|rpc|coordinator|client|simulation|cli)/")
    foreach(line IN LISTS includes)
      string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" included "${line}")
      if(NOT "${PROJECT_SOURCE_DIR}/${included}" IN_LIST public AND EXISTS "${PROJECT_SOURCE_DIR}/${included}")
        message(FATAL_ERROR "${name} is public and includes ${included}, which is not: add it to the HEADERS of its library")
      endif()
    endforeach()
    string(REGEX REPLACE "\\.h$" ".cc" source ${header})
    set(first "")
    if(EXISTS ${source})
      file(STRINGS ${source} first REGEX "^#include" LIMIT_COUNT 1)
    endif()
    if(first STREQUAL "#include \"${name}\"")
      continue()
    endif()
    set(check "${PROJECT_BINARY_DIR}/header_check/${name}.cc")
    file(CONFIGURE OUTPUT ${check} CONTENT "#include \"${name}\"\n" @ONLY)
    list(APPEND alone ${check})
  endforeach()

  add_library(skerry_header_check OBJECT ${alone})
  target_link_libraries(skerry_header_check PRIVATE ${libraries} skerry_compiler)
endfunction()
