extension BoxScript {
    /// Fills the Docker store of the box with the images of the cluster's nodes; only root can.
    ///
    /// What goes wrong here only makes the box a plain one, whose machines make the images themselves. Further arguments:
    /// directory for the results, the agent, the name of a control group, place of the base system's tar file in the
    /// machine. Leaves a file `images` in that directory if the images are in the box.
    static let images = #"""
        set -eu
        root="$1"; out="$2"; agent="$3"; group="$4"; prepared="$5"
        store="$root/var/lib/docker"
        # The box's own modules are not those of the kernel that runs here.
        modprobe -q overlay 2>/dev/null || true
        if unshare --mount --pid --fork --kill-child --ipc --uts \
            sh "$(dirname "$0")/engine.sh" "$root" "$out/system" "$agent" "$group"; then
            : > "$out/images"
            # The images were made from it.
            rm -f "$root$prepared"
            rmdir "$(dirname "$root$prepared")"
            # What belongs to the engine that ran here: its id, its networks, its containerd.
            rm -rf "$store/engine-id" "$store/containerd" "$store/network" "$store/runtimes" "$store/tmp"
        else
            rm -rf "$store"
        fi
        rm -rf "$root/var/lib/pgaf" "$root/etc/docker/key.json"
        rmdir "$out/system" 2>/dev/null || true
        find /sys/fs/cgroup -depth -type d -path "*/$group*" -exec rmdir {} + 2>/dev/null || true

        """#

    /// Runs the box's own Docker engine on the box's root directory, in namespaces that end with this script and take
    /// everything with them that it started or mounted.
    ///
    /// The engine has no bridge and no packet filter, its sockets and files lie in memory: the engine of this machine, if
    /// there is one, sees nothing of it. Arguments: root directory, a name for it without the mounts below it, the
    /// agent, the name of a control group.
    static let engine = #"""
        set -eu
        root="$1"; system="$2"; agent="$3"; group="$4"
        mkdir "$system"
        mount --bind "$root" "$system"
        mount -t proc proc "$system/proc"
        # A new one: an engine that sees AppArmor wants a profile that it cannot load here.
        mount -t sysfs sysfs "$system/sys"
        mount --rbind /sys/fs/cgroup "$system/sys/fs/cgroup"
        mount --rbind /dev "$system/dev"
        mkdir -p "$system/var/lib/pgaf"
        for place in run tmp var/lib/pgaf; do
            mount -t tmpfs tmpfs "$system/$place"
        done
        # Where systemd-resolved will keep what /etc/resolv.conf points to.
        mkdir -p "$system/run/systemd/resolve"
        cp /etc/resolv.conf "$system/run/systemd/resolve/stub-resolv.conf"
        cp "$agent" "$system/run/pgaf-agent"
        # A clean environment: pgaf's own variables would change what the images are made from.
        exec chroot "$system" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DOCKER_CONFIG=/run/docker-client \
            sh -eu -s "$group" <<'END'
        dockerd --bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
            --userland-proxy=false --storage-driver=overlay2 --exec-opt=native.cgroupdriver=cgroupfs \
            --cgroup-parent="$1" </dev/null >/run/engine.log 2>&1 &
        engine=$!
        tries=0
        until docker version </dev/null >/dev/null 2>&1; do
            tries=$((tries + 1))
            if [ "$tries" -gt 300 ] || ! kill -0 "$engine" 2>/dev/null; then
                tail -n 5 /run/engine.log
                echo "docker: failed: the box's own engine does not start here"
                exit 1
            fi
            sleep 0.2
        done
        status=0
        /run/pgaf-agent prepare --set packages.source=debian </dev/null || status=$?
        kill -TERM "$engine"
        wait "$engine" || status=$?
        exit "$status"
        END

        """#
}
