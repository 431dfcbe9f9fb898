import Shared
import TestSupport

// What is fed is internal to its library, which only debug builds show.
#if DEBUG
    @testable import HostOrchestrator

    /// Everything that reads what somebody else has written. Whatever the bytes: no crash, no failure without a code of its
    /// own, nothing for a terminal but text.
    package enum FuzzTarget: String, CaseIterable, Sendable {
        /// Single lines through the decoder of events.
        case events
        /// An agent's whole output through its stream, the recorder and a display.
        case stream
        /// What Vagrant, ssh and Upload's script say.
        case tools
        case yaml
        /// What makes text harmless, and what cuts it into lines.
        case text

        /// - Throws: `BrokenPromise`.
        package func feed(_ bytes: [UInt8]) async throws {
            switch self {
            case .events: try Self.feedEvents(bytes)
            case .stream: try await Self.feedStream(bytes)
            case .tools: try Self.feedTools(bytes)
            case .yaml: try Self.feedYAML(bytes)
            case .text: try Self.feedText(bytes)
            }
        }

        /// Where mutation begins: the corpus, and a whole run of events.
        package func seeds() throws -> [[UInt8]] {
            switch self {
            case .events: try Corpus.cases("events.txt").map(\.bytes)
            case .stream: try Self.streams()
            case .tools: try Corpus.cases("ssh-config.txt").map(\.bytes) + Self.toolWords
            case .yaml:
                try (Corpus.cases("yaml.txt") + Corpus.documents("yaml")).map(\.bytes)
                    + [Array(ConfigurationReference.example().utf8)]
            case .text: try Corpus.texts().map { Array($0.utf8) }
            }
        }

        private static let toolWords: [[UInt8]] = [
            "1700000000,default,state,running\n1700000000,default,forwarded_port,5430,5431\n",
            "1,a,ui,info,==> default: a%!(VAGRANT_COMMA) b\\nc\n", "Progress: 41% (Rate: 0/s, Estimated time)\n",
            "[127.0.0.1]:2222 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBjqBq68QxYZmKX1jfWJysxbbz/s2tVpgceyb212w1KX\n",
            "begun\nsend\n", "\u{1b}[K\u{1b}[1;32m==> default: Booting VM\u{1b}[0m\r\n",
        ].map { Array($0.utf8) }

        /// All events of the corpus as a run that ends with one of the results, each with another beginning, which
        /// chooses display and pieces; and every event as a run of its own.
        private static func streams() throws -> [[UInt8]] {
            let events = try Corpus.cases("events.txt").filter { $0.isCarried && $0.bytes.count < 4096 }
                .compactMap { try? EventCoding.decode($0.text) }
            func lines(_ events: [Event]) throws -> [UInt8] {
                try events.enumerated().flatMap { index, event -> [UInt8] in
                    var event = event
                    event.seq = index + 1
                    return Array((try EventCoding.encode(event) + "\n").utf8)
                }
            }
            let results = events.filter { $0.body.type == "result" }
            let before = events.filter { $0.body.type != "result" }
            let heads: [[UInt8]] = [[0, 7], [1, 57], [2, 107], [3, 157], [128, 207]]
            let runs = try results.enumerated().map { try heads[$0 % heads.count] + lines(before + [$1]) }
            let head: [UInt8] = [0, 255]
            return try runs + events.map { try head + lines([$0]) }
        }
    }

    /// A promise that some input has broken.
    package struct BrokenPromise: Error, CustomStringConvertible {
        package var description: String

        init(_ description: String) { self.description = description }
    }
#endif
