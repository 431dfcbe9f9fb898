import Shared
import Testing

@testable import GuestAgent

/// What a tag is when a cluster first pulls its base image is what the cluster stays on.
@Suite struct BaseImageDigestTests {
    private static let digest = "sha256:" + String(repeating: "0a", count: 32)
    private static let local = "pgaf/base:sha256-" + String(repeating: "0a", count: 32)
    private static let digests = "{{range .RepoDigests}}{{println .}}{{end}}"
    private let machine = TestMachine()
    private let step = BaseImageStep()

    init() {
        machine.runner.on("docker", "image", "inspect", status: 1).on("docker", "pull").on("docker", "tag")
            .on(
                "docker", "image", "inspect", "--format", Self.digests,
                prints: "other@sha256:1\nm:5000/library/ubuntu@\(Self.digest)\n")
    }

    private static func topology(mirror: String? = "m:5000", base: String? = nil) -> ClusterTopology {
        var configuration = Configuration()
        configuration.packages[.registry] = mirror
        configuration.image.base = base
        return TestMachine.topology(configuration, source: .pgdg)
    }

    private func has(_ image: String) {
        machine.runner.on("docker", "image", "inspect", "--format", "{{.Id}}", image, prints: "sha256:7\n")
    }

    @Test func whatATagIsWhenItIsFirstPulledIsRememberedAndTold() async throws {
        let context = machine.context(Self.topology())
        try machine.store.save(context.topology, context.secrets)
        try await step.apply(try await step.inspect(context), context)
        #expect(
            machine.runner.lines.filter { ["pull", "tag"].contains($0[1]) } == [
                ["docker", "pull", "m:5000/library/ubuntu:focal"],
                ["docker", "tag", "m:5000/library/ubuntu:focal", "ubuntu:focal"],
                ["docker", "tag", "m:5000/library/ubuntu:focal", Self.local],
            ])
        let known = try #require(try machine.store.state("pgaf"))
        #expect(known.base == "ubuntu:focal@\(Self.digest)")
        #expect(machine.mode("/var/lib/pgaf/clusters/pgaf/state.json") == 0o600)
        let line = "ubuntu:focal is \(Self.digest); remembered"
        #expect(machine.written.map(\.body) == [.stepOutput(step: "base-image", line: line)])
        // Nothing else is remembered otherwise than before.
        #expect(try machine.store.isCurrent(context.topology.remembering(base: Self.digest), context.secrets))
    }

    /// Neither the registry that is asked nor what is remembered is seen in what was made.
    @Test(arguments: ["m:5000", "other:5000", nil]) func theNextUpChangesNothing(_ mirror: String?) async throws {
        let first = Self.topology().imageHash(baseIdentifier: "sha256:7")
        let topology = Self.topology(mirror: mirror).remembering(base: Self.digest)
        let context = machine.context(topology)
        has(Self.local)
        machine.runner.on(
            "docker", "image", "inspect", "pgaf/pg_auto_failover:latest",
            prints: #"[{"Config":{"Labels":{"pgaf.hash":"\#(first)"}}}]"#)
        #expect(try await step.inspect(context).isEmpty)
        #expect(try await ImageStep().inspect(context).isEmpty)
        #expect(topology.repositories == Self.topology(mirror: mirror).repositories)
    }

    @Test func whatIsRememberedIsPulledAndBuiltOn() async throws {
        let topology = Self.topology().remembering(base: Self.digest)
        let context = machine.context(topology)
        try machine.store.save(topology, context.secrets)
        // What the tag is on the machine by now is no matter.
        has("ubuntu:focal")
        let changes = try await step.inspect(context)
        let pulled = "m:5000/library/ubuntu:focal@\(Self.digest)"
        #expect(changes.map(\.description) == ["pull \(pulled)"])
        try await step.apply(changes, context)
        #expect(
            machine.runner.lines.suffix(2) == [["docker", "pull", pulled], ["docker", "tag", pulled, Self.local]])
        #expect(topology.imageFiles().dockerfile.hasPrefix("FROM \(Self.local)\n"))
        #expect(machine.written.isEmpty)
        #expect(try machine.store.isCurrent(topology, context.secrets))
    }

    @Test func aRegistryThatHasItNoLongerIsToldWithTheWayToANewerOne() async throws {
        let context = machine.context(Self.topology().remembering(base: Self.digest))
        machine.runner.on("docker", "pull", status: 1, error: "manifest unknown\n")
            .on("/usr/lib/apt/apt-helper") { command in
                let isImage = command.arguments.contains { $0.hasSuffix("/manifests/\(Self.digest)") }
                return CommandResult(
                    status: isImage ? 100 : 0, standardError: isImage ? "E: Failed to fetch x  404  Not Found\n" : "")
            }
        let pull = await #expect(throws: PgafError.self) { try await step.apply([], context) }
        #expect(pull?.code == .dockerFailed && pull?.output == ["manifest unknown"])
        let probe = await #expect(throws: PgafError.self) {
            try await RegistryProbe(context.topology, machine.runner, machine.files).prove()
        }
        #expect(probe?.code == .packagesFailed)
        for error in [pull, probe] {
            #expect(error?.message.contains(Self.digest) == true)
            for words in [
                "packages.mirrors.registry", "set image.base to ubuntu:focal@sha256:DIGEST",
                "`docker pull m:5000/library/ubuntu:focal` prints",
            ] { #expect(error?.remedy.contains(words) == true, "\(words)") }
        }
    }

    private static let others: [(String?, Bool)] = [
        (nil, true), ("ubuntu:focal", true), ("ubuntu:jammy", false), ("ubuntu", false),
        ("r.example/ubuntu:focal", false), ("ubuntu:focal@\(digest)", false),
    ]

    @Test(arguments: others) func anotherBaseImageForgetsIt(_ base: String?, _ stays: Bool) {
        let known = Self.topology().remembering(base: Self.digest)
        var configuration = known.configuration
        configuration.image.base = base
        let topology = ClusterTopology(
            configuration: configuration, state: known.state, facts: known.facts, root: ClusterStore.defaultRoot)
        #expect(topology.state.base == (stays ? "ubuntu:focal@\(Self.digest)" : nil))
        #expect(topology.baseReference.isRemembered == stays && topology.baseReference.text == base ?? "ubuntu:focal")
    }

    @Test func anImageThatTheRegistryDidNotGiveIsNotRemembered() async throws {
        let context = machine.context(Self.topology())
        try machine.store.save(context.topology, context.secrets)
        machine.runner.on("docker", "image", "inspect", "--format", Self.digests, prints: "ubuntu@\(Self.digest)\n\n")
        try await step.apply([], context)
        #expect(try machine.store.isCurrent(context.topology, context.secrets) && machine.written.isEmpty)
        // With a digest of its own there is nothing to ask.
        let exact = machine.context(Self.topology(base: "ubuntu@\(Self.digest)"))
        try await step.apply([], exact)
        #expect(machine.runner.lines.last?[1] == "tag" && machine.written.isEmpty)
    }

    /// It has passwords of its own, and no cluster.
    @Test func whoeverPreparesAMachineRemembersNothing() async throws {
        try machine.store.save(Self.topology(), TestMachine.secrets)
        try await step.apply([], machine.context(Self.topology(), secrets: .generate()))
        #expect(try machine.store.isCurrent(Self.topology(), TestMachine.secrets) && machine.written.isEmpty)
    }

    @Test func aBundlesImagesTakeItsPlace() async throws {
        var context = machine.context(Self.topology().remembering(base: Self.digest))
        context.bundle = true
        try machine.store.save(context.topology, context.secrets)
        try machine.place(BundlePlace.images)
        machine.runner.on("docker", "load")
        has("ubuntu:focal")
        #expect(try await step.inspect(context).isEmpty)
        // Both steps may have to load them.
        try await step.apply([], context)
        try await ImageStep().apply([], context)
        #expect(try machine.store.isCurrent(Self.topology(), context.secrets))
    }
}
