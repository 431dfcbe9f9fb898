import Shared
import Testing

@Suite struct WatchMemoryTests {
    @Test func aFailureIsToldOnceAndSoIsItsEnd() {
        let state = FormationState(cluster: "pgaf", monitor: "running", nodes: [], healthy: true)
        let gone = PgafError(.dockerUnavailable, "The engine is \u{1b}[2Jgone.", remedy: "r")
        var memory = WatchMemory()
        #expect(
            memory.take(.success(state)) == ["the monitor's container: running", "formation default: healthy"])
        #expect(memory.take(.failure(gone)) == ["The engine is ·[2Jgone."])
        #expect(memory.take(.failure(gone)).isEmpty)
        #expect(memory.trouble?.code == .dockerUnavailable && memory.state == state)
        #expect(memory.take(.success(state)) == ["the machine and its cluster can be seen again"])
        #expect(memory.trouble == nil)
    }
}
