/// What a hostile agent does for `up`, and how pgaf-host must end then.
package struct HostileScenario: Sendable, CustomStringConvertible {
    package var description: String
    package var up: String
    package var status: Int32
    /// What must stand in its last words.
    package var says: String
    /// Whether it takes seconds.
    package var isFlood: Bool { up.contains("M /dev/zero") || up.contains("M >&2") }

    private init(_ description: String, _ up: String, _ status: Int32, _ says: String) {
        self.description = description
        self.up = up
        self.status = status
        self.says = says
    }

    /// MiB that a flood has: far more than the memory that is allowed beyond that of a polite run.
    private static let flood = 48

    package static let all: [HostileScenario] = {
        let failed = """
            "result":{"changed":0,"error":{"code":"docker.failed","message":"\\u001b]0;owned\\u0007no","remedy":"\\u202etype"},\
            "status":"failed","warnings":[]}
            """
        let result = (try? HostileAgent.result(failed)) ?? "exit 1"
        return [
            HostileScenario(
                "everything odd that an event can have", "\(HostileAgent.events); \(result)", 69, "docker.failed"),
            HostileScenario("random bytes", "head -c 1000000 /dev/urandom", 76, "protocol.violation"),
            HostileScenario("no text at all", "printf '\\377\\376\\200\\n'; cat >/dev/null", 76, "protocol.violation"),
            HostileScenario(
                "terminal sequences", "printf '\\033[2J\\033]52;c;aWQ=\\007\\233\\n'", 76, "protocol.violation"),
            HostileScenario("one endless line", "tr '\\0' x </dev/zero", 76, "a line of 65537 bytes"),
            HostileScenario(
                "an endless number of nested lists", "tr '\\0' '[' </dev/zero", 76, "a line of 65537 bytes"),
            HostileScenario(
                "a flood of errors before the result",
                "\(HostileAgent.events); yes \"$(printf '\\033[31mno\\033[2J%01000d' 0)\" | head -c \(flood / 3)M >&2; \(result)",
                69,
                "docker.failed"),
            HostileScenario(
                "a flood of errors without a line end", "head -c \(flood)M /dev/zero >&2; exit 3", 69, "agent.died"),
            HostileScenario(
                "events without an end",
                """
                awk -v run="$run" 'BEGIN { for (i = 1; i <= 5000; i++) printf("{\\"v\\":1,\\"run\\":\\"%s\\",\\"seq\\":%d,\
                \\"time\\":\\"t\\",\\"type\\":\\"step.started\\",\\"step\\":\\"%d\\\\u001b[2J\\"}\\n", run, i, i); print "end" }'
                """, 76, "protocol.violation"),
            HostileScenario(
                "large events for more steps than there are",
                """
                line=$(head -c 3000 /dev/zero | tr '\\0' y)
                for i in $(seq 1 600); do
                    printf '{"v":1,"run":"%s","seq":%d,"time":"t","type":"step.progress","step":"%d%s","message":"%s"}\\n' \
                        "$run" "$i" "$i" "$line" "$line"
                done
                """, 69, "agent.died"),
            HostileScenario(
                "words after the result", "\(HostileAgent.events); \(result); yes", 76, "protocol.violation"),
            HostileScenario(
                "events of another run", "run=20260102T030405678Z-00000000; \(HostileAgent.events)", 76,
                "instead of"),
            HostileScenario(
                "a number left out", "\(HostileAgent.events) | sed 3d", 76, "event number 4 where 3 was due"),
            HostileScenario("silence", "exit 0", 69, "it said nothing at all"),
        ]
    }()
}
