import Shared

/// Runs steps side by side where their dependencies allow it, and says what happens.
public struct StepGraph: Sendable {
    private let steps: [any Step]
    private let goingOn: String

    /// - Parameter goingOn: what to do after a cancelled run, as a sentence.
    public init(_ steps: [any Step], goingOn: String = "Run `up` to go on where it stopped.") {
        self.steps = steps
        self.goingOn = goingOn
    }

    /// What would be done on the machine as it is now, in the order of the steps.
    ///
    /// - Throws: of all refusals the one of the first step, so that it is the same each time.
    public func plan(_ context: AgentContext) async throws -> [String: [Change]] {
        let seen = await withTaskGroup(of: (String, Result<[Change], any Error>).self) { group in
            for step in steps {
                group.addTask {
                    do { return (step.id, .success(try await step.inspect(context))) } catch {
                        return (step.id, .failure(error))
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        return try steps.reduce(into: [:]) { $0[$1.id] = try seen[$1.id]?.get() }
    }

    /// The plan as its event carries it.
    public func announcement(_ plan: [String: [Change]]) -> [PlannedStep] {
        steps.map { step in
            let changes = plan[step.id] ?? []
            let words = changes.words
            return PlannedStep(
                id: step.id, title: step.title, dependencies: step.dependencies, action: changes.action,
                changes: words.changes, waits: words.waits.isEmpty ? nil : words.waits)
        }
    }

    /// Plans, announces and applies.
    ///
    /// A failed step, and a raised stop sign, let those that run already come to their end and start no other.
    /// - Parameter seen: the context for the plan, when it is another one (with a snapshot of what there is).
    /// - Returns: the number of steps that changed something.
    /// - Throws: the first failure; `cancelled`, which names the steps that were not begun.
    public func run(_ context: AgentContext, planningWith seen: AgentContext? = nil) async throws -> Int {
        let plan = try await plan(seen ?? context)
        await context.events.write(.plan(announcement(plan)))
        return try await withThrowingTaskGroup(of: Finished.self) { group in
            var outcomes: [String: StepOutcome] = [:]
            // Steps behind which something changed, however far back: their plan is out of date. An engine that was
            // stopped, for instance, hides images and containers from the plans of all steps after it.
            var moved: Set<String> = []
            var waiting = steps
            var running = 0
            var failure: PgafError?
            while true {
                if failure == nil, !Task.isCancelled, !context.stop.isRaised {
                    for step in waiting where step.dependencies.allSatisfy({ outcomes[$0] != nil }) {
                        let lookAgain = step.dependencies.contains { moved.contains($0) }
                        if lookAgain { moved.insert(step.id) }
                        let planned = plan[step.id] ?? []
                        group.addTask {
                            await execute(step, planned: planned, lookAgain: lookAgain, context)
                        }
                        waiting.removeAll { $0.id == step.id }
                        running += 1
                    }
                }
                guard running > 0, let finished = try await group.next() else { break }
                running -= 1
                switch finished.result {
                case .success(let outcome):
                    outcomes[finished.step] = outcome.outcome
                    if outcome.hasActed { moved.insert(finished.step) }
                case .failure(let error):
                    // Steps that end because of another one's failure may be quicker to say so.
                    if failure == nil || failure?.code == .cancelled { failure = error }
                }
            }
            if let failure, failure.code != .cancelled { throw failure }
            try Task.checkCancellation()
            guard !context.stop.isRaised || (waiting.isEmpty && failure == nil) else {
                let left = steps.map(\.id).filter { outcomes[$0] == nil }
                throw PgafError(
                    .cancelled, "The run was cancelled; what is done stays as it is.", remedy: goingOn,
                    cause: "not done: \(left.joined(separator: ", "))")
            }
            if let failure { throw failure }
            guard waiting.isEmpty else {
                throw PgafError(
                    .internalError, "The steps \(waiting.map(\.id).joined(separator: ", ")) wait for each other.",
                    remedy: "Report this with the log of the run.")
            }
            return outcomes.values.count { $0 == .changed }
        }
    }

    private struct Finished: Sendable {
        var step: String
        var result: Result<(outcome: StepOutcome, hasActed: Bool), PgafError>
    }

    private func execute(
        _ step: any Step, planned: [Change], lookAgain: Bool, _ context: AgentContext
    ) async -> Finished {
        let clock = ContinuousClock()
        let start = clock.now
        await context.events.write(.stepStarted(step: step.id))
        do {
            let changes = lookAgain ? try await step.inspect(context) : planned
            var outcome = StepOutcome.unchanged
            if !changes.isEmpty || step.always {
                try await step.apply(changes, context)
                if changes.isChange || step.hasRepaired {
                    outcome = .changed
                    if step.confirmed { try await confirm(step, context) }
                }
            }
            await context.events.write(
                .stepFinished(step: step.id, outcome: outcome, seconds: (clock.now - start).inSeconds))
            // What was only waited for is another thing now than it was in the plan.
            return Finished(step: step.id, result: .success((outcome, !changes.isEmpty)))
        } catch {
            let failure = await DockerDisk(runner: context.runner, files: context.files)
                .explain(PgafError.wrapping(error, doing: "working on \(step.title)"))
            await context.events.write(
                .stepFailed(step: step.id, error: failure, seconds: (clock.now - start).inSeconds))
            return Finished(step: step.id, result: .failure(failure))
        }
    }

    private func confirm(_ step: any Step, _ context: AgentContext) async throws {
        let left = try await step.inspect(context)
        guard left.isEmpty else {
            throw PgafError(
                .internalError,
                "After \(step.title) this still differs: \(left.map(\.description).joined(separator: "; ")).",
                remedy: "Run `up` again; if it says the same, report it with the log of the run.")
        }
    }
}
