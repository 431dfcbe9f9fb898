import Shared

/// What a bundle brought to the machine (`BundlePlace`), used where it lacks something.
enum BundleParts {
    /// Loads both images as they were made elsewhere, with their ids and labels, by which the steps judge them.
    static func loadImages(_ context: AgentContext) async throws {
        try require(BundlePlace.images, "images", context)
        try await context.docker.checked(
            ["load", "--quiet", "--input", BundlePlace.images], code: .imageBuildFailed,
            what: "The bundle's images could not be loaded.")
    }

    /// The package manager: with the bundle's packages alone where there is one, so that nothing is asked of archives.
    static func apt(_ context: AgentContext) async throws -> Apt {
        guard context.bundle else { return context.apt }
        try require(BundlePlace.packages, "packages", context)
        try context.files.makeDirectory(BundlePlace.repository)
        try context.files.makeDirectory("\(lists)/partial")
        try await context.runner.checked(
            Command("tar", ["-xf", BundlePlace.packages, "-C", BundlePlace.repository]), code: .packagesFailed,
            what: "The bundle's packages could not be unpacked.", remedy: "Run `pgaf-host up --bundle FILE` again.")
        // Each file was compared with its hash when the bundle was opened; the archive's signature was checked when it
        // was made.
        try context.files.write("deb [trusted=yes] file:\(BundlePlace.repository) ./\n", to: sources)
        return Apt(runner: context.runner, source: aptSource)
    }

    private static let sources = "\(BundlePlace.directory)/sources.list"
    private static let lists = "\(BundlePlace.directory)/lists"

    /// The repository instead of the machine's own ones, read as root, since its directory is root's alone.
    static let aptSource = [
        "Dir::Etc::SourceList=\(sources)", "Dir::Etc::SourceParts=/dev/null", "Dir::State::Lists=\(lists)",
        "APT::Sandbox::User=root",
    ].flatMap { ["-o", $0] }

    private static func require(_ path: String, _ what: String, _ context: AgentContext) throws {
        guard !context.files.exists(path) else { return }
        throw PgafError.lackingInBundle(
            "The machine lacks something of the bundle's \(what), and they are not there.")
    }
}
