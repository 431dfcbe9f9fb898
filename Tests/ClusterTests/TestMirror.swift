import Foundation
import Shared
import TestSupport

/// The tests' repositories served over HTTP, where this machine and the containers on it reach them; also a proxy, which
/// has them under the name `mirror.invalid`, and a registry that has the base image.
final class TestMirror: Sendable {
    /// Address of Docker's own bridge: of this machine for everybody on it.
    let host: String
    let port: Int
    let fingerprints: [String: String]
    let registry: TestRegistry
    private let scratch = ScratchDirectory()
    private let servers: [DaemonProcess]
    private let slowPort: Int

    /// Runs the body with mirrors, and ends them afterwards.
    static func run(_ body: (TestMirror) async throws -> Void) async throws {
        let mirror = try await TestMirror()
        do {
            try await body(mirror)
        } catch {
            await mirror.stop()
            throw error
        }
        await mirror.stop()
    }

    private init() async throws {
        let format = "{{(index .IPAM.Config 0).Gateway}}"
        host = try await SubprocessRunner().checked(
            Command("docker", ["network", "inspect", "bridge", "--format", format]), remedy: "Start Docker."
        ).trimmedOutput
        fingerprints = try await TestRepositories.build(in: scratch.path)
        let (port, slowPort, directory) = (ListeningPort.free(), ListeningPort.free(), scratch.path)
        (self.port, self.slowPort) = (port, slowPort)
        registry = try await TestRegistry(below: directory)
        servers = try [(port, "0"), (slowPort, "2")].map { port, delay in
            try DaemonProcess(
                ["/usr/bin/env", "python3", "-c", Self.server, "\(directory)/www", "\(port)", delay],
                outputTo: "\(directory)/requests.\(delay)", errorsTo: "\(directory)/errors.log")
        }
        try await Wait(for: "the mirrors", upTo: .seconds(20), every: .milliseconds(50), hint: "").until {
            [port, slowPort].allSatisfy(ListeningPort.answers) ? .found(()) : .notYet("no answer")
        }
    }

    private func stop() async {
        for server in servers { server.end() }
        await registry.stop()
    }

    /// Address of one of the directories; the slow one takes 2 s for each answer.
    func address(_ name: String, slow: Bool = false) -> String { "http://\(host):\(slow ? slowPort : port)/\(name)" }

    /// The keys of pgaf.yaml for mirrors that are in order.
    ///
    /// - Parameter base: what stands before `/docker` and so on.
    func settings(base: String? = nil) -> [String: String] {
        let base = base ?? address("good")
        let key = fingerprints["good"] ?? ""
        return [
            "packages.source": "pgdg", "packages.mirrors.docker": "\(base)/docker",
            "packages.mirrors.pgdg": "\(base)/pgdg", "packages.mirrors.pgdg_archive": "\(base)/archive",
            "packages.mirrors.registry": registry.address, "packages.keys.docker": key, "packages.keys.pgdg": key,
            "image.base": "ubuntu:focal",
        ]
    }

    /// What was asked for so far: the whole addresses that came to it as a proxy, and paths.
    var requests: [String] { scratch.text("\(scratch.path)/requests.0").split(separator: "\n").map(String.init) }

    private static let server = """
        import http.server, shutil, sys, time, urllib.error, urllib.request
        directory, port, delay = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *words):
                super().__init__(*words, directory=directory)
            def do_GET(self):
                print(self.path, flush=True)
                time.sleep(delay)
                own = "http://mirror.invalid/"
                if self.path.startswith(own):
                    self.path = "/" + self.path[len(own):]
                if self.path.startswith("http://"):
                    return self.relay()
                super().do_GET()
            def relay(self):
                try:
                    with urllib.request.urlopen(self.path, timeout=60) as answer:
                        self.send_response(200)
                        self.send_header("Content-Length", answer.headers["Content-Length"])
                        self.end_headers()
                        shutil.copyfileobj(answer, self.wfile)
                except urllib.error.HTTPError as error:
                    self.send_error(error.code)
            def log_message(self, *words):
                pass
        http.server.ThreadingHTTPServer(("", port), Handler).serve_forever()
        """
}
