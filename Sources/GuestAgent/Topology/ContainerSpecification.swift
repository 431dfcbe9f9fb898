import Shared

/// A container as it should be: pure input of `docker run`.
public struct ContainerSpecification: Sendable, Equatable {
    /// What somebody has stopped stays so; everything else is started again.
    static let restartPolicy = "unless-stopped"

    public var name: String
    public var hostname: String
    public var network: String
    public var address: IPv4Address
    public var volume: String
    /// Host directories mounted read-only, by path in the container.
    public var mounts: [String: String]
    /// `ADDRESS:PORT` on the machine, published to PostgreSQL's port.
    public var publishAddress: String
    public var publishPort: Int
    public var environment: [String: String]
    public var image: String
    /// Hash of the image's inputs: another image means another container.
    public var imageHash: String
    public var labels: [String: String]
    public var command: [String]
    /// Memory that the container may use, in MiB.
    public var memoryLimit: Int
    /// Seconds between two looks of Docker's own at the container's health.
    public var healthInterval: Int
    /// Values of the command's options that count only when a node registers for the first time, by option. Other ones
    /// are no reason for another container: `failover-settings` changes them on the monitor.
    public var firstValues: [String: String] = [:]

    /// Arguments of `docker run`, without the labels that tell of them.
    private var plainArguments: [String] {
        var arguments =
            [
                "--name", name, "--hostname", hostname,
                // A process that reaps and forwards signals: pg_autoctl as PID 1 never comes back after SIGKILL.
                "--init",
                // A pg_autoctl that gave up, a restarted engine and a rebooted machine: all come back.
                "--restart", Self.restartPolicy,
                "--network", network, "--ip", address.description,
                "--stop-timeout", "60",
            ] + Self.restrictions + [
                "--memory", "\(memoryLimit)m", "--pids-limit", "4096",
                "--health-cmd", "pg_isready --quiet", "--health-interval", "\(healthInterval)s", "--health-timeout",
                "30s",
                "--health-start-period", "300s", "--health-retries", "3",
                "--shm-size", "256m",
                "--volume", "\(volume):\(ContainerLayout.volume)",
                "--publish", "\(publishAddress):\(publishPort):\(ContainerLayout.port)",
            ]
        for (inside, outside) in mounts.sorted(by: { $0.key < $1.key }) {
            arguments += ["--volume", "\(outside):\(inside):ro"]
        }
        for (key, value) in environment.sorted(by: { $0.key < $1.key }) { arguments += ["--env", "\(key)=\(value)"] }
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) { arguments += ["--label", "\(key)=\(value)"] }
        return arguments
    }

    /// The entrypoint begins as root: it takes over a volume with other owners' files, changes the user, and its init
    /// forwards signals to that user. Nothing else of root's is left, and nothing but the volume and memory can be written.
    private static let restrictions: [String] =
        ["--security-opt", "no-new-privileges", "--cap-drop", "ALL"]
        + ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"].flatMap { ["--cap-add", $0] }
        + ["--read-only"]
        + [(ContainerLayout.runtime, 16), (ContainerLayout.sockets, 1), ("/tmp", 64)].flatMap { path, size in
            ["--tmpfs", "\(path):rw,nosuid,nodev,noexec,size=\(size)m"]
        }

    /// What decides whether a running container is the wanted one.
    public var hash: String { ContentHash.of(["container", image, imageHash] + plainArguments + command) }

    /// Options, image and command: what a container keeps as a label, so that a plan can say what differs. No secret is
    /// in them: passwords come by file.
    var parts: [[String]] { [plainArguments, [image], wholeCommand] }

    private var wholeCommand: [String] {
        command.indices.map { index in index > 0 ? firstValues[command[index - 1]] ?? command[index] : command[index] }
    }

    /// Labels about the arguments; they follow from them and take no part in the hash.
    private var ownLabels: [String: String] {
        let text = (try? JSONText.line(parts)) ?? "[]"
        return [Label.hash: hash, Label.image: imageHash, Label.arguments: text]
    }

    /// The whole `docker run` line.
    public var runCommand: Command {
        let labels = ownLabels.sorted { $0.key < $1.key }.flatMap { ["--label", "\($0.key)=\($0.value)"] }
        return Command("docker", ["run", "--detach"] + plainArguments + labels + [image] + wholeCommand)
    }
}

/// Labels on everything that pgaf makes; only labelled things are ever removed.
public enum Label {
    public static let cluster = "pgaf.cluster"
    public static let hash = "pgaf.hash"
    /// On the nodes' image: the hash of everything that both images are made from, which needs no machine to be known.
    public static let inputs = "pgaf.inputs"
    /// On a container: the hash of its image's inputs.
    public static let image = "pgaf.image"
    /// On a container: how it was made, as JSON.
    public static let arguments = "pgaf.arguments"
    /// On a volume: the container that it was made for.
    public static let node = "pgaf.node"
    /// On a volume: where the cluster's software is from.
    public static let source = "pgaf.source"
    /// On a volume: the major version of PostgreSQL whose data it has.
    public static let postgres = "pgaf.postgres"
    /// `monitor`, `node`, `network`, `volume`, `image`.
    public static let role = "pgaf.role"
}
