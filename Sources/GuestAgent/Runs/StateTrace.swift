import Shared
import Synchronization

/// The states through which the nodes go while roles change, as the monitor has them.
final class StateTrace: Sendable {
    private struct Memory {
        var last: [String: RoleChange.Turn] = [:]
        var turns: [RoleChange.Turn] = []
    }

    private let names: [String]
    private let start = ContinuousClock.now
    private let memory = Mutex(Memory())

    /// More would not fit into one line of the wire, and no change of roles has as many.
    private static let limit = 200

    init(names: [String]) { self.names = names }

    var turns: [RoleChange.Turn] { memory.withLock { $0.turns } }
    var elapsed: Duration { ContinuousClock.now - start }

    /// Takes one look.
    ///
    /// - Returns: what is new in it, a sentence a node.
    func take(_ rows: [Monitor.Row]) -> [String] {
        let seconds = Self.rounded(elapsed)
        return memory.withLock { memory in
            var words: [String] = []
            for row in rows where names.contains(row.name) {
                let turn = RoleChange.Turn(
                    seconds: seconds, node: row.name, reported: row.reported, assigned: row.assigned)
                let before = memory.last.updateValue(turn, forKey: row.name)
                guard before?.reported != turn.reported || before?.assigned != turn.assigned else { continue }
                if memory.turns.count < Self.limit { memory.turns.append(turn) }
                // The first look is what everybody knows already.
                if before != nil { words.append(Self.words(turn)) }
            }
            return words
        }
    }

    private static func words(_ turn: RoleChange.Turn) -> String {
        turn.reported == turn.assigned
            ? "\(turn.node) is \(turn.reported)" : "\(turn.node) is \(turn.reported), to become \(turn.assigned)"
    }

    /// Seconds with three decimals, as people and programs want to read them.
    static func rounded(_ duration: Duration) -> Double { (duration.inSeconds * 1000).rounded() / 1000 }
}
