import Shared
import Synchronization
import TestSupport

#if DEBUG
    @testable import HostOrchestrator

    extension FuzzTarget {
        private static func expect(_ holds: Bool, _ promise: @autoclosure () -> String) throws {
            if !holds { throw BrokenPromise(promise()) }
        }

        private static func expectHarmless(_ text: String, _ what: String) throws {
            let harmful = text.unicodeScalars.first { $0 != "\n" && $0.isHarmfulInTerminals }
            try expect(harmful == nil, "\(what) has U+\(String(harmful?.value ?? 0, radix: 16))")
        }

        /// The error of something that may fail, but only with one of these codes.
        private static func failure(of codes: Set<ErrorCode>, _ work: () throws -> Void) throws -> PgafError? {
            do {
                try work()
                return nil
            } catch let error as PgafError {
                try expect(codes.contains(error.code), "\(error)")
                return error
            }
        }

        static func feedEvents(_ bytes: [UInt8]) throws {
            var splitter = LineSplitter(limit: EventCoding.maximumLineLength + 1, breaksAtCarriageReturn: false)
            for line in splitter.append(bytes) + [splitter.finish()].compactMap({ $0 }) {
                let error = try failure(of: [.protocolViolation, .protocolMismatch]) {
                    let event = try EventCoding.decode(line)
                    let shown = event.mapTexts { TerminalText.clean($0) }
                    // A long one may have to be cut when it is written again.
                    guard line.utf8.count < 8192 else { return }
                    try expectHarmless(try EventCoding.encode(shown), "an event")
                    if case .result(let result) = shown.body {
                        try expectHarmless(summary(result, nil).joined(separator: "\n"), "the end of a run")
                    }
                    if case .unknown = event.body { return }
                    let again = try EventCoding.decode(EventCoding.encode(event))
                    try expect(again == event, "an event comes back changed")
                }
                if let error { try expectHarmless(error.description, "an error") }
            }
        }

        static func feedStream(_ bytes: [UInt8]) async throws {
            guard bytes.count > 2 else { return }
            let output = Written()
            let display: any EventDisplay =
                switch bytes[0] % 4 {
                case 0: PlainDisplay(output: output, elapsed: { 1 })
                case 1:
                    LiveDisplay(
                        output: output, style: TerminalStyle(colour: true, unicode: true), size: { (60, 12) },
                        elapsed: { 1 })
                case 2: JSONDisplay(output: output)
                default: EventList(output: output)
                }
            let recorder = RunRecorder(showing: "fuzz", on: display)
            let stream = AgentStream(run: nil, recorder: recorder)
            let size = Int(bytes[1]) + 1
            do {
                for start in stride(from: 2, to: bytes.count, by: size) {
                    let piece = Array(bytes[start..<min(start + size, bytes.count)])
                    try await stream.take(bytes[0] > 127 ? .standardError(piece) : .standardOutput(piece))
                }
                _ = try await stream.finish(.exited(0))
            } catch let error as PgafError {
                let codes: Set<ErrorCode> = [.protocolViolation, .protocolMismatch, .agentDied]
                // Or one that the agent tells, word for word.
                let lines = String(decoding: bytes.dropFirst(2), as: UTF8.self).split(separator: "\n")
                let told = lines.compactMap { PgafError(toldBy: String($0)) }
                try expect(told.contains(error) || codes.contains(error.code), "\(error)")
                try expectHarmless(TerminalText.cleanLines(error.description), "an error")
            }
            display.tick()
            display.finish()
            let state = await recorder.tally.state
            if let state { output.write(StatusTable.lines(state).joined(separator: "\n")) }
            if let result = await stream.result { output.write(summary(result, state).joined(separator: "\n")) }
            try expectHarmless(output.text.withoutOwnSequences, "what is shown")
            try expect(await stream.lastErrorLines.joined().utf8.count < 1 << 20, "too much of standard error is kept")
        }

        /// What `up`, a change of roles, a stop or a start says at its end.
        private static func summary(_ result: RunResult, _ state: FormationState?) -> [String] {
            let target = ConnectionStrings.Target(name: "a", endpoint: Endpoint(address: "127.0.0.1", port: 1))
            let outcome = UpRun.Outcome(
                strings: ConnectionStrings(
                    nodes: [target], monitor: target, user: "u", database: "d", monitorUser: "m"),
                state: state, warnings: result.warnings, steps: 1, changed: result.changed, took: .seconds(1))
            return Summary.lines(outcome, cluster: "c", log: nil)
                + (result.roles.map(RoleChangeText.lines) ?? [])
                + (result.cluster.map(ClusterChangeText.lines) ?? [])
        }

        static func feedTools(_ bytes: [UInt8]) throws {
            let text = String(decoding: bytes, as: UTF8.self)
            let error = try failure(of: [.vagrantFailed]) {
                let config = try VagrantSSHConfig(text)
                try expect((1...65535).contains(config.port), "the port is \(config.port)")
                _ = SSHClientCommand.interactive(config.parameters(knownHosts: "/k"), remote: [text], terminal: true)
            }
            if let error { try expectHarmless(TerminalText.cleanLines(error.description), "an error") }
            let lines = VagrantMachineReadable(text)
            _ = lines.state
            try expect(lines.forwardedPorts.values.allSatisfy { (1...65535).contains($0) }, "a port is out of range")
            _ = HostKeyFingerprint.all(inKnownHosts: text)
            _ = Upload.reply(text)
            var splitter = LineSplitter()
            for line in splitter.append(bytes) {
                guard let clean = VagrantPhase.cleaned(line) else { continue }
                try expectHarmless(clean, "a line of Vagrant's")
                _ = VagrantPhase.fraction(clean)
                _ = VagrantPhase.recognise(clean)
            }
        }

        static func feedYAML(_ bytes: [UInt8]) throws {
            do {
                let loaded = try ConfigurationLoader.load(file: "f", reading: { _ in bytes })
                try ConfigurationValidator.validate(loaded.configuration)
                let settings = loaded.configuration.machine.vagrant
                let file = Vagrantfile(settings: settings, provider: .virtualbox, forwards: [], emulated: false)
                try expect(file.text.utf8.allSatisfy { $0 == 10 || (32..<127).contains($0) }, "a Vagrantfile of bytes")
            } catch let error as PgafError {
                try expect(error.code.rawValue.hasPrefix("configuration."), "\(error)")
                let lines = error.message.split(separator: "\n")
                try expect(lines.allSatisfy { $0.hasPrefix("f:") || $0.hasPrefix("…") }, "no place: \(error.message)")
                try expectHarmless(error.description, "an error")
            }
        }

        static func feedText(_ bytes: [UInt8]) throws {
            let text = String(decoding: bytes, as: UTF8.self)
            let clean = TerminalText.clean(text)
            try expectHarmless(clean.replacing("\n", with: "!"), "cleaned text")
            try expect(TerminalText.clean(clean) == clean, "cleaning twice differs")
            try expectHarmless(TerminalText.cleanLines(text), "cleaned lines")
            try expectHarmless(text.shown, "shown text")
            try expect(TerminalText.width(TerminalText.fit(clean, 20)) <= 20, "fitted text is too wide")
            try expect(RubyLiteral.string(text).utf8.allSatisfy { (32..<127).contains($0) }, "a literal of bytes")
            try expect(Redactor([Secret("abcd")]).redact(text).contains("abcd") == false, "a secret is left")
            // Where the pieces are cut makes no difference.
            func lines(_ size: Int) -> [String] {
                var splitter = LineSplitter(limit: 50)
                let pieces = stride(from: 0, to: bytes.count, by: size).map { bytes[$0..<min($0 + size, bytes.count)] }
                return pieces.flatMap { splitter.append($0) } + [splitter.finish()].compactMap { $0 }
            }
            try expect(lines(3) == lines(max(1, bytes.count)), "lines depend on the pieces")
        }
    }

    /// What a display wrote.
    private final class Written: TextOutput {
        private let kept = Mutex("")

        func write(_ text: String) { kept.withLock { $0 += text } }
        var text: String { kept.withLock { $0 } }
    }
#endif
