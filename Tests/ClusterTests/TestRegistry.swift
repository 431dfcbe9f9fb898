import Foundation
import Shared
import TestSupport

/// A container registry on loopback, which Docker trusts without TLS, with one image in it: `library/ubuntu:focal`. That is
/// pgaf's own base image with the name of Ubuntu's release.
final class TestRegistry: Sendable {
    let address: String
    private let daemon: DaemonProcess
    private let runner = SubprocessRunner()
    private static let image = "ubuntu:focal"
    private static let former = "pgaf-test/former:focal"

    init(below directory: String) async throws {
        let port = ListeningPort.free()
        address = "127.0.0.1:\(port)"
        let configuration = """
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: \(directory)/registry}}
            http: {addr: "\(address)"}

            """
        try configuration.write(toFile: "\(directory)/registry.yml", atomically: true, encoding: .utf8)
        daemon = try DaemonProcess(
            ["/usr/bin/docker-registry", "serve", "\(directory)/registry.yml"], errorsTo: "\(directory)/registry.log")
        do {
            try await Wait(for: "the registry", upTo: .seconds(20), every: .milliseconds(50), hint: "").until {
                ListeningPort.answers(port) ? .found(()) : .notYet("no answer")
            }
            try await fill()
        } catch {
            daemon.end()
            throw error
        }
    }

    private func fill() async throws {
        let pushed = "\(address)/library/\(Self.image)"
        try await docker(["build", "--tag", pushed, "-"], input: Self.dockerfile)
        try await docker(["push", pushed])
        try await docker(["image", "rm", pushed])
        // One that somebody has here already gets its name back.
        if (try? await docker(["tag", Self.image, Self.former])) != nil {
            try await docker(["image", "rm", Self.image])
        }
    }

    private static let dockerfile = """
        FROM pgaf/base:trixie
        RUN sed -i 's/^ID=.*/ID=ubuntu/; s/^VERSION_CODENAME=.*/VERSION_CODENAME=focal/' /usr/lib/os-release

        """

    func stop() async {
        daemon.end()
        for image in [Self.image, "\(address)/library/\(Self.image)"] { _ = try? await docker(["image", "rm", image]) }
        if (try? await docker(["tag", Self.former, Self.image])) != nil {
            _ = try? await docker(["image", "rm", Self.former])
        }
    }

    @discardableResult
    private func docker(_ arguments: [String], input: String? = nil) async throws -> String {
        try await runner.checked(
            Command("docker", arguments, input: input.map(Secret.init), deadline: .seconds(120)),
            remedy: "Look at registry.log."
        ).trimmedOutput
    }
}
