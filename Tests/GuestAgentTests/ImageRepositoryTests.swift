import Shared
import Testing

@testable import GuestAgent

@Suite struct ImageRepositoryTests {
    private let machine = TestMachine()

    private func build(_ release: String) async throws -> [String: String] {
        for file in ["/run/x", "/var/lib/pgaf/x", "/usr/bin/gpg", "/etc/ssl/certs/ca-certificates.crt"] {
            try machine.place(file)
        }
        let files = machine.files
        machine.findEveryPackage()
        machine.runner.on("docker", "image", "inspect", "--format", prints: "sha256:1\n")
            .on("docker", "network", "inspect", "bridge", prints: #"[{"Labels":{}}]"#)
            .on("docker", "run", "--rm", prints: release).on("apt-get")
            .on("gpg", prints: "pub:-:\nfpr:::::::::B97B0AFCAA1A47F044F244A07FCB7D46ACCC4CF8:\n")
            .on("/usr/lib/apt/apt-helper") { command in
                try files.write("KEY", to: command.arguments.last ?? "")
                return CommandResult()
            }
            .on("docker", "build") { [weak machine] command in
                let directory = command.arguments.last ?? ""
                #expect(machine?.mode("\(directory)/pgdg.asc") == 0o644)
                #expect(machine?.mode("\(directory)/pgdg.list") == 0o644)
                for name in files.list(directory) {
                    try files.write(try files.read("\(directory)/\(name)") ?? "", to: "/run/built-\(name)")
                }
                return CommandResult()
            }
        var configuration = Configuration()
        configuration.image.base = "registry.example/own@sha256:\(String(repeating: "a", count: 64))"
        configuration.packages[.pgdg] = "http://m/pgdg"
        let context = machine.context(TestMachine.topology(configuration, source: .pgdg))
        try await ImageStep().apply([Change(.create, "image", "")], context)
        return try Dictionary(
            uniqueKeysWithValues: files.list("/run").filter { $0.hasPrefix("built-") }.map {
                ($0, try files.read("/run/\($0)") ?? "")
            })
    }

    @Test func theReleaseOfTheBaseImageChoosesTheSuite() async throws {
        let built = try await build("NAME=x\nVERSION_CODENAME=bookworm\n")
        #expect(
            built["built-pgdg.list"]
                == "deb [signed-by=/etc/apt/keyrings/pgdg.asc] http://m/pgdg bookworm-pgdg main\n")
        #expect(built["built-pgdg.asc"] == "KEY")
        #expect(built["built-Dockerfile"]?.hasPrefix("FROM registry.example/own@sha256:aaaa") == true)
    }

    @Test(arguments: ["", "VERSION_CODENAME=\n", "VERSION_CODENAME=a b\n", "VERSION_CODENAME=\"$(id)\"\n"])
    func anImageOfAnotherSystemIsRefused(_ release: String) async {
        let error = await #expect(throws: PgafError.self) { try await build(release) }
        #expect(error?.code == .imageBuildFailed && !machine.runner.saw("docker", "build"))
    }
}
