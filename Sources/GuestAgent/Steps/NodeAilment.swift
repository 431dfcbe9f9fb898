/// What is wrong with a node, from what is left of it.
enum NodeAilment: Sendable, Equatable {
    /// pg_autoctl's memory is gone, the data is there.
    case noMemory
    /// The data directory is gone, pg_autoctl's memory is there.
    case noData
    /// Both are gone: another volume, or an emptied one.
    case nothing
    /// The data has what the primary's history has not, or lacks what the primary has thrown away; pg_autoctl neither
    /// rewinds nor copies then.
    case strayed

    /// - Parameter row: the node's row on the monitor.
    /// - Returns: nil for a node that pg_autoctl brings up by itself.
    static func diagnose(_ remains: NodeRemains, row: Monitor.Row?) -> NodeAilment? {
        switch (remains.hasMemory, remains.hasData) {
        case (true, true):
            remains.hasStrayed && !remains.isInitialising && row.map({ !$0.isSettled || $0.streams == false }) == true
                ? .strayed : nil
        // The first base backup is under way, or will be tried again.
        case (true, false): remains.isInitialising ? nil : .noData
        // A node that the monitor does not know registers by itself.
        case (false, true): row == nil ? nil : .noMemory
        case (false, false): row == nil ? nil : .nothing
        }
    }

    enum Treatment: Sendable, Equatable {
        case makeAnew, registerAgain, waitForPrimary, refuse
        /// As the only node that has data: the others have rows that lead nowhere.
        case registerFirst
    }

    func treatment(_ rows: [Monitor.Row], node: String) -> Treatment {
        let others = rows.filter { $0.name != node }
        if others.contains(where: { $0.isPrimary && $0.isSettled && $0.isHealthy }) { return .makeAnew }
        // While the formation has other nodes, one of them is about to become primary.
        guard others.isEmpty else { return .waitForPrimary }
        return self == .noMemory ? .registerAgain : .refuse
    }

    /// Whether there is data that has to be set aside.
    var leavesData: Bool { self == .noMemory || self == .strayed }

    /// Completes "… because".
    var words: String {
        switch self {
        case .noMemory: "pg_autoctl's memory of the node is gone"
        case .noData: "the data directory is gone"
        case .nothing: "what its volume held is gone"
        case .strayed: "its data cannot follow the primary's any more"
        }
    }
}
