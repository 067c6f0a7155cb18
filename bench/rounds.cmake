# Rounds between real processes, and what a connection can carry at best.
skerry_bench(bench_client SOURCES bench_client.cc streaming_trainer.cc
  LINK skerry_client_app spdlog::spdlog)

set(limit_stem "${CMAKE_CURRENT_BINARY_DIR}/limit")
add_custom_command(
  OUTPUT ${limit_stem}.pb.cc ${limit_stem}.pb.h ${limit_stem}.grpc.pb.cc ${limit_stem}.grpc.pb.h
  COMMAND protobuf::protoc -I ${CMAKE_CURRENT_SOURCE_DIR} -I ${PROJECT_SOURCE_DIR}/protos
    --cpp_out=${CMAKE_CURRENT_BINARY_DIR} --grpc_out=${CMAKE_CURRENT_BINARY_DIR}
    --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>
    ${CMAKE_CURRENT_SOURCE_DIR}/limit.proto
  DEPENDS limit.proto COMMENT "protoc limit.proto" VERBATIM)
add_library(skerry_limit_proto STATIC ${limit_stem}.pb.cc ${limit_stem}.grpc.pb.cc)
target_include_directories(skerry_limit_proto SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
target_link_libraries(skerry_limit_proto PUBLIC skerry_protos_grpc)

skerry_bench(grpc_limit SOURCES grpc_limit.cc limit_options.cc LINK skerry_limit_proto skerry_rpc_grpc)
skerry_bench(tls_limit SOURCES tls_limit.cc limit_options.cc LINK OpenSSL::SSL Threads::Threads)
