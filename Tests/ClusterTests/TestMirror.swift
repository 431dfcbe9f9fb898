import Foundation
import Shared
import TestSupport

/// The tests' repositories served over HTTP and over TLS, where this machine and the containers on it reach them; also a
/// proxy, which has both under the name `mirror.invalid`, and a registry that has the base image.
final class TestMirror: Sendable {
    /// Address of Docker's own bridge: of this machine for everybody on it.
    let host: String
    let port: Int
    let fingerprints: [String: String]
    let registry: TestRegistry
    private let scratch = ScratchDirectory()
    private let servers: [DaemonProcess]
    private let slowPort: Int
    private let securePort: Int

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
        let host = try await SubprocessRunner().checked(
            Command("docker", ["network", "inspect", "bridge", "--format", format]), remedy: "Start Docker."
        ).trimmedOutput
        let directory = scratch.path
        let (port, slowPort, securePort) = (ListeningPort.free(), ListeningPort.free(), ListeningPort.free())
        (self.host, self.port, self.slowPort, self.securePort) = (host, port, slowPort, securePort)
        // Side by side: both compress for seconds.
        async let built = TestRepositories.build(in: directory, host: host)
        registry = try await TestRegistry(below: directory)
        fingerprints = try await built
        servers = try [
            ["\(port)", "0", "\(securePort)"], ["\(slowPort)", "2", "\(securePort)"],
            ["\(securePort)", "0", "\(port)", "\(directory)/mirror.pem"],
        ].map { words in
            try DaemonProcess(
                ["/usr/bin/env", "python3", "-c", Self.server, "\(directory)/www"] + words,
                outputTo: "\(directory)/requests", errorsTo: "\(directory)/errors.log")
        }
        try await Wait(for: "the mirrors", upTo: .seconds(20), every: .milliseconds(50), hint: "").until {
            [port, slowPort, securePort].allSatisfy(ListeningPort.answers) ? .found(()) : .notYet("no answer")
        }
    }

    private func stop() async {
        for server in servers { server.end() }
        await registry.stop()
    }

    /// Address of one of the directories; the slow one takes 2 s for each answer.
    func address(_ name: String, slow: Bool = false) -> String { "http://\(host):\(slow ? slowPort : port)/\(name)" }

    /// The same over TLS; what is asked for below `downgrade` leads to the directory `good` over plain HTTP.
    func secureAddress(_ name: String) -> String { "https://\(host):\(securePort)/\(name)" }

    /// The certificate of the authority by which the mirror over TLS is known, PEM.
    var authority: String { scratch.text("\(scratch.path)/authority.crt") }

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

    /// What was asked for so far: paths, the whole addresses of what came over TLS or to it as a proxy, and
    /// `CONNECT HOST:PORT`.
    var requests: [String] { scratch.text("\(scratch.path)/requests").split(separator: "\n").map(String.init) }

    /// Arguments: directory, port, seconds before each answer, the port of the other server (of the one over TLS for
    /// `CONNECT`, of the plain one for `downgrade`), and a certificate with its key where it serves over TLS.
    private static let server = #"""
        import http.server, select, shutil, socket, ssl, sys, time, urllib.error, urllib.request
        directory, port, delay, other = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
        certificate = sys.argv[5:]
        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *words):
                super().__init__(*words, directory=directory)
            def do_GET(self):
                base = "https://" + self.headers["Host"] if certificate else ""
                print(base + self.path + "\n", end="", flush=True)
                time.sleep(delay)
                own = "http://mirror.invalid/"
                if self.path.startswith(own):
                    self.path = "/" + self.path[len(own):]
                if self.path.startswith("http://"):
                    return self.relay()
                if self.path.startswith("/downgrade/"):
                    self.send_response(302)
                    place = self.headers["Host"].split(":")[0] + f":{other}/good/" + self.path[len("/downgrade/"):]
                    self.send_header("Location", "http://" + place)
                    return self.end_headers()
                super().do_GET()
            def do_CONNECT(self):
                print("CONNECT " + self.path + "\n", end="", flush=True)
                with socket.create_connection(("127.0.0.1", other)) as server:
                    self.send_response(200)
                    self.end_headers()
                    ends = {self.connection: server, server: self.connection}
                    while True:
                        for end in select.select(list(ends), [], [])[0]:
                            piece = end.recv(65536)
                            if not piece:
                                return
                            ends[end].sendall(piece)
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
        class Server(http.server.ThreadingHTTPServer):
            def shutdown_request(self, request):
                # TLS wants to be told of an end, or it may be an attacker's.
                if certificate:
                    try:
                        request = request.unwrap()
                    except OSError:
                        pass
                super().shutdown_request(request)
        server = Server(("", port), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate[0])
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.serve_forever()
        """#
}
