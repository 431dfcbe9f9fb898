import Foundation
import Fuzzing
import TestSupport
import Testing

/// Some hundred damaged inputs for each reader, the same ones each time; `make fuzz` goes on with libFuzzer for minutes.
@Suite struct FuzzTests {
    /// PGAF_SEED repeats what another machine has found, PGAF_ROUNDS goes on longer.
    private static let environment = ProcessInfo.processInfo.environment
    private static let seed = environment["PGAF_SEED"].flatMap { UInt64($0) } ?? 1
    private static let rounds = environment["PGAF_ROUNDS"].flatMap { Int($0) } ?? 300

    @Test(arguments: FuzzTarget.allCases) func damageIsToldAndNeverFatal(_ target: FuzzTarget) async throws {
        for seed in try target.seeds() { try await target.feed(seed) }
        var mutation = Mutation(try target.seeds(), seed: Self.seed)
        for round in 0..<Self.rounds {
            let bytes = mutation.next()
            do {
                try await target.feed(bytes)
            } catch {
                let input = Data(bytes).base64EncodedString()
                Issue.record("round \(round) of the seed \(Self.seed): \(error); the input: \(input)")
                return
            }
        }
    }
}
