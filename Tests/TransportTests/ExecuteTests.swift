import Foundation
import HostOrchestrator
import Shared
import Synchronization
import TestSupport
import Testing

extension TransportSuite {
    @Suite struct ExecuteTests {
        @Test func givesOutputsAndStatusOfOneProgramAfterAnother() async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                for status in [Int32(0), 3, 255] {
                    let recording = Recording()
                    let end = try await connection.execute(
                        ["sh", "-c", "echo out; echo err >&2; exit \(status)"], input: nil, onOutput: recording.take)
                    #expect(end == .exited(status))
                    #expect(recording.text == "out\n")
                    #expect(recording.error == Array("err\n".utf8))
                }
                await connection.close()
                let error = await failure { _ = try await connection.execute(["true"], input: nil) { _ in } }
                #expect(error?.code == .linkLost)
            }
        }

        @Test func argumentsArriveByteForByte() async throws {
            // A login shell takes 128 KiB as its one argument.
            let texts = try Corpus.texts().filter { !$0.utf8.contains(0) && $0.utf8.count <= 5000 } + ["-n", "a\nb\t"]
            try await TestServer.run { server in
                let connection = try await server.connect()
                for start in stride(from: 0, to: texts.count, by: 40) {
                    let piece = Array(texts[start..<min(start + 40, texts.count)])
                    let recording = Recording()
                    let end = try await connection.execute(
                        ["sh", "-c", "printf '%s\\0' \"$@\"", "sh"] + piece, input: nil, onOutput: recording.take)
                    #expect(end == .exited(0))
                    #expect(recording.output == piece.flatMap { Array($0.utf8) + [0] })
                }
                let long = String(repeating: "x'", count: 12_000)
                let recording = Recording()
                _ = try await connection.execute(["printf", "%s", long], input: nil, onOutput: recording.take)
                #expect(recording.text == long)
                await connection.close()
            }
        }

        @Test func aHundredThousandEventsArriveCompleteAndInOrder() async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                let recording = Recording()
                let program = """
                    BEGIN { for (i = 1; i <= 100000; i++) \
                    printf "{\\"seq\\":%d,\\"type\\":\\"step.output\\",\\"line\\":\\"%0100d\\"}\\n", i, i }
                    """
                let end = try await connection.execute(["awk", program], input: nil, onOutput: recording.take)
                #expect(end == .exited(0))
                let lines = recording.output.split(separator: UInt8(ascii: "\n"))
                #expect(lines.count == 100_000)
                let ordered = lines.enumerated().allSatisfy { index, line in
                    line.starts(with: "{\"seq\":\(index + 1),".utf8) && line.last == UInt8(ascii: "}")
                }
                #expect(ordered)
                await connection.close()
            }
        }

        @Test func silenceIsNotTheEnd() async throws {
            try await TestServer.run { server in
                var parameters = server.parameters()
                parameters.connectTimeout = .milliseconds(900)
                parameters.keepaliveInterval = .milliseconds(200)
                parameters.keepaliveTimeout = .milliseconds(900)
                let connection = try await SSHConnection.open(parameters)
                let recording = Recording()
                let end = try await connection.execute(
                    ["sh", "-c", "exec 3>&1; sleep 3; echo late; sleep 1; exit 5"], input: nil, onOutput: recording.take
                )
                #expect(end == .exited(5))
                #expect(recording.text == "late\n")
                await connection.close()
            }
        }

        @Test func aFloodOnStandardErrorBlocksNothing() async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                let recording = Recording()
                let end = try await connection.execute(
                    ["sh", "-c", "echo first; head -c 20000000 /dev/zero >&2; echo last"], input: nil,
                    onOutput: recording.take)
                #expect(end == .exited(0))
                #expect(recording.text == "first\nlast\n")
                #expect(recording.error.count == 20_000_000)
                await connection.close()
            }
        }

        @Test func largeInputToAProgramThatAnswersWhileWeWrite() async throws {
            let text = String((0..<800_000).flatMap { "line \($0)\n" })
            try await TestServer.run { server in
                let connection = try await server.connect()
                let recording = Recording()
                let end = try await connection.execute(["cat"], input: Secret(text), onOutput: recording.take)
                #expect(end == .exited(0))
                #expect(recording.output == Array(text.utf8))
                await connection.close()
            }
        }

        @Test func aProgramThatDoesNotReadItsInputEndsAllTheSame() async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                let input = Secret(String(repeating: "x", count: 10_000_000))
                let end = try await connection.execute(["sh", "-c", "exit 4"], input: input) { _ in }
                #expect(end == .exited(4))
                await connection.close()
            }
        }

        @Test(arguments: ["KILL", "TERM", "SEGV"])
        func deathBySignalIsReportedAsSuch(_ signal: String) async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                let end = try await connection.execute(["sh", "-c", "kill -\(signal) $$; sleep 9"], input: nil) { _ in }
                #expect(end == .signalled(signal))
                await connection.close()
            }
        }

        @Test func aSlowReaderSlowsTheSender() async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                let tally = "\(server.directory)/tally"
                // 30 MB, with a stroke for every 50 kB that somebody has taken.
                let program = "for piece in $(seq 600); do head -c 50000 /dev/zero; printf '|' >>\"$1\"; done"
                let recording = Recording()
                let end = try await connection.execute(["sh", "-c", program, "sh", tally], input: nil) { chunk in
                    // Our reader rests after its first piece, until the program does.
                    if recording.output.isEmpty {
                        let written = try await Self.lastSize(of: tally)
                        #expect(written < 300)
                    }
                    recording.take(chunk)
                }
                #expect(end == .exited(0))
                #expect(recording.output.count == 30_000_000)
                await connection.close()
            }
        }

        /// Waits until a file grows no more: ten looks in a second have found the same.
        ///
        /// - Returns: its size in bytes.
        private static func lastSize(of file: String) async throws -> Int {
            let sizes = Mutex<[Int]>([])
            return try await Wait(
                for: "\(file) to grow no more", upTo: .seconds(40), every: .milliseconds(100), hint: ""
            ).until {
                let size = try MachineFiles().read(file)?.utf8.count ?? 0
                let isLast = sizes.withLock { sizes in
                    sizes.append(size)
                    return sizes.count >= 10 && sizes.suffix(10).allSatisfy { $0 == size }
                }
                return size > 0 && isLast ? .found(size) : .notYet("\(size) bytes")
            }
        }

        @Test func programsSideBySideOnOneConnection() async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                let ends = try await withThrowingTaskGroup(of: RemoteStatus.self) { group in
                    for number in 0..<5 {
                        group.addTask {
                            let recording = Recording()
                            let end = try await connection.execute(
                                ["sh", "-c", "head -c 3000000 /dev/zero; sleep 0.\(number); exit \(number)"],
                                input: nil,
                                onOutput: recording.take)
                            #expect(recording.output.count == 3_000_000)
                            return end
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(Set(ends.map(\.words)).count == 5)
                await connection.close()
            }
        }

        @Test func cancellationEndsTheWaitAndNotTheConnection() async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                let recording = Recording()
                let task = Task {
                    try await connection.execute(
                        ["sh", "-c", "echo started; exec sleep 60"], input: nil, onOutput: recording.take)
                }
                try await waitFor("started", in: recording)
                task.cancel()
                let result = await task.result
                #expect(throws: CancellationError.self) { try result.get() }
                let end = try await connection.execute(["true"], input: nil) { _ in }
                #expect(end == .exited(0))
                await connection.close()
            }
        }

        @Test func cancellationBreaksThePipeOfAProgramThatGoesOnWriting() async throws {
            try await TestServer.run { server in
                let connection = try await server.connect()
                let marker = "\(server.directory)/ended"
                let recording = Recording()
                let task = Task {
                    try await connection.execute(
                        ["sh", "-c", "trap '' PIPE; echo started; cat /dev/zero; touch \"$1\"", "sh", marker],
                        input: nil,
                        onOutput: recording.take)
                }
                try await waitFor("started", in: recording)
                task.cancel()
                _ = await task.result
                _ = try await Wait(for: "the program's end", upTo: .seconds(5), hint: "").until {
                    () -> Wait.Observation<Bool> in
                    FileManager.default.fileExists(atPath: marker) ? .found(true) : .notYet("it runs")
                }
                await connection.close()
            }
        }
    }
}
