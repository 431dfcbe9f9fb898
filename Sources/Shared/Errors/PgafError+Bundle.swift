/// What the host and the agent refuse in the same words, whichever of them knows it first.
extension PgafError {
    /// For a machine without something that a bundle did not bring.
    public static func lackingInBundle(_ message: String) -> PgafError {
        PgafError(
            .bundleUnfit, message,
            remedy: "Make a bundle with `--without-box`, and with `--machine` as for this machine.")
    }

    /// For a cluster from PGDG, under whose name a bundle would put images with another PostgreSQL.
    public static func bundleForAnotherSource(than cluster: String) -> PgafError {
        PgafError(
            .bundleUnfit,
            "The cluster \"\(cluster)\" has its software from the package source pgdg, and a bundle has that of the"
                + " Debian archive.",
            remedy: "Leave `--bundle` out where the machine reaches its repositories, or start anew with"
                + " `pgaf-host up --fresh --bundle FILE`, which removes all data of the cluster.")
    }
}
