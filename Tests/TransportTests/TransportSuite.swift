import TestSupport
import Testing

/// All that runs against a real sshd: one after another, since a test changes HOME and others measure waits.
@Suite(.serialized, .tags(.transport), .timeLimit(.minutes(1))) enum TransportSuite {}

extension Tag {
    /// Needs a real sshd, started by the test.
    @Tag static var transport: Self
}
