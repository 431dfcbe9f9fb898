/// The scripts that `mmdebstrap` runs while it makes the box; each gets the root directory as its first argument.
enum BoxScript {
    /// By the names under which the hooks find them.
    static let all = [
        "proc": proc, "prepare": prepare, "customize": customize, "images": images, "engine": engine, "image": image,
    ]

    /// Those that a box without the images of the cluster's nodes does not need.
    static let onlyForImages: Set = ["images", "engine"]

    /// In a user namespace `/proc` still shows the processes outside, and syslinux finds its files through it.
    static let proc = #"""
        set -eu
        read -r pid rest < /proc/self/stat
        if [ "$pid" != "$$" ]; then
            mount --bind "$1/proc" /proc
        fi

        """#

    /// Before packages are configured: what their scripts read.
    static let prepare = #"""
        set -eu
        root="$1"
        mkdir -p "$root/etc/initramfs-tools/conf.d" "$root/usr/share/initramfs-tools/modules.d" "$root/etc/ssh"
        # Only what finds the root disk: a large initrd costs seconds of unpacking in an emulated machine.
        echo 'MODULES=list' > "$root/etc/initramfs-tools/conf.d/pgaf"
        printf '%s\n' virtio_pci virtio_blk ext4 > "$root/usr/share/initramfs-tools/modules.d/pgaf"

        """#

    /// After packages are installed: the machine as Vagrant expects it. Further arguments: file with Vagrant's public key,
    /// tar file of the base system, its place in the machine.
    static let customize = #"""
        set -eu
        root="$1"
        key="$2"; base="$3"; prepared="$4"
        install -D -m 0644 "$base" "$root$prepared"
        chroot "$root" useradd --create-home --shell /bin/bash --groups sudo,docker vagrant
        install -d -m 0700 "$root/home/vagrant/.ssh"
        install -m 0600 "$key" "$root/home/vagrant/.ssh/authorized_keys"
        chroot "$root" chown -R vagrant:vagrant /home/vagrant/.ssh
        echo 'vagrant ALL=(ALL) NOPASSWD:ALL' > "$root/etc/sudoers.d/vagrant"
        chmod 0440 "$root/etc/sudoers.d/vagrant"
        echo 'UseDNS no' > "$root/etc/ssh/sshd_config.d/vagrant.conf"

        # Only eth0: Vagrant writes its own files for further interfaces.
        cat > "$root/etc/systemd/network/20-management.network" <<'END'
        [Match]
        Name=eth0

        [Network]
        DHCP=ipv4

        [DHCPv4]
        ClientIdentifier=mac
        END
        chroot "$root" systemctl enable systemd-networkd.service systemd-resolved.service
        echo debian > "$root/etc/hostname"
        printf '127.0.0.1\tlocalhost\n127.0.1.1\tdebian\n::1\tlocalhost ip6-localhost ip6-loopback\n' > "$root/etc/hosts"
        echo '/dev/vda2 / ext4 defaults,noatime 0 1' > "$root/etc/fstab"

        # Each machine makes its own host keys and machine id at its first boot.
        rm -f "$root"/etc/ssh/ssh_host_*
        cat > "$root/etc/systemd/system/ssh-host-keys.service" <<'END'
        [Unit]
        Description=Make the SSH host keys of this machine
        ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
        Before=ssh.service

        [Service]
        Type=oneshot
        ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
        ExecStart=/usr/bin/ssh-keygen -q -t ecdsa -N "" -f /etc/ssh/ssh_host_ecdsa_key

        [Install]
        WantedBy=multi-user.target
        END
        chroot "$root" systemctl enable ssh-host-keys.service
        # The old identity of the build must not be shared by all machines.
        : > "$root/etc/machine-id"
        rm -f "$root/var/lib/dbus/machine-id" "$root/var/lib/systemd/random-seed"

        # The boot partition holds this kernel; a newer one in the file system would never be booted.
        kernel="$(chroot "$root" dpkg-query -W -f '${Package}\n' 'linux-image-*' | grep -v '^linux-image-unsigned')"
        chroot "$root" apt-mark hold $kernel >/dev/null
        # Background upgrades hold apt's lock just when the machine is set up.
        for timer in apt-daily.timer apt-daily-upgrade.timer man-db.timer e2scrub_all.timer; do
            chroot "$root" systemctl mask "$timer" >/dev/null 2>&1
        done

        """#

    /// The finished root directory becomes a bootable disk without loop devices and without being root.
    ///
    /// An MBR, a FAT partition with syslinux, kernel and initrd, an ext4 partition made by `mkfs.ext4 -d`. Further arguments:
    /// directory for the results, size in MiB, syslinux's `mbr.bin`, the kernel's command line.
    static let image = #"""
        set -eu
        root="$1"; out="$2"; size="$3"; mbr="$4"; command_line="$5"
        boot_start=1; boot_size=127; root_start=128
        chroot "$root" apt-get clean
        rm -rf "$root"/var/tmp/* "$root"/var/log/*.log "$root"/var/log/apt/* "$root"/var/cache/debconf/*-old

        # Without the mounts below it: mkfs -d would copy /proc and /sys.
        bare="$out/bare"
        mkdir -p "$bare"
        mount --bind "$root" "$bare"
        # mmdebstrap has its own apt configuration in /tmp and needs it again: without it the apt-get that follows would work
        # on the lists of the system outside.
        aside="$out/tmp"
        mkdir "$aside"
        find "$root/tmp" -mindepth 1 -maxdepth 1 -exec mv -t "$aside" {} +
        trap 'umount "$bare"; rmdir "$bare"; find "$aside" -mindepth 1 -maxdepth 1 -exec mv -t "$root/tmp" {} +' EXIT

        boot="$out/boot.img"
        truncate -s "${boot_size}M" "$boot"
        mformat -i "$boot" -T $((boot_size * 2048)) -h 64 -s 32 -H $((boot_start * 2048)) -v BOOT ::
        kernel="$(ls "$bare"/boot/vmlinuz-* | sort -V | tail -n 1)"
        mcopy -i "$boot" "$kernel" ::/vmlinuz
        mcopy -i "$boot" "$(echo "$kernel" | sed 's,/vmlinuz-,/initrd.img-,')" ::/initrd
        printf 'DEFAULT linux\nPROMPT 0\nTIMEOUT 0\nLABEL linux\n  LINUX /vmlinuz\n  INITRD /initrd\n  APPEND %s\n' \
            "$command_line" > "$out/syslinux.cfg"
        mcopy -i "$boot" "$out/syslinux.cfg" ::/syslinux.cfg
        syslinux --install "$boot"

        cp "$kernel" "$out/vmlinuz"
        disk="$out/disk.raw"
        truncate -s "${size}M" "$disk"
        printf 'label: dos\nstart=%sMiB, size=%sMiB, type=c, bootable\nstart=%sMiB, type=83\n' \
            "$boot_start" "$boot_size" "$root_start" | sfdisk --quiet "$disk"
        dd if="$mbr" of="$disk" bs=440 count=1 conv=notrunc status=none
        dd if="$boot" of="$disk" bs=1M seek="$boot_start" conv=notrunc,sparse status=none
        mkfs.ext4 -q -F -L root -m 1 -O ^metadata_csum_seed,^orphan_file -E "offset=$((root_start * 1048576)),lazy_itable_init=1,lazy_journal_init=1" \
            -d "$bare" "$disk" "$((size - root_start - 1))M"
        rm -f "$boot" "$out/syslinux.cfg"

        """#
}
