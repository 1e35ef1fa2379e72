#!/bin/sh
# A network plugin (CNI specification 0.4.0) for machines that have none: a namespace of the pod's own, with its loopback, and an address of its own,
# which the node reaches by a pair of links (veth(4)) that goes with the namespace. Sockets without a path are private to a pod so, as in
# a cluster: those of the CUDA driver are called by its pids.
set -eu
cat > /dev/null
here=$(dirname "$0")
ip=$(dirname "$(readlink -f "$0")")/net/ip
gateway=10.99.0.1

in_pod() { nsenter --net="$CNI_NETNS" "$ip" "$@" >&2; }

case $CNI_COMMAND in
VERSION) echo '{"cniVersion":"0.4.0","supportedVersions":["0.3.1","0.4.0"]}' ;;
ADD)
  if [ "$CNI_IFNAME" = lo ]; then
    in_pod link set lo up
    address=127.0.0.1/8
  else
    exec 9> "$here/lock"
    flock 9
    last=$(($(cat "$here/last" 2> /dev/null || echo 1) + 1))
    echo "$last" > "$here/last"
    address=10.99.0.$last/24
    link=e2e-$(printf %.8s "$CNI_CONTAINERID")
    # The namespace of process $$ is the node's.
    in_pod link add "$CNI_IFNAME" type veth peer name "$link" netns $$
    in_pod address add "$address" dev "$CNI_IFNAME"
    in_pod link set "$CNI_IFNAME" up
    in_pod route add default via "$gateway"
    "$ip" address add "$gateway/32" dev "$link" >&2
    "$ip" link set "$link" up >&2
    "$ip" route add "${address%/*}/32" dev "$link" >&2
  fi
  echo '{"cniVersion":"0.4.0","interfaces":[{"name":"'"$CNI_IFNAME"'","sandbox":"'"$CNI_NETNS"'"}],"ips":[{"version":"4","address":"'"$address"'","interface":0}]}'
  ;;
esac
