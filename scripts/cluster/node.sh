#!/usr/bin/env bash
# One node of Kubernetes in a network namespace of its own, on loopback and on bridges that are in there:
#   scripts/cluster/node.sh start | stop | kubectl ...
# As root. Everything it writes is in .cluster/state, but for the pods' logs (/var/log/pods).
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/.cluster state=$PWD/.cluster/state files=$PWD/scripts/cluster
readonly namespace=cho-node address=10.250.0.1 pods=10.244.0.0/24 services=10.96.0.0/16
export PATH=$here/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# Not `ip netns exec`: that hides the control groups, which the kubelet needs.
inside() { nsenter --net=/run/netns/$namespace "$@"; }
kube() { inside kubectl --kubeconfig "$state/kubeconfig" "$@"; }
run() {
    local name=$1
    shift
    nsenter --net=/run/netns/$namespace setsid "$@" >"$state/$name.log" 2>&1 &
    echo $! >"$state/$name.pid"
}
until_true() {
    local left=60
    until "$@" >/dev/null 2>&1; do
        ((left--)) || { echo "not within a minute: $*; see $state/*.log" >&2; exit 1; }
        sleep 1
    done
}

network() {
    ip netns add $namespace
    inside ip link set lo up
    inside ip link add node type bridge
    inside ip addr add $address/32 dev node
    inside ip link set node up
    inside ip route add default dev node
    inside sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
}

# Nobody but this namespace reaches it: one token, and a certificate that the server makes itself.
control_plane() {
    openssl genrsa -out "$state/accounts.key" 2048 2>/dev/null
    openssl rsa -in "$state/accounts.key" -pubout -out "$state/accounts.pub" 2>/dev/null
    local token
    token=$(openssl rand -hex 16)
    echo "$token,admin,admin,system:masters" >"$state/tokens.csv"
    sed "s/ADDRESS/$address/; s/TOKEN/$token/" "$files/kubeconfig.yaml" >"$state/kubeconfig"
    local store=http://127.0.0.1:2379
    run etcd etcd --data-dir "$state/etcd" --listen-client-urls $store --advertise-client-urls $store
    run apiserver kube-apiserver --etcd-servers $store --advertise-address $address --cert-dir "$state/certificates" \
        --service-cluster-ip-range $services --token-auth-file "$state/tokens.csv" --authorization-mode Node,RBAC \
        --allow-privileged --kubelet-preferred-address-types InternalIP \
        --service-account-issuer https://kubernetes.default.svc \
        --service-account-key-file "$state/accounts.pub" --service-account-signing-key-file "$state/accounts.key"
    until_true kube get --raw /readyz
    run controllers kube-controller-manager --kubeconfig "$state/kubeconfig" --leader-elect=false \
        --service-account-private-key-file "$state/accounts.key"
    run scheduler kube-scheduler --kubeconfig "$state/kubeconfig" --leader-elect=false
}

node() {
    mkdir -p "$state/network"
    sed "s#STATE#$state#; s#PODS#$pods#" "$files/network.json" >"$state/network/cho.conflist"
    sed "s#STATE#$state#" "$files/containerd.toml" >"$state/containerd.toml"
    sed "s#STATE#$state#" "$files/kubelet.yaml" >"$state/kubelet.yaml"
    run containerd containerd --config "$state/containerd.toml"
    until_true ctr -a "$state/containerd.sock" version
    local image
    for image in "$here"/images/*.tar; do
        ctr -a "$state/containerd.sock" -n k8s.io images import "$image" >/dev/null
    done
    run kubelet kubelet --kubeconfig "$state/kubeconfig" --config "$state/kubelet.yaml" --root-dir "$state/kubelet" \
        --node-ip $address --hostname-override node
    run proxy kube-proxy --kubeconfig "$state/kubeconfig" --hostname-override node --proxy-mode iptables \
        --cluster-cidr $pods --conntrack-max-per-core 0
    until_true kube get node node
    run policies kube-router --kubeconfig "$state/kubeconfig" --hostname-override node --run-router=false \
        --run-service-proxy=false --run-firewall=true --service-cluster-ip-range $services
}

# Volumes are folders, made beforehand: there is nobody who makes them when they are claimed.
add_ons() {
    local number folder
    sed "s#STATE#$state#" "$files/names.yaml" | kube apply -f - >/dev/null
    kube apply -f "$files/storage.yaml" >/dev/null
    for number in $(seq 20); do
        folder=$state/volumes/$number
        mkdir -p "$folder" && chmod 777 "$folder"
        sed "s#NUMBER#$number#; s#FOLDER#$folder#" "$files/volume.yaml" && echo ---
    done | kube apply -f - >/dev/null
    mkdir -p "$state/names" && install -m 644 "$state/kubeconfig" "$state/names/"
    kube wait --for=condition=Ready node/node --timeout=60s
    kube -n kube-system wait --for=condition=Available deployment/coredns --timeout=120s
}

stop() {
    local name pid namespaces
    # Pods' network namespaces are known to the containers only.
    namespaces=$(containers | grep -o 'netns/cni-[0-9a-f-]*' | sort -u | cut -d/ -f2) || true
    for name in kubelet policies proxy scheduler controllers; do
        end "$name"
    done
    # A shim that ends leaves behind what it ran: a gateway that drains, say.
    for name in $(ctr -a "$state/containerd.sock" -n k8s.io tasks ls -q 2>/dev/null); do
        ctr -a "$state/containerd.sock" -n k8s.io tasks kill -a -s SIGKILL "$name" 2>/dev/null || true
    done
    for pid in $(pgrep -f "containerd-shim.*$state/containerd.sock"); do
        kill "$pid" 2>/dev/null || true
    done
    for name in containerd apiserver etcd; do
        end "$name"
    done
    awk -v state="$state/" 'index($2, state) == 1 {print $2}' /proc/mounts | sort -r | xargs -r -n1 umount -l
    for name in $namespaces $namespace; do
        ip netns del "$name" 2>/dev/null || true
    done
    rm -rf "$state"
}

# Each before what it talks to; who is not gone in ten seconds is killed.
end() {
    local pid left=100
    [ -e "$state/$1.pid" ] || return 0
    pid=$(cat "$state/$1.pid")
    kill "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null; do
        ((left--)) || { kill -KILL "$pid" 2>/dev/null || true; return 0; }
        sleep 0.1
    done
}

containers() {
    local one
    for one in $(ctr -a "$state/containerd.sock" -n k8s.io containers ls -q 2>/dev/null); do
        ctr -a "$state/containerd.sock" -n k8s.io containers info "$one"
    done
}

case ${1:-} in
    start)
        [ -e "$here/images" ] || { echo "no images: scripts/cluster/images.sh makes them" >&2; exit 1; }
        [ ! -e "$state" ] || { echo "$state is there already: stop it first" >&2; exit 1; }
        mkdir -p "$state"
        network && control_plane && node && add_ons
        ;;
    stop) stop ;;
    kubectl) shift && kube "$@" ;;
    *) sed -n 2,4p "$0" >&2 && exit 2 ;;
esac
