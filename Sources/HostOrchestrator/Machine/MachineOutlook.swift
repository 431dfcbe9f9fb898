import Shared

/// What `bringUp` would do now.
public struct MachineOutlook: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        /// There is no machine yet.
        case missing
        /// There is one that has to be started first.
        case stopped
        /// Its agent can be asked.
        case running
    }

    public var state: State
    /// In words: "start the virtual machine", "Vagrantfile: memory 6144 → 8192".
    public var changes: [String]
    /// What else one should know, such as when a change takes effect.
    public var notes: [String]

    public init(_ state: State, changes: [String] = [], notes: [String] = []) {
        self.state = state
        self.changes = changes
        self.notes = notes
    }
}
