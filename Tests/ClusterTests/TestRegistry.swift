import Foundation
import Shared
import TestSupport

/// A container registry on loopback, which Docker trusts without TLS, with one image in it: `library/ubuntu:focal`. That is
/// pgaf's own base image with the name of Ubuntu's release.
final class TestRegistry: Sendable {
    let address: String
    /// Of the image that has the tag at first: `sha256:DIGEST`.
    let digest: String
    private let daemon: DaemonProcess
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
        let daemon = try DaemonProcess(
            ["/usr/bin/docker-registry", "serve", "\(directory)/registry.yml"], errorsTo: "\(directory)/registry.log")
        self.daemon = daemon
        do {
            try await Wait(for: "the registry", upTo: .seconds(20), every: .milliseconds(50), hint: "").until {
                ListeningPort.answers(port) ? .found(()) : .notYet("no answer")
            }
            digest = try await Self.push(Self.dockerfile, to: address)
            // One that somebody has here already gets its name back.
            if (try? await Self.docker(["tag", Self.image, Self.former])) != nil {
                try await Self.docker(["image", "rm", Self.image])
            }
        } catch {
            daemon.end()
            throw error
        }
    }

    /// Gives the tag to another image, as Ubuntu does every few weeks.
    ///
    /// - Returns: its digest.
    func moveTag() async throws -> String { try await Self.push(Self.dockerfile + "RUN touch /moved\n", to: address) }

    /// What a cluster calls the first image that remembers what the tag was.
    var remembered: String { ImageReference(Self.image, remembered: digest).local }

    /// - Returns: the digest by which the registry has the image.
    private static func push(_ dockerfile: String, to address: String) async throws -> String {
        let name = "\(address)/library/\(image)"
        try await docker(["build", "--tag", name, "-"], input: dockerfile)
        // The last line is `focal: digest: sha256:DIGEST size: 529`.
        let words = try await docker(["push", name]).split(whereSeparator: \.isWhitespace)
        try await docker(["image", "rm", name])
        guard let digest = words.last(where: { $0.hasPrefix("sha256:") }) else {
            throw PgafError(.dockerFailed, "`docker push` did not print the image's digest.", remedy: "")
        }
        return String(digest)
    }

    private static let dockerfile = """
        FROM pgaf/base:trixie
        RUN sed -i 's/^ID=.*/ID=ubuntu/; s/^VERSION_CODENAME=.*/VERSION_CODENAME=focal/' /usr/lib/os-release

        """

    func stop() async {
        daemon.end()
        let name = "\(address)/library/\(Self.image)"
        for image in [Self.image, remembered, name, "\(address)/library/ubuntu@\(digest)"] {
            _ = try? await Self.docker(["image", "rm", image])
        }
        if (try? await Self.docker(["tag", Self.former, Self.image])) != nil {
            _ = try? await Self.docker(["image", "rm", Self.former])
        }
    }

    @discardableResult
    private static func docker(_ arguments: [String], input: String? = nil) async throws -> String {
        try await SubprocessRunner().checked(
            Command("docker", arguments, input: input.map(Secret.init), deadline: .seconds(120)),
            remedy: "Look at registry.log."
        ).trimmedOutput
    }
}
