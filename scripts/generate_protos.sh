#!/usr/bin/env bash
# Generates protos/gen from protos/cho: messages, stubs, and the descriptor set that the gateway is made from.
set -euo pipefail
cd "$(dirname "$0")/../protos"
rm -rf gen && mkdir gen
mapfile -t files < <(find cho -name '*.proto' | sort)
python3 -m grpc_tools.protoc -I . -I third_party \
    --python_out=gen --pyi_out=gen --grpc_python_out=gen \
    --descriptor_set_out=gen/descriptors.binpb --include_imports --include_source_info \
    "${files[@]}" google/rpc/status.proto google/rpc/error_details.proto
rm -rf gen/google
# Files without a service get no stub worth keeping.
find gen -name '*_pb2_grpc.py' -exec sh -c 'grep -q "class .*Stub" "$1" || rm "$1"' _ {} \;
