import Shared

/// The command lines that fill a bundle, in a work directory.
struct BundleCommand: Sendable {
    /// Absolute path.
    let work: String
    /// The agent's executable.
    let agent: String
    /// Variables of pgaf's own, which would change what the agent makes.
    var variables: [String] = []
    /// `http://HOST:PORT` for apt; nil leaves it to this machine's own configuration.
    var proxy: String?
    let isRoot: Bool

    /// Makes the images as `up` does.
    func prepare(_ settings: [String]) -> Command {
        root("env", asking(settings), .seconds(7200))
    }

    /// A hash of everything that the images are made from.
    func inputs(_ settings: [String]) -> Command {
        Command("env", asking(settings, "--inputs"))
    }

    /// The packages that `up` installs on a machine like this one, one a line.
    func packageNames(_ settings: [String]) -> Command {
        Command("env", asking(settings, "--packages"))
    }

    /// What this machine is and has, read by `MachineSupplies`.
    func supplies(base: String, image: String) -> Command {
        let words = MachineSupplies.question(base: base, image: image)
        return root(words[0], Array(words.dropFirst()), .seconds(120))
    }

    /// Both images in one compressed file, which belongs to whoever has the work directory.
    ///
    /// gzip, since every engine reads it and every machine has it; at its fastest.
    func save(_ references: [String]) -> Command {
        root("sh", ["-c", Self.saving, "pgaf-save", "\(work)/images.tar", work] + references, .seconds(1800))
    }

    private static let saving = """
        set -eu
        file=$1 owner=$2
        shift 2
        docker save --output "$file" "$@"
        gzip -f -1 "$file"
        chown --reference="$owner" "$file.gz"
        """

    /// Where `download` puts packages.
    var packages: String { "\(work)/packages" }

    /// Downloads packages with all that they need, as for a machine on which nothing is installed; changes nothing of
    /// this one, and needs no root.
    func download(_ names: [String]) -> Command {
        let options = [
            "Debug::NoLocking=true", "Dir::State::status=\(work)/status", "Dir::Cache::archives=\(packages)",
            "APT::Sandbox::User=root", "Acquire::Retries=3",
        ]
        return Command(
            "apt-get",
            options.flatMap { ["-o", $0] } + throughProxy
                + ["install", "--yes", "--no-install-recommends", "--download-only"] + names,
            environment: ["LC_ALL": "C.UTF-8"], deadline: .seconds(3600))
    }

    /// Fetches the lists of this machine's archives.
    var update: Command { root("apt-get", throughProxy + ["update"], .seconds(1800)) }

    /// The fields of a package.
    func control(_ file: String) -> Command { Command("dpkg-deb", ["--field", "\(packages)/\(file)"]) }

    private var throughProxy: [String] {
        proxy.map { proxy in ["http", "https"].flatMap { ["-o", "Acquire::\($0)::Proxy=\(proxy)"] } } ?? []
    }

    /// The agent's `prepare` by these settings alone, as `env` runs it.
    private func asking(_ settings: [String], _ options: String...) -> [String] {
        variables.sorted().map { "--unset=\($0)" } + [agent, "prepare"] + options
            + settings.flatMap { ["--set", $0] }
    }

    private func root(_ program: String, _ arguments: [String], _ deadline: Duration) -> Command {
        Elevation.command(Command(program, arguments, deadline: deadline), isRoot: isRoot)
    }
}
