# Variables: BUILD, SOURCE, PATIENTS, COMPILER, FLAGS.
cmake_minimum_required(VERSION 3.25)
set(work "${BUILD}/install_test")
set(prefix "${work}/prefix")

function(run expected_code)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(NOT code EQUAL expected_code)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${code}, not ${expected_code}\n${out}\n${err}")
  endif()
  set(out "${out}" PARENT_SCOPE)
  set(err "${err}" PARENT_SCOPE)
endfunction()

function(expect text words)
  string(FIND "${text}" "${words}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "\"${words}\" is not in:\n${text}")
  endif()
endfunction()

file(REMOVE_RECURSE "${work}")
run(0 ${CMAKE_COMMAND} --install "${BUILD}" --prefix "${prefix}")
foreach(file bin/skerry bin/skerry-coordinator bin/skerry-client include/skerry/learning/strategy.h
    include/skerry/base/version.h include/skerry/skerry/v1/task.pb.h
    share/skerry/protos/skerry/v1/coordinator.proto share/doc/skerry/storage.md share/doc/skerry/LICENSE)
  if(NOT EXISTS "${prefix}/${file}")
    message(FATAL_ERROR "${file} was not installed")
  endif()
endforeach()
run(0 "${prefix}/bin/skerry" --version)

set(sanitize "")
if(FLAGS)
  set(sanitize "-fsanitize=${FLAGS}")
endif()
run(0 ${CMAKE_COMMAND} -G Ninja -S "${SOURCE}/project" -B "${work}/build" -DCMAKE_BUILD_TYPE=Debug
  "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_FLAGS=${sanitize}" "-DCMAKE_PREFIX_PATH=${prefix}")
run(0 ${CMAKE_COMMAND} --build "${work}/build")
run(0 "${work}/build/mean")
run(0 "${work}/build/outside" coordinator --version)
expect("${out}" "skerry-coordinator ")

# The run file of the example, but with the strategy that only this program knows.
file(READ "${PATIENTS}/run.toml" run_file)
string(REPLACE "\"fedavg\"" "\"half_step\"" run_file "${run_file}")
string(REPLACE "num_rounds = 60" "num_rounds = 3" run_file "${run_file}")
file(WRITE "${work}/run.toml" "${run_file}")
run(0 "${work}/build/outside" simulate "${work}/run.toml" --sites "${PATIENTS}/data" --out "${work}/out")
expect("${out}" "icu-mortality: completed")
run(2 "${prefix}/bin/skerry" simulate "${work}/run.toml" --sites "${PATIENTS}/data" --out "${work}/out")
expect("${err}" "there is no \"half_step\" here")
