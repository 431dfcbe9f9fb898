import Shared
import TestSupport
import Testing

@testable import GuestAgent

@Suite struct MachineReadingTests {
    @Test func fieldsOfOsRelease() {
        let fields = MachineFacts.fields(
            """
            PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
            ID=debian
            EMPTY=
            QUOTE="
            NOTE="a=b"
            # a comment
            """)
        #expect(fields["PRETTY_NAME"] == "Debian GNU/Linux 13 (trixie)" && fields["ID"] == "debian")
        #expect(fields["EMPTY"] == "" && fields["QUOTE"] == "\"" && fields["NOTE"] == "a=b" && fields.count == 5)
    }

    @Test func theWholeMachine() async throws {
        let machine = TestMachine()
        try machine.place("/etc/os-release", "ID=debian\nVERSION_CODENAME=trixie\nPRETTY_NAME=\"Debian 13\"\n")
        try machine.place("/proc/meminfo", "MemFree: 1 kB\nMemTotal:        6291456 kB\n")
        try machine.place("/var/lib/docker/x")
        machine.runner.on("df", prints: "1M-blocks\n    40000\n").on(
            "uname", prints: "6.12.1-amd64 x86_64\n")
        let facts = try await MachineFacts.read(runner: machine.runner, files: machine.files)
        #expect(facts.distribution == "debian" && facts.codename == "trixie" && facts.prettyName == "Debian 13")
        #expect(facts.memoryMiB == 6144 && facts.diskMiB == 40_000 && facts.cpus > 0)
        #expect(facts.kernel == "6.12.1-amd64" && facts.architecture == "x86_64")
        #expect(machine.runner.lines[0] == ["df", "--output=size", "--block-size=1M", "/var/lib/docker"])
    }

    @Test func aMachineThatSaysNothing() async throws {
        let machine = TestMachine()
        machine.runner.on("df", status: 1).on("uname", status: 1)
        let facts = try await MachineFacts.read(runner: machine.runner, files: machine.files)
        #expect(facts.distribution == "unknown" && facts.memoryMiB == 0 && facts.diskMiB == 0)
    }

    @Test func aPortThatIsReallyBound() throws {
        let loopback = try #require(IPv4Address("127.0.0.1"))
        let everywhere = try #require(IPv4Address("0.0.0.0"))
        let port = ListeningPort()
        try withExtendedLifetime(port) {
            try #require(port.number > 0)
            #expect(!PortProbe.isFree(loopback, port.number))
            #expect(!PortProbe.isFree(everywhere, port.number))
        }
        #expect(PortProbe.isFree(loopback, ListeningPort.free()))
    }
}

@Suite struct BuildProgressTests {
    @Test(arguments: [
        ("Step 1/10 : FROM pgaf/base:trixie", 0.0), ("Step 6/10 : RUN apt-get update", 0.5),
        ("Step 10/10 : CMD [\"pg_autoctl\"]", 0.9), ("#7 [3/4] RUN apt-get update", 0.5),
        ("#12 [stage-0  2/4] COPY a b", 0.25), ("#8 [ 1/10] FROM x", 0.0),
    ])
    func linesOfBothBuilders(_ line: String, _ fraction: Double) {
        #expect(BuildProgress.fraction(of: line) == fraction)
    }

    @Test(arguments: [
        "", "Step", "Step x/y", "Step 3/0 : RUN", "Step 4/3 : RUN", "#1 [internal] load build definition", "# [",
        "#7 ]3/4[",
        "#7 [3/4", " ---> Running in 4f0a", "Setting up a [3/4]", "#7 0.123 Get:3/4",
    ])
    func otherLines(_ line: String) {
        #expect(BuildProgress.fraction(of: line) == nil)
    }
}
