/// What the agent read about its machine: the input of everything that is derived from it.
public struct MachineFacts: Sendable, Equatable {
    public var kernel: String
    /// `x86_64`, `aarch64`, as the kernel says.
    public var architecture: String
    /// `ID` of os-release: `debian`, `ubuntu`, …
    public var distribution: String
    /// `VERSION_CODENAME` of os-release: `bookworm`, `trixie`, `focal`, …
    public var codename: String
    /// `PRETTY_NAME` of os-release.
    public var prettyName: String
    public var memoryMiB: Int
    public var cpus: Int
    /// Size of the file system that holds Docker's data.
    public var diskMiB: Int
    /// Whether the processor is many times slower than today's, as an emulated one is.
    public var isSlow: Bool

    public init(
        kernel: String = "", architecture: String = "x86_64", distribution: String = "debian",
        codename: String = "trixie", prettyName: String = "", memoryMiB: Int = 6144, cpus: Int = 4,
        diskMiB: Int = 40_000, isSlow: Bool = false
    ) {
        self.kernel = kernel
        self.architecture = architecture
        self.distribution = distribution
        self.codename = codename
        self.prettyName = prettyName
        self.memoryMiB = memoryMiB
        self.cpus = cpus
        self.diskMiB = diskMiB
        self.isSlow = isSlow
    }

    /// The pause between two looks that start programs of their own: such a look takes seconds on a slow machine.
    var lookInterval: Duration { .seconds(isSlow ? 60 : 5) }
}
