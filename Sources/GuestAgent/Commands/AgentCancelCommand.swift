import ArgumentParser
import Shared

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// `pgaf-agent cancel`: asks a run to end at its next step boundary.
struct AgentCancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Ask a run to end at its next step boundary.")

    @OptionGroup var options: RunOptions

    func run() async throws {
        let place = try options.place(store: ClusterStore())
        // The number is a living process's as long as the lock is held.
        guard place.isAlive, let owner = FileLock.holder(place.store.files.place(place.owner)).flatMap({ pid_t($0) })
        else {
            // Where there is no result the work has not begun yet, and would go on after this.
            let follower = JournalFollower(place)
            guard place.journal != nil, try await follower.follow(since: 0, waiting: false, { _, _ in }) != nil else {
                throw PgafError(
                    .runNotFound, "The run \(place.id) has no process yet, or any more.",
                    remedy: "Ask again in a moment; `pgaf-agent follow` shows what became of it.")
            }
            Output.line("The run \(place.id) does not go on any more: nothing to cancel.")
            return
        }
        guard kill(owner, SIGTERM) == 0 || errno == ESRCH else {
            throw PgafError(
                .commandFailed, "The process \(owner) of the run \(place.id) could not be told to stop.",
                remedy: "Run the same command as root.", cause: String(cString: strerror(errno)))
        }
        Output.line("The run \(place.id) ends at its next step boundary; `pgaf-agent follow` shows when.")
    }
}
