import Shared
import Testing

@testable import GuestAgent

@Suite struct DockerTests {
    /// Cut from what `docker container inspect` of engine 20.10 and 27 print.
    private static let container = """
        [{"Id":"4f0a","Name":"/pgnode1","Created":"2026-11-22T21:31:49.1Z","Path":"/sbin/docker-init","State":{"Status":"exited",
        "Running":false,"Paused":false,"Restarting":false,"OOMKilled":false,"Dead":false,"Pid":0,"ExitCode":137,
        "Error":"","StartedAt":"2026-11-22T21:31:49.4Z"},"Config":{"Hostname":"pgnode1","Labels":
        {"pgaf.cluster":"pgaf","pgaf.hash":"abc"}},"NetworkSettings":{"Ports":{}}}]
        """
    private static let network = """
        [{"Name":"pgautofailover_cluster_net","Scope":"local","Driver":"bridge","IPAM":{"Config":[{"Subnet":
        "172.30.7.0/24"}]},"Containers":{},"Options":{},"Labels":{"pgaf.cluster":"pgaf"}}]
        """
    private static let image = """
        [{"Id":"sha256:1","RepoTags":["a:b"],"Config":{"Cmd":["x"],"Labels":{"pgaf.hash":"abc"}},"Size":1}]
        """

    @Test func aContainersStatus() async throws {
        let runner = ScriptedRunner().on("docker", "container", "inspect", "pgnode1", prints: Self.container)
        #expect(
            try await Docker(runner: runner).container("pgnode1")
                == ContainerStatus(
                    name: "pgnode1", status: "exited", running: false, exitCode: 137,
                    labels: ["pgaf.cluster": "pgaf", "pgaf.hash": "abc"], started: "2026-11-22T21:31:49.4Z"))
    }

    @Test func labelsOfEveryKind() async throws {
        let runner = ScriptedRunner().on("docker", "network", "inspect", prints: Self.network)
            .on("docker", "image", "inspect", prints: Self.image)
            .on("docker", "volume", "inspect", prints: #"[{"Driver":"local","Labels":null,"Name":"v"}]"#)
        let docker = Docker(runner: runner)
        #expect(try await docker.labels(of: "network", "n") == ["pgaf.cluster": "pgaf"])
        #expect(try await docker.labels(of: "image", "a:b") == ["pgaf.hash": "abc"])
        #expect(try await docker.labels(of: "volume", "v") == [:])
    }

    @Test func aSnapshotAnswersForWhatWasLookedForAndForNothingElse() async throws {
        let runner = ScriptedRunner().on("docker", "container", "inspect", prints: "[]\n", status: 1)
            .on("docker", "image", "inspect", prints: "[]\n", status: 1)
            .on(
                "docker", "volume", "inspect", prints: #"[{"Name":"b","Labels":{"pgaf.node":"pgnode1"}}]"#, status: 1)
        let snapshot = try await Docker(runner: runner).snapshot(
            containers: ["pgnode1"], volumes: ["a", "b"], images: ["c"])
        let docker = Docker(runner: runner, snapshot: snapshot)
        let count = runner.lines.count
        #expect(try await docker.labels(of: "volume", "a") == nil)
        #expect(try await docker.labels(of: "volume", "b") == ["pgaf.node": "pgnode1"])
        #expect(try await docker.container("pgnode1") == nil)
        #expect(runner.lines.count == count)
        _ = try await docker.labels(of: "volume", "other")
        #expect(runner.lines.last == ["docker", "volume", "inspect", "other"])
    }

    @Test func theDigestsByWhichRegistriesKnowAnImage() async throws {
        let runner = ScriptedRunner().on("docker", "image", "inspect", prints: "a@sha256:1\nm:5000/a@sha256:2\n\n")
        #expect(try await Docker(runner: runner).registryDigests(of: "a:b") == ["a@sha256:1", "m:5000/a@sha256:2"])
        let format = "{{range .RepoDigests}}{{println .}}{{end}}"
        #expect(runner.lines == [["docker", "image", "inspect", "--format", format, "a:b"]])
        // One that was built here.
        runner.on("docker", "image", "inspect", prints: "\n")
        #expect(try await Docker(runner: runner).registryDigests(of: "a:b").isEmpty)
    }

    @Test func theFirstSubnetOfANetwork() async throws {
        let runner = ScriptedRunner().on("docker", "network", "inspect", prints: "172.30.7.0/24 fd00::/64 \n")
        #expect(try await Docker(runner: runner).subnet(ofNetwork: "n")?.description == "172.30.7.0/24")
        runner.on("docker", "network", "inspect", prints: "\n")
        #expect(try await Docker(runner: runner).subnet(ofNetwork: "n") == nil)
    }

    @Test func nothingIsThereWhereDockerIsNot() async throws {
        let docker = Docker(runner: ScriptedRunner().lacks("docker"))
        #expect(try await docker.engineVersion() == nil)
        #expect(try await docker.container("a") == nil)
        #expect(try await docker.labels(of: "network", "a") == nil)
        #expect(try await docker.imageIdentifier("a") == nil)
        #expect(try await docker.registryDigests(of: "a").isEmpty)
        #expect(try await docker.subnet(ofNetwork: "a") == nil)
    }

    @Test func aClientWithoutAnEngineIsNoDocker() async throws {
        // The client alone prints an empty line and ends with 1, or with 0 in some releases.
        let runner = ScriptedRunner().on("docker", "version", prints: "\n", status: 1, error: "Cannot connect")
        #expect(try await Docker(runner: runner).engineVersion() == nil)
        runner.on("docker", "version", prints: "\n")
        #expect(try await Docker(runner: runner).engineVersion() == nil)
        runner.on("docker", "version", prints: "27.5.1\n")
        #expect(try await Docker(runner: runner).engineVersion() == "27.5.1")
    }

    @Test func labelledThingsByTheirKind() async throws {
        let runner = ScriptedRunner().on("docker", prints: "a\nb\n")
        let docker = Docker(runner: runner)
        #expect(try await docker.labelled("container", cluster: "pgaf") == ["a", "b"])
        #expect(try await docker.labelled("volume", cluster: "pgaf") == ["a", "b"])
        #expect(
            runner.lines == [
                ["docker", "ps", "--all", "--filter", "label=pgaf.cluster=pgaf", "--format", "{{.Names}}"],
                ["docker", "volume", "ls", "--filter", "label=pgaf.cluster=pgaf", "--format", "{{.Name}}"],
            ])
    }

    @Test(arguments: [
        ("write /var/lib/docker/tmp/x: no space left on device", ErrorCode.diskFull),
        ("Bind for 0.0.0.0:5001 failed: port is already allocated", .portInUse),
        ("listen tcp4 0.0.0.0:5001: bind: address already in use", .portInUse),
        ("Error response from daemon: Address already in use", .networkConflict),
        ("Error response from daemon: conflict", .nodeFailed),
    ])
    func failuresInPgafsWords(_ words: String, _ code: ErrorCode) async {
        let runner = ScriptedRunner().on("docker", "run", status: 125, error: words)
        let error = await #expect(throws: PgafError.self) {
            try await Docker(runner: runner).checked(["run", "x"], code: .nodeFailed)
        }
        #expect(error?.code == code && error?.output == [words])
        #expect(error?.cause == "`docker run x` ended with status 125")
    }
}
