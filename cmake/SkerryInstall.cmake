# cmake --install BUILD --prefix X: the programs, the libraries with their headers (X/include/skerry), the
# .proto files, the documents, and what find_package(Skerry) needs.
include(CMakePackageConfigHelpers)

set(SKERRY_INCLUDE_DIR "${CMAKE_INSTALL_INCLUDEDIR}/skerry")
set(SKERRY_CONFIG_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/Skerry")

get_property(libraries GLOBAL PROPERTY SKERRY_LIBRARIES)
install(TARGETS ${libraries} skerry_arch EXPORT SkerryTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  FILE_SET HEADERS DESTINATION "${SKERRY_INCLUDE_DIR}")
install(FILES "${PROJECT_BINARY_DIR}/base/include/base/version.h" DESTINATION "${SKERRY_INCLUDE_DIR}/base")
get_property(executables GLOBAL PROPERTY SKERRY_EXECUTABLES)
if(executables)
  install(TARGETS ${executables} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

install(EXPORT SkerryTargets NAMESPACE skerry:: DESTINATION "${SKERRY_CONFIG_DIR}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/SkerryConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/SkerryConfig.cmake" INSTALL_DESTINATION "${SKERRY_CONFIG_DIR}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/SkerryConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)  # before 1.0 a minor version may break what the one before it had
install(FILES "${PROJECT_BINARY_DIR}/SkerryConfig.cmake" "${PROJECT_BINARY_DIR}/SkerryConfigVersion.cmake"
  DESTINATION "${SKERRY_CONFIG_DIR}")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/protos/skerry" DESTINATION "${CMAKE_INSTALL_DATADIR}/skerry/protos"
  FILES_MATCHING PATTERN "*.proto")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs/" DESTINATION "${CMAKE_INSTALL_DOCDIR}"
  FILES_MATCHING PATTERN "*.md")
install(FILES "${PROJECT_SOURCE_DIR}/README.md" "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/python" DESTINATION "${CMAKE_INSTALL_DATADIR}/skerry"
  FILES_MATCHING PATTERN "*.py" PATTERN "*.toml" PATTERN "*.md" PATTERN "tests" EXCLUDE
  PATTERN "__pycache__" EXCLUDE)
