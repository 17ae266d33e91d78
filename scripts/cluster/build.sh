#!/usr/bin/env bash
# Builds what a node of Kubernetes consists of, from Go modules, and the images' base; a quarter of an hour, once.
#   scripts/cluster/build.sh
# For machines on which no container engine runs: docs/kubernetes.md says what it needs.
set -euo pipefail
cd "$(dirname "$0")/../.."
readonly kubernetes=1.34.4 router=2.1.0 dns=1.14.3
here=$PWD/.cluster
mkdir -p "$here/bin"
export GOBIN=$here/bin GOFLAGS=-mod=mod

# The module's own parts are modules too, which it looks for beside itself.
source=$(go mod download -json "k8s.io/kubernetes@v$kubernetes" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
rm -rf "$here/kubernetes" && cp -r "$source" "$here/kubernetes" && chmod -R u+w "$here/kubernetes"
cd "$here/kubernetes" && rm -f go.work go.work.sum
sed -i -E "s#^(\s*k8s\.io/[a-z-]+) v0\.0\.0\$#\1 v0.${kubernetes#1.}#; s#=> \./staging/src/(k8s\.io/[a-z-]+)#=> \1 v0.${kubernetes#1.}#" go.mod
version=k8s.io/component-base/version
for command in kubectl kubelet kube-apiserver kube-controller-manager kube-scheduler kube-proxy; do
    echo "building $command"
    go build -ldflags "-s -w -X $version.gitVersion=v$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=34" \
        -o "$GOBIN/" "./cmd/$command"
done
cd "$here" && rm -rf kubernetes
echo "building kube-router and CoreDNS"
go install -ldflags "-s -w" "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router@v$router"
go install -ldflags "-s -w" "github.com/coredns/coredns@v$dns"

# What every pod's first process does: it waits, and buries.
mkdir -p pause && cat >pause/main.go <<'GO'
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for one := range signals {
		if one != syscall.SIGCHLD {
			return
		}
		for {
			if buried, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); buried <= 0 {
				break
			}
		}
	}
}
GO
CGO_ENABLED=0 go build -o bin/pause pause/main.go && rm -r pause

# In the place of the base image that the Dockerfile names: the same Debian, with this machine's Python.
echo "making the base image"
rm -rf base && debootstrap --variant=minbase \
    --include=ca-certificates,libssl3,libsqlite3-0,libffi8,zlib1g,libbz2-1.0,liblzma5,libreadline8,libncursesw6,libuuid1 \
    bookworm base >base.log
python=$(python3 -c 'import sys; print(sys.base_prefix)')
cp -a "$python/bin/python3" "$python/bin/python3.11" base/usr/local/bin/ && ln -sf python3 base/usr/local/bin/python
cp -a "$python/lib/." base/usr/local/lib/
rm -rf base/usr/local/lib/python3.11/test base/usr/local/lib/python3.11/site-packages
cp /etc/ssl/certs/ca-certificates.crt base/etc/ssl/certs/
chroot base /sbin/ldconfig
chroot base /usr/local/bin/python3 -m ensurepip >>base.log 2>&1
