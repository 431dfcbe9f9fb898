import Foundation
import Shared
import TestSupport
import Testing

extension ClusterSuite.AgentKillTests {
    /// The nodes' image of this test alone.
    private static let image = "pgaf-test/killed:latest"
    private static let flags = ["--set", "image.name=pgaf-test/killed"]
    /// The base image has one name only; what has it meanwhile lies under this one.
    private static let kept = "pgaf-test/kept-base:\(BaseSystem.suite)"
    /// Where mmdebstrap lays out a root file system.
    private static let workspace = "/var/cache/pgaf-bootstrap"

    /// The two programs that make images are cut off for real: both images are made anew once, for which each is begun
    /// twice, and the cluster is the usual one.
    @Test func theAgentMayDieWhileTheImagesAreMade() async throws {
        try #require(
            !FileManager.default.fileExists(atPath: BaseSystem.prepared), "the base image would be taken from there")
        _ = try await cluster.host(["destroy", "--yes"])
        // A run of this test that was killed itself has left its image, and the base image under the other name.
        try await remove(Self.image)
        if try await identifier(Self.kept) == nil, try await identifier(BaseSystem.image) != nil {
            try await docker(["tag", BaseSystem.image, Self.kept])
        }
        // The name alone goes: the image has the other one.
        try await remove(BaseSystem.image)
        let before = try await traces()
        do {
            try await dieTwiceAndConverge(before)
        } catch {
            Issue.record(error)
        }
        _ = try await cluster.host(["destroy", "--yes"])
        try await remove(Self.image)
        if try await identifier(Self.kept) != nil {
            try await remove(BaseSystem.image)
            try await docker(["tag", Self.kept, BaseSystem.image])
            try await remove(Self.kept)
        }
        let after = try await traces()
        #expect(after.subtracting(before) == [])
    }

    private func dieTwiceAndConverge(_ before: Set<String>) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        // Its mounts are what would be left of it, or what whoever cleans up would empty.
        let first = try await die(in: "base-image", during: "mmdebstrap with its mounts") { run, process in
            process.name == "mmdebstrap" && process.run == run && Self.mountsBelowWorkspace(process)
        }
        let passwords = try cluster.passwords()
        #expect(try await identifier(BaseSystem.image) == nil)
        let second = try await die(in: "image", during: "apt-get of the image's build") { _, process in
            Self.isOfBuild(process)
        }
        let base = try #require(try await identifier(BaseSystem.image), "the second run did not make the base image")
        #expect(try await identifier(Self.image) == nil)
        print("killed twice after \((clock.now - start).brief)")

        let changed = PgafProject.changedSteps(try await cluster.up(Self.flags))
        print("converged after \((clock.now - start).brief)")
        #expect(changed.contains("image") && !changed.contains("base-image"), "\(changed)")
        #expect(try await identifier(BaseSystem.image) == base)
        try await cluster.expectHealthy()
        #expect(try cluster.passwords() == passwords)

        try await TestCluster.expectNoLeftovers(cluster)
        let own = Set(TestCluster.containers.map { "container \($0)" })
        #expect(try await traces().subtracting(before) == own)
        let left = MachineProcess.all.filter { process in
            process.run.map([first, second].contains) == true || process.name == "mmdebstrap"
                || Self.isOfBuild(process) || Self.mountsBelowWorkspace(process)
        }
        #expect(left.isEmpty, "\(left)")
    }

    private static func mountsBelowWorkspace(_ process: MachineProcess) -> Bool {
        process.mountPoints.contains { $0.hasPrefix(workspace) }
    }

    /// apt in the container of the build: the machine itself gets no server.
    private static func isOfBuild(_ process: MachineProcess) -> Bool {
        process.name == "apt-get"
            && !Set(process.arguments).isDisjoint(with: ["postgresql-common", "pg-auto-failover-cli"])
    }

    /// Starts `up` and kills the working process as soon as a program is seen that the step has started.
    ///
    /// - Returns: the run.
    private func die(
        in step: String, during program: String, _ isIt: @Sendable (String, MachineProcess) -> Bool
    ) async throws -> String {
        let moment: @Sendable (Event) -> Bool = { $0.body == .stepStarted(step: step) }
        let (run, status) = try await cluster.up(Self.flags, interruptedAt: step, moment) { run in
            do {
                try await Wait(for: program, upTo: .seconds(120), every: .milliseconds(20), hint: "").until {
                    () async throws -> Wait.Observation<Void> in
                    if MachineProcess.all.contains(where: { isIt(run, $0) }) { return .found(()) }
                    guard let result = MachineRuns.result(of: run) else { return .notYet("it does not run") }
                    throw PgafError(
                        .internalError, "The run ended before \(program) was seen.", remedy: "",
                        cause: result.error?.message)
                }
            } catch {
                Issue.record(error)
            }
            // In any case: what comes next must find no run at work.
            if let process = MachineRuns.owner(of: run) { kill(process, SIGKILL) }
        }
        #expect(status == 69 && MachineRuns.result(of: run) == nil, "\(step): status \(status)")
        return run
    }

    /// What the making of images could leave behind, a line each: containers, images without a name, temporary files of
    /// the programs and of the engine.
    private func traces() async throws -> Set<String> {
        let containers = try await cluster.command("docker", ["ps", "--all", "--format", "container {{.Names}}"])
        let root = try await cluster.command("docker", ["info", "--format", "{{.DockerRootDir}}"]).trimmedOutput
        try #require(root.hasPrefix("/"))
        var found = Set(containers.standardOutput.split(separator: "\n").map(String.init))
        found.formUnion(try await danglingImages().map { "image \($0)" })
        let files = MachineFiles()
        found.formUnion(files.list("\(root)/tmp").map { "\(root)/tmp/\($0)" })
        let programs = ["mmdebstrap", "apt", "docker", "buildx"]
        for name in files.list("/tmp") where programs.contains(where: name.hasPrefix) { found.insert("/tmp/\(name)") }
        for name in files.list("/run") where name.hasPrefix("pgaf-") { found.insert("/run/\(name)") }
        if files.exists(Self.workspace) { found.insert(Self.workspace) }
        return found
    }

    /// An image's id; nil when there is none of that name.
    private func identifier(_ image: String) async throws -> String? {
        let answer = try await cluster.command("docker", ["image", "inspect", "--format", "{{.Id}}", image])
        return answer.succeeded ? answer.trimmedOutput : nil
    }

    private func remove(_ image: String) async throws {
        if try await identifier(image) != nil { try await docker(["image", "rm", image]) }
    }

    func docker(_ arguments: [String]) async throws {
        try await cluster.runner.checked(Command("docker", arguments, deadline: .seconds(120)), remedy: "")
    }
}
