import Foundation
import Shared
import TestSupport

/// A Debian machine without Docker, as a container that is removed at the end: its apt is its own, the engine that comes up
/// when Docker's client is installed is this machine's.
struct ThrowawayMachine {
    private let runner = SubprocessRunner()
    private let name = "pgaf-test-machine-\(RunIdentifier.new().suffix(8))"
    /// Kept for the next run; its build is the one part that needs the Debian archive.
    private static let image = "pgaf-test/machine"

    /// What a machine has that was made for people; the agent would install it.
    private static let dockerfile = """
        FROM pgaf/base:trixie
        RUN apt-get update && apt-get install -y --no-install-recommends gpg ca-certificates

        """

    static func run(_ body: (ThrowawayMachine) async throws -> Void) async throws {
        let machine = ThrowawayMachine()
        try await machine.start()
        do {
            try await body(machine)
        } catch {
            try await machine.docker(["rm", "--force", machine.name])
            throw error
        }
        try await machine.docker(["rm", "--force", machine.name])
    }

    /// The base image, which every cluster of the source `debian` stands on; and the nodes' image.
    static func prepareBaseImage() async throws {
        try await SubprocessRunner().checked(
            Command(agent, ["prepare", "--set", "packages.source=debian"], deadline: .seconds(300)), remedy: "")
    }

    private static let agent = "\(PgafProject.root)/.build-agent/release/pgaf-agent"

    private func start() async throws {
        try await docker(["build", "--tag", Self.image, "-"], input: Self.dockerfile)
        try await docker([
            "run", "--detach", "--name", name, "--network", "host", "--volume",
            "/var/run/docker.sock:/var/run/docker.sock", Self.image,
            "sleep", "infinity",
        ])
        try await docker(["cp", Self.agent, "\(name):/usr/bin/pgaf-agent"])
    }

    /// Runs a program in it.
    func run(_ words: [String]) async throws -> CommandResult {
        try await runner.run(Command("docker", ["exec", name] + words, deadline: .seconds(300)))
    }

    /// Runs the agent with these keys of pgaf.yaml.
    func agent(_ verb: [String], _ settings: [String: String]) async throws -> CommandResult {
        try await run(words(verb, settings))
    }

    private func words(_ verb: [String], _ settings: [String: String]) -> [String] {
        let flags = settings.sorted { $0.key < $1.key }.flatMap { ["--set", "\($0.key)=\($0.value)"] }
        return ["pgaf-agent"] + verb + flags
    }

    /// The same while another program has the lock on apt's lists, as `apt-get update` has it, until the agent says that it
    /// waits for that.
    func agentWithoutLists(_ verb: [String], _ settings: [String: String]) async throws -> CommandResult {
        try await run(["sh", "-c", Self.holding, "holding"] + words(verb, settings))
    }

    /// The numbers are those of `struct flock` on Linux with 64 bits.
    private static let holding = #"""
        perl -MFcntl -e '
            open F, ">", "/var/lib/apt/lists/lock" or die;
            my $lock = pack("ssx4qqix4", F_WRLCK, 0, 0, 0, 0);
            fcntl(F, F_SETLK, $lock) or die;
            sleep 300' &
        holder=$!
        "$@" >/told 2>&1 &
        agent=$!
        while kill -0 $agent 2>/dev/null && ! grep -q 'waiting for another apt' /told; do sleep 0.1; done
        kill $holder
        wait $agent
        status=$?
        cat /told
        exit $status
        """#

    /// Each package with its version and state, whether there is a `docker`, and a sum of each file that tells apt
    /// something or that pgaf keeps, but for the journals of its runs.
    func traces() async throws -> String { try await docker(["exec", name, "sh", "-c", Self.tracing]).standardOutput }

    private static let tracing = #"""
        set -e
        dpkg-query --show --showformat '${Package} ${Version} ${db:Status-Abbrev}\n'
        command -v docker || true
        find /etc/apt $(ls -d /var/lib/pgaf 2>/dev/null) -path /var/lib/pgaf/runs -prune -o \
            -type f -exec sha256sum {} + | sort
        """#

    @discardableResult
    private func docker(_ arguments: [String], input: String? = nil) async throws -> CommandResult {
        try await runner.checked(
            Command("docker", arguments, input: input.map(Secret.init), deadline: .seconds(120)), remedy: "")
    }
}
