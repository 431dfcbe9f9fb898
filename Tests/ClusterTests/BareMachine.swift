import Foundation
import Shared
import TestSupport
import Testing

@testable import HostOrchestrator

/// A machine that has a minimal Debian, pgaf-host and nothing else, and reaches nothing: a root directory in namespaces
/// of its own, in whose network there is only the loopback.
struct BareMachine {
    let directory: String
    private let runner = SubprocessRunner()

    private var root: String { "\(directory)/system" }

    /// Makes the root directory from this machine's own archive and release, and copies pgaf-host into it with the
    /// libraries that it is linked to.
    init(in directory: String) async throws {
        self.directory = directory
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let supplies = MachineSupplies(
            try await checked("sh", Array(MachineSupplies.question(base: "-", image: "-").dropFirst())))
        let codename = supplies.release.codename
        let targets = try await runner.run(BoxSources.question(downloaded: true)).standardOutput
        let sources = BoxSources.parse(targets, suite: codename)
        try #require(!sources.isEmpty, "this machine names no Debian archive: \(targets)")
        _ = try await checked("mmdebstrap", ["--variant=minbase", codename, root] + sources)
        _ = try await checked("sh", ["-euc", Self.copy, "copy", "\(PgafProject.root)/.build/debug/pgaf-host", root])
    }

    private static let copy = """
        install -m 0755 "$1" "$2/usr/local/bin/pgaf-host"
        ldd "$1" | grep -o '/[^ ]*' | while read -r library; do
            [ -e "$2$library" ] || cp -L --parents "$library" "$2"
        done
        : > "$2/etc/resolv.conf"
        """

    /// Gives the machine a file, under a name in /srv.
    func place(_ file: String, as name: String) throws {
        try FileManager.default.moveItem(atPath: file, toPath: "\(root)/srv/\(name)")
    }

    /// Runs a script in the machine; all that it starts ends with it.
    func run(_ script: String, onLine: @escaping @Sendable (String) async -> Void) async throws -> CommandResult {
        let namespaces = ["--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
        return try await runner.run(
            Command(
                "unshare", namespaces + ["sh", "-euc", Self.boot, "machine", root, script], deadline: .seconds(280)),
            onLine: onLine)
    }

    /// The engine gets a control group and a store of its own, the latter in memory.
    private static let boot = """
        mount --bind "$1" "$1"
        mount -t proc proc "$1/proc"
        mount -t sysfs sysfs "$1/sys"
        mount --rbind /sys/fs/cgroup "$1/sys/fs/cgroup"
        mount --rbind /dev "$1/dev"
        for place in run tmp; do mount -t tmpfs tmpfs "$1/$place"; done
        mkdir -p "$1/var/lib/docker" "$1/etc/docker"
        mount -t tmpfs -o size=5g tmpfs "$1/var/lib/docker"
        echo '{"cgroup-parent": "pgaf-bare-machine"}' > "$1/etc/docker/daemon.json"
        ip link set lo up
        cd "$1"
        mkdir old
        # A changed root directory would not do: what enters a container's mounts comes out at their own root.
        pivot_root . old
        exec chroot . env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/srv LC_ALL=C.UTF-8 \
            sh -euc "umount -l /old; rmdir /old; cd /srv; $2"
        """

    func remove() async throws {
        // Control groups of what was killed with its namespaces.
        _ = try await runner.run(
            Command(
                "find",
                [
                    "/sys/fs/cgroup", "-depth", "-type", "d", "-path", "*/pgaf-bare-machine*", "-exec", "rmdir", "{}",
                    "+",
                ]
            ))
        _ = try await checked("rm", ["-rf", "--one-file-system", directory])
    }

    private func checked(_ program: String, _ arguments: [String]) async throws -> String {
        try await runner.checked(Command(program, arguments, deadline: .seconds(300)), remedy: "").standardOutput
    }
}
