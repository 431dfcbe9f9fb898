extension Event {
    /// The event with every free text changed by `change`: the one place that cleans and redacts what is
    /// shown or kept.
    package func mapTexts(_ change: (String) -> String) -> Event {
        Event(run: change(run), seq: seq, time: change(time), body: body.mapTexts(change))
    }
}

extension Event.Body {
    package func mapTexts(_ change: (String) -> String) -> Event.Body {
        switch self {
        case .hello(let hello):
            .hello(
                Hello(
                    agent: change(hello.agent), protocols: hello.protocols, kernel: change(hello.kernel),
                    architecture: change(hello.architecture), distribution: change(hello.distribution)))
        case .plan(let steps): .plan(steps.map { $0.mapTexts(change) })
        case .stepStarted(let step): .stepStarted(step: change(step))
        case .stepProgress(let step, let fraction, let message):
            .stepProgress(step: change(step), fraction: fraction, message: message.map(change))
        case .stepOutput(let step, let line): .stepOutput(step: change(step), line: change(line))
        case .stepFinished(let step, let outcome, let seconds):
            .stepFinished(step: change(step), outcome: outcome, seconds: seconds.believable)
        case .stepFailed(let step, let error, let seconds):
            .stepFailed(step: change(step), error: error.mapTexts(change), seconds: seconds.believable)
        case .state(let state): .state(state.mapTexts(change))
        case .heartbeat(let beat):
            .heartbeat(
                Heartbeat(
                    step: beat.step.map(change), awaiting: change(beat.awaiting), since: change(beat.since),
                    until: beat.until.map(change)))
        case .result(let result): .result(result.mapTexts(change))
        case .unknown(let type): .unknown(type: change(type))
        }
    }
}

extension Double {
    /// Seconds that something may take: none to thirty years. Arithmetic on a number beyond would trap.
    fileprivate var believable: Double { Swift.min(Swift.max(self, 0), 1e9) }
}

extension PlannedStep {
    package func mapTexts(_ change: (String) -> String) -> PlannedStep {
        PlannedStep(
            id: change(id), title: change(title), dependencies: dependencies.map(change), action: action,
            changes: changes.map(change), waits: waits?.map(change))
    }
}

extension ClusterPlan {
    package func mapTexts(_ change: (String) -> String) -> ClusterPlan {
        ClusterPlan(cluster: change(cluster), steps: steps.map { $0.mapTexts(change) }, notes: notes.map(change))
    }
}

extension PgafError {
    package func mapTexts(_ change: (String) -> String) -> PgafError {
        PgafError(
            code, change(message), remedy: change(remedy), cause: cause.map(change), output: output.map(change))
    }
}

extension RunResult {
    package func mapTexts(_ change: (String) -> String) -> RunResult {
        RunResult(
            status: status, error: error?.mapTexts(change), changed: changed, warnings: warnings.map(change),
            connections: connections?.mapTexts(change), roles: roles?.mapTexts(change),
            cluster: cluster?.mapTexts(change))
    }
}

extension RoleChange {
    package func mapTexts(_ change: (String) -> String) -> RoleChange {
        var copy = self
        copy.verb = change(verb)
        copy.node = node.map(change)
        copy.from = change(from)
        copy.to = change(to)
        copy.states = states.map { turn in
            Turn(
                seconds: turn.seconds.believable, node: change(turn.node), reported: change(turn.reported),
                assigned: change(turn.assigned))
        }
        copy.secondsWithoutWrites = secondsWithoutWrites.believable
        copy.resolution = resolution.believable
        copy.secondsUntilHealthy = secondsUntilHealthy.believable
        copy.formation = formation.mapTexts(change)
        return copy
    }
}

extension ClusterChange {
    package func mapTexts(_ change: (String) -> String) -> ClusterChange {
        var copy = self
        copy.verb = change(verb)
        copy.containers = containers.map(change)
        copy.formation = formation?.mapTexts(change)
        copy.removed = removed?.map(change)
        return copy
    }
}

extension ConnectionInfo {
    package func mapTexts(_ change: (String) -> String) -> ConnectionInfo {
        func endpoint(_ one: Endpoint) -> Endpoint {
            Endpoint(name: change(one.name), address: change(one.address), port: one.port)
        }
        return ConnectionInfo(
            user: change(user), database: change(database), nodes: nodes.map(endpoint), monitor: endpoint(monitor),
            monitorUser: change(monitorUser), certificateAuthority: certificateAuthority.map(change))
    }
}

extension FormationState {
    package func mapTexts(_ change: (String) -> String) -> FormationState {
        var copy = self
        copy.cluster = change(cluster)
        copy.formation = change(formation)
        copy.monitor = change(monitor)
        copy.notes = notes.map(change)
        copy.warnings = warnings?.map(change)
        copy.awaited = awaited?.map { one in
            var one = one
            one.name = one.name.map(change)
            one.text = change(one.text)
            one.command = one.command.map(change)
            return one
        }
        copy.nodes = nodes.map { node in
            var node = node
            node.name = change(node.name)
            node.host = change(node.host)
            node.reportedState = node.reportedState.map(change)
            node.assignedState = node.assignedState.map(change)
            node.lsn = node.lsn.map(change)
            node.container = node.container.map(change)
            return node
        }
        return copy
    }
}
