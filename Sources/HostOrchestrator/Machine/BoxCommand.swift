import Shared

/// The command lines that make a box in a work directory.
struct BoxCommand: Sendable {
    /// Absolute path; holds the scripts, `sources.list`, `vagrant.pub` and the results.
    let work: String
    /// Whether mmdebstrap runs as root, and not in a user namespace with mounts of its own.
    var isRoot = false

    /// What it mounts ends with it, also when it is killed: whoever removes its directory must not find `/proc` there.
    private func mmdebstrap(_ arguments: [String]) -> Command {
        isRoot
            ? Command("unshare", ["--mount", "mmdebstrap"] + arguments, deadline: .seconds(3600))
            : Command("mmdebstrap", arguments, deadline: .seconds(3600))
    }

    /// The root file system of the nodes' image, which the box carries.
    var base: Command {
        mmdebstrap(BaseSystem.bootstrapArguments(target: "\(work)/out/base.tar", sources: ["\(work)/sources.list"]))
    }

    /// Asks the agent what the images are made from, untouched by pgaf's own variables in this environment.
    static func imageInputs(agent: String) -> Command {
        Command(
            "env", ["-i", agent, "prepare", "--inputs", "--set", "packages.source=debian"], deadline: .seconds(60))
    }

    /// Builds root directory and disk; the disk is made in a hook, where files have their right owners even when an
    /// ordinary user builds in a user namespace. The directory itself is thrown away.
    ///
    /// - Parameters:
    ///   - bootCode: syslinux's `mbr.bin`.
    ///   - agent: makes the images of the cluster's nodes in the box; nil for a plain one.
    func bootstrap(bootCode: String, agent: String?) -> Command {
        func hook(_ script: String, _ arguments: [String]) -> String {
            // mmdebstrap gives the root directory as $1 of the hook's shell.
            "sh \(ShellQuoting.quote("\(work)/\(script)")) \"$1\" "
                + arguments.map(ShellQuoting.quote).joined(separator: " ")
        }
        // The last part of the work directory is a name that nobody else has.
        let group = "pgaf-box-" + (work.split(separator: "/").last ?? "")
        let images = agent.map {
            ["--customize-hook=" + hook("images.sh", ["\(work)/out", $0, group, BaseSystem.prepared])]
        }
        let excluded = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"]
        return mmdebstrap(
            [
                "--mode=auto", "--variant=minbase", "--format=null",
                "--include=" + BoxRecipe.packages.joined(separator: ","),
            ]
                + excluded.map { "--dpkgopt=path-exclude=\($0)" } + [
                    "--essential-hook=" + hook("prepare.sh", []),
                    "--customize-hook=" + hook("proc.sh", []),
                    "--customize-hook="
                        + hook(
                            "customize.sh",
                            ["\(work)/vagrant.pub", "\(work)/out/base.tar", BaseSystem.prepared]),
                ] + (images ?? []) + [
                    "--customize-hook="
                        + hook(
                            "image.sh", ["\(work)/out", String(BoxRecipe.diskSize), bootCode, BoxRecipe.commandLine]),
                    BoxRecipe.suite, "/dev/null", "\(work)/sources.list",
                ])
    }

    /// zstd: 284 MB in 6 s; zlib gave 293 MB, in 35 s on a busier machine.
    var convert: Command {
        Command(
            "qemu-img",
            [
                "convert", "-c", "-o", "compression_type=zstd", "-O", "qcow2", "\(work)/out/disk.raw",
                "\(work)/box.img",
            ], deadline: .seconds(900))
    }

    /// Not compressed: the image is.
    func pack(into file: String) -> Command {
        Command(
            "tar",
            ["-C", work, "-cf", file, "metadata.json", "Vagrantfile", "box.img", "-C", "\(work)/out", "vmlinuz"],
            deadline: .seconds(300))
    }

    /// The public half of Vagrant's well-known key, of which Vagrant keeps a copy in its home.
    static func publicKey(vagrantHome: String) -> Command {
        Command("ssh-keygen", ["-y", "-f", "\(vagrantHome)/insecure_private_key"], deadline: .seconds(30))
    }
}
