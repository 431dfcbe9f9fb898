import GuestAgent

@main
enum PgafAgent {
    static func main() async {
        await AgentCommand.start()
    }
}
