/// Containers that live for one command of pgaf's, beside those of the cluster.
enum HelperContainer {
    /// What each `docker run` of one begins with: no network, no right of root's, nothing to write but what is mounted, and
    /// not enough memory and processes to disturb anybody. Images from a registry are run too.
    static let run = [
        "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        "--pids-limit", "64", "--memory", "256m",
    ]
}
