# skerry_library(name LAYER n SOURCES ... HEADERS ... [PUBLIC ...] [PRIVATE ...])
#
# A folder is a library. It may link only libraries of lower layers; a link that points up or
# sideways stops the configure step and names both ends.
set_property(GLOBAL PROPERTY SKERRY_LIBRARIES "")

function(skerry_library name)
  cmake_parse_arguments(ARG "" "LAYER" "SOURCES;HEADERS;PUBLIC;PRIVATE" ${ARGN})
  if(NOT ARG_LAYER OR ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "skerry_library(${name}): needs LAYER; cannot read '${ARG_UNPARSED_ARGUMENTS}'")
  endif()
  foreach(dependency IN LISTS ARG_PUBLIC ARG_PRIVATE)
    if(NOT TARGET ${dependency})
      continue()
    endif()
    get_target_property(below ${dependency} SKERRY_LAYER)
    if(below AND NOT below LESS ARG_LAYER)
      message(FATAL_ERROR "${name} is in layer ${ARG_LAYER} and may not link ${dependency} of layer ${below}")
    endif()
  endforeach()

  add_library(${name} STATIC ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES SKERRY_LAYER ${ARG_LAYER})
  target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${ARG_HEADERS})
  target_link_libraries(${name}
    PUBLIC ${ARG_PUBLIC} skerry_arch
    PRIVATE ${ARG_PRIVATE} $<BUILD_INTERFACE:skerry_compiler> $<BUILD_INTERFACE:skerry_hardening>)
  target_compile_features(${name} PUBLIC cxx_std_20)
  string(REPLACE "skerry_" "" short ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${short})
  add_library(skerry::${short} ALIAS ${name})
  set_property(GLOBAL APPEND PROPERTY SKERRY_LIBRARIES ${name})
endfunction()

function(skerry_executable name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} skerry_compiler skerry_hardening skerry_arch)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  set_property(GLOBAL APPEND PROPERTY SKERRY_EXECUTABLES ${name})
endfunction()

# skerry_test(name LABEL unit SOURCES ... LINK ...): one GoogleTest program, its cases known to ctest.
function(skerry_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} skerry_testing GTest::gmock
    skerry_compiler skerry_hardening skerry_arch)
  gtest_discover_tests(${name} NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# skerry_generate(out_sources out_headers GRPC|MESSAGES file.proto...): protoc into the build tree,
# so that "skerry/v1/task.pb.h" is included by the path that the .proto files use among themselves.
# (protobuf_generate of CMake 3.25 puts files one folder too deep when given IMPORT_DIRS.)
function(skerry_generate out_sources out_headers what)
  set(sources "")
  set(headers "")
  foreach(proto IN LISTS ARGN)
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    if(what STREQUAL "GRPC")
      set(made ${stem}.grpc.pb)
      set(flags --grpc_out=${CMAKE_CURRENT_BINARY_DIR}
        --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>)
    else()
      set(made ${stem}.pb)
      set(flags --cpp_out=${CMAKE_CURRENT_BINARY_DIR})
    endif()
    add_custom_command(
      OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${made}.cc ${CMAKE_CURRENT_BINARY_DIR}/${made}.h
      COMMAND protobuf::protoc -I ${PROJECT_SOURCE_DIR}/protos ${flags} ${PROJECT_SOURCE_DIR}/protos/${proto}
      DEPENDS ${PROJECT_SOURCE_DIR}/protos/${proto} COMMENT "protoc ${proto}" VERBATIM)
    list(APPEND sources ${CMAKE_CURRENT_BINARY_DIR}/${made}.cc)
    list(APPEND headers ${CMAKE_CURRENT_BINARY_DIR}/${made}.h)
  endforeach()
  set(${out_sources} ${sources} PARENT_SCOPE)
  set(${out_headers} ${headers} PARENT_SCOPE)
endfunction()
