import Shared

/// Runs apt's commands, again and again while another apt on the machine (unattended upgrades after a boot) has the lists
/// or the fetched packages: for these locks apt asks once, `DPkg::Lock::Timeout` is for dpkg's.
///
/// Source: `pkgAcquire::GetLock` in apt-pkg/acquire.cc of apt against `GetLockMaybeWait` in apt-pkg/deb/debsystem.cc.
struct PatientAptRunner: CommandRunner {
    let runner: any CommandRunner

    private static let wait = Wait(
        for: "another apt on the machine to end", upTo: .seconds(600), growingTo: .seconds(10),
        hint: "`pgrep -fa 'apt|unattended'` on the machine shows it; let it end, then run `up` again.")

    /// - Throws: what the runner throws; `timeout` when the other one does not end.
    func run(_ command: Command, onLine: (@Sendable (String) async -> Void)?) async throws -> CommandResult {
        let tell: @Sendable (Wait, Duration) async -> Void = { wait, _ in
            await onLine?("waiting for \(wait.description)")
        }
        return try await Self.wait.until(onWaiting: tell) {
            let result = try await runner.run(command, onLine: onLine)
            if let lock = Self.missedLock(result) { return .notYet(lock) }
            return .found(result)
        }
    }

    /// apt's line about the lock for want of which it failed; nil for any other end. Of a lock for which it waits by itself
    /// it tells on its standard output.
    private static func missedLock(_ result: CommandResult) -> String? {
        guard !result.succeeded else { return nil }
        return result.standardError.split(whereSeparator: \.isNewline).first { $0.hasPrefix("E: Could not get lock") }
            .map(String.init)
    }
}
