import Foundation
import Shared
import Synchronization
import TestSupport

@testable import GuestAgent

/// A machine of a test's own, on which everybody is root: its files lie in a scratch directory, its programs are
/// scripted, its events are kept.
final class TestMachine: Sendable {
    private let scratch = ScratchDirectory()
    var directory: String { scratch.path }
    let runner = ScriptedRunner()
    let files: MachineFiles
    let store: ClusterStore
    let events: EventWriter
    private let recorded: EventRecord

    init(secrets: ClusterSecrets = TestMachine.secrets) {
        files = MachineFiles(root: scratch.path, user: 0)
        store = ClusterStore(files: files)
        // No installation was cut off.
        runner.on("dpkg")
        let record = EventRecord()
        recorded = record
        events = EventWriter(
            run: "20261122T213149123Z-4f0a9c21", redactor: Redactor(secrets.all),
            outlets: [{ line, event in record.add(line, event) }])
    }

    static let secrets = ClusterSecrets(
        superuser: Secret("super-s3cret"), monitor: Secret("monitor-s3cret"), replication: Secret("replica-s3cret"),
        client: Secret("client-s3cret"))

    static let subnet = IPv4Network(containing: IPv4Address(bits: 0xAC1E_0700), prefixLength: 24)

    var written: [Event] { recorded.all.map(\.event) }
    var lines: [String] { recorded.all.map(\.line) }

    /// The topology of a cluster from the Debian archive in 172.30.7.0/24.
    static func topology(
        _ configuration: Configuration = Configuration(), source: SoftwareSource = .debian,
        facts: MachineFacts = MachineFacts()
    ) -> ClusterTopology {
        ClusterTopology(
            configuration: configuration,
            state: ClusterState(source: source, postgresVersion: source.defaultPostgresVersion, subnet: subnet),
            facts: facts, root: ClusterStore.defaultRoot)
    }

    func context(
        _ topology: ClusterTopology = TestMachine.topology(), secrets: ClusterSecrets = TestMachine.secrets
    ) -> AgentContext {
        AgentContext(runner: runner, files: files, events: events, topology: topology, secrets: secrets)
    }

    /// Puts a file on the machine, with the directories above it.
    func place(_ path: String, _ text: String = "") throws {
        try files.makeDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), mode: 0o755)
        try files.write(text, to: path)
    }

    /// Repositories have every package that is looked for in them.
    func findEveryPackage() {
        runner.on("apt-cache") { command in
            let asked = command.arguments.drop { $0 != "madison" }.dropFirst()
            return CommandResult(standardOutput: asked.map { "\($0) | 1.0 | http://m\n" }.joined())
        }
    }

    /// What a Debian 13 says of itself, with the programs that `up` needs there.
    func becomeDebian() throws {
        for program in ["apt-get", "dockerd"] { try place("/usr/bin/\(program)") }
        try place("/etc/os-release", "ID=debian\nVERSION_CODENAME=trixie\nPRETTY_NAME=\"Debian 13\"\n")
        try place("/proc/meminfo", "MemTotal: 6291456 kB\n")
    }

    /// A configuration for such a machine on ports that are free here.
    static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.packages.source = .debian
        configuration.network.subnet = "172.30.7.0/24"
        configuration.monitor.port = ListeningPort.free()
        for index in configuration.nodes.indices { configuration.nodes[index].port = ListeningPort.free() }
        return configuration
    }

    func mode(_ path: String) -> Int? { scratch.mode(files.place(path)) }

    /// Every regular file of the machine by its path, as text.
    func everything() -> [String: String] {
        let names = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
        return Dictionary(
            uniqueKeysWithValues: names.compactMap { name in
                (try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)).map { ("/" + name, $0) }
            })
    }
}

/// Events in the order in which they were written.
private final class EventRecord: Sendable {
    private let kept = Mutex<[(line: String, event: Event)]>([])

    func add(_ line: String, _ event: Event) { kept.withLock { $0.append((line, event)) } }

    var all: [(line: String, event: Event)] { kept.withLock { $0 } }
}
