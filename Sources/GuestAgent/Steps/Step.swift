import Shared

/// One thing that has to be so: it looks, says what differs, and changes only that.
///
/// Nothing is believed because it was done before: after `apply` the step looks again.
public protocol Step: Sendable {
    /// Stable id on the wire: `docker`, `node.pgnode1`.
    var id: String { get }
    var title: String { get }
    var dependencies: [String] { get }
    /// Whether the step runs even when nothing differs (a proof, not a change).
    var always: Bool { get }

    /// Whether the step is looked at again after `apply`; false where `apply` itself ends only when all is well and the
    /// thing goes on moving by itself.
    var confirmed: Bool { get }

    /// What differs from what should be; empty when all is in order. Has no effects, and does not fail only because
    /// something that an earlier step makes is not there yet.
    func inspect(_ context: AgentContext) async throws -> [Change]

    /// Makes the changes.
    func apply(_ changes: [Change], _ context: AgentContext) async throws

    /// Whether `apply` repaired what no look had foreseen, while it waited for something.
    var hasRepaired: Bool { get }
}

extension Step {
    public var always: Bool { false }
    public var confirmed: Bool { true }
    public var hasRepaired: Bool { false }
}

/// One difference between what is and what should be.
public struct Change: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        case create, change
        /// The thing moves by itself and is only waited for.
        case wait
    }

    public var kind: Kind
    /// What it concerns, for the step's own use: `container`, `files`, …
    public var subject: String
    /// In words for the plan: "create container pgnode1".
    public var description: String

    public init(_ kind: Kind, _ subject: String, _ description: String) {
        self.kind = kind
        self.subject = subject
        self.description = description
    }
}

extension [Change] {
    func has(_ subject: String) -> Bool { contains { $0.subject == subject } }

    /// Whether pgaf itself changes anything.
    var isChange: Bool { contains { $0.kind != .wait } }

    /// In words: what is changed, and what is only waited for.
    var words: (changes: [String], waits: [String]) {
        (filter { $0.kind != .wait }.map(\.description), filter { $0.kind == .wait }.map(\.description))
    }

    var action: PlannedStep.Action {
        isChange ? (contains { $0.kind == .change } ? .change : .create) : .none
    }
}
