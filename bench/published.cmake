# Programs of bench/published/, which bench/published.sh builds and runs. Other targets that a table
# needs are added with add_dependencies(skerry_published ...).
add_custom_target(skerry_published)
function(skerry_published name)
  skerry_bench(${name} ${ARGN})
  add_dependencies(skerry_published ${name})
endfunction()

if(TARGET skerry_testing_heart)
  skerry_published(skerry_published_heart SOURCES published/heart.cc
    LINK skerry_testing_heart skerry_client)
  skerry_published(skerry_published_rules SOURCES published/rules.cc LINK skerry_testing_heart)
endif()

skerry_published(mnist_rounds SOURCES published/mnist_rounds.cc LINK skerry_simulation)

if(TARGET skerry_testing_trees)
  skerry_published(skerry_published_trees SOURCES published/trees.cc LINK skerry_testing_trees)
  target_compile_definitions(skerry_published_trees PRIVATE SKERRY_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endif()
