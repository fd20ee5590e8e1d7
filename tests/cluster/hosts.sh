#!/usr/bin/env bash
# Three hosts on one machine, as network, mount, process and host-name namespaces on a bridge:
# head 10.77.0.11, worker1 10.77.0.12, worker2 10.77.0.13; this machine is the laptop, 10.77.0.1.
# Each has a home, /tmp/ray, /dev/shm and sshd of its own, and shares every other file.
#
#   hosts.sh up DIR [SHARED ...]   SHARED: folders beneath the home that the hosts see as well
#   hosts.sh down DIR              also after a run that died, and again
#
# DIR gets the key to log in with (DIR/id) and the hosts' homes (DIR/NAME/home); it must not lie
# in the home. Needs root, sshd and ip.
set -euo pipefail

hosts=(head worker1 worker2)
bridge=cvbr0
home=$(getent passwd "$(id -u)" | cut -d: -f6)

down() {
  local dir=$1 host pid
  for host in "${hosts[@]}"; do
    for pid in $(cat "$dir/$host/init.pid" 2>/dev/null) $(ip netns pids "caviar-$host" 2>/dev/null); do
      kill -9 "$pid" 2>/dev/null || true
    done
  done
  for host in "${hosts[@]}"; do
    # A host's last process takes its mounts along; until then its folder cannot be removed.
    for _ in $(seq 100); do
      [ -z "$(ip netns pids "caviar-$host" 2>/dev/null)" ] && break
      sleep 0.05
    done
    ip netns del "caviar-$host" 2>/dev/null || true
    ip link del "cv-$host" 2>/dev/null || true
  done
  ip link del "$bridge" 2>/dev/null || true
}

up() {
  local dir=$1 number=10 host shared
  shift
  mkdir -p "$dir" /run/sshd
  [ -f "$dir/id" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/id"
  [ -f "$dir/hostkey" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/hostkey"
  ip link add "$bridge" type bridge
  ip addr add 10.77.0.1/24 dev "$bridge"
  ip link set "$bridge" up
  for host in "${hosts[@]}"; do
    number=$((number + 1))
    ip netns add "caviar-$host"
    ip link add "cv-$host" type veth peer name eth0 netns "caviar-$host"
    ip link set "cv-$host" master "$bridge" up
    ip -n "caviar-$host" link set lo up
    ip -n "caviar-$host" addr add "10.77.0.$number/24" dev eth0
    ip -n "caviar-$host" link set eth0 up
    # Ray finds a host's own address by its default route; nothing answers there.
    ip -n "caviar-$host" route add default via 10.77.0.1
    start "$dir/$host" "$host" "10.77.0.$number" "$@"
  done
}

start() {
  local dir=$1 host=$2 address=$3 shared
  shift 3
  mkdir -p "$dir/home/.ssh" "$dir/ray"
  chmod 700 "$dir/home" "$dir/home/.ssh"
  cp "$dir/../id.pub" "$dir/home/.ssh/authorized_keys"
  chmod 600 "$dir/home/.ssh/authorized_keys"
  printf '%s\n' "ListenAddress $address" "HostKey $dir/../hostkey" 'PermitRootLogin prohibit-password' \
    'PasswordAuthentication no' 'UsePAM no' 'PidFile none' 'StrictModes no' >"$dir/sshd"
  {
    echo 'set -e'
    echo "hostname $host"
    echo 'mount --make-rprivate /'
    for shared in "$@"; do
      mkdir -p "$dir/home/$shared"
      echo "mount --bind '$home/$shared' '$dir/home/$shared'"
    done
    echo "mount --rbind '$dir/home' '$home'"
    echo 'mount -t tmpfs -o size=2g tmpfs /dev/shm'
    # Ray's folder is below /tmp, which the hosts share: each puts its own over it.
    echo "mkdir -p /tmp/ray && mount --bind '$dir/ray' /tmp/ray"
    echo "exec $(command -v sshd || echo /usr/sbin/sshd) -D -E '$dir/sshd.log' -f '$dir/sshd'"
  } >"$dir/init"
  # No environment of ours: a login there finds what it would on a machine of its own.
  env -i PATH="$PATH" setsid ip netns exec "caviar-$host" \
    unshare --mount --uts --pid --fork --kill-child --mount-proc \
    bash "$dir/init" </dev/null >"$dir/init.log" 2>&1 &
  echo $! >"$dir/init.pid"
}

command=${1:?up or down}
dir=$(realpath -m "${2:?folder of the hosts}")
shift 2
case $command in
  up)
    down "$dir"
    trap 'down "$dir"' ERR INT TERM
    up "$dir" "$@"
    ;;
  down) down "$dir" ;;
  *) echo "up or down, not $command" >&2 && exit 2 ;;
esac
