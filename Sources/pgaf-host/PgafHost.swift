import HostOrchestrator

@main
enum PgafHost {
    static func main() async {
        await HostCommand.main()
    }
}
