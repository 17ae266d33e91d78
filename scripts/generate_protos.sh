#!/usr/bin/env bash
# Generates protos/gen from protos/cho: messages, stubs, and the descriptor set that the gateway is made from.
set -euo pipefail
cd "$(dirname "$0")/../protos"
# Beside `gen`, then in its place: whoever imports it meanwhile, or generates, finds it whole.
new=$(mktemp -d .gen.XXXXXX) && trap 'rm -rf "$new"' EXIT
mapfile -t files < <(find cho -name '*.proto' | sort)
python3 -m grpc_tools.protoc -I . -I third_party \
    --python_out="$new" --pyi_out="$new" --grpc_python_out="$new" \
    --descriptor_set_out="$new/descriptors.binpb" --include_imports --include_source_info \
    "${files[@]}" google/rpc/status.proto google/rpc/error_details.proto
rm -rf "$new/google"
# Files without a service get no stub worth keeping.
find "$new" -name '*_pb2_grpc.py' -exec sh -c 'grep -q "class .*Stub" "$1" || rm "$1"' _ {} \;
chmod 755 "$new"
exec 9< . && flock 9
mkdir -p gen && mv gen "$new.old" && mv "$new" gen && rm -rf "$new.old"
