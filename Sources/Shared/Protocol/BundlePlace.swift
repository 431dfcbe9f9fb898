/// Where the parts of a bundle lie on a machine while a run takes from them what the machine lacks; removed at its end.
public enum BundlePlace {
    /// Root's alone.
    public static let directory = "/var/lib/pgaf/bundle"
    /// What `docker load` takes: the nodes' image and the one that it is built on.
    public static let images = "\(directory)/images.tar.gz"
    /// A tar file with Debian packages and apt's index of them.
    public static let packages = "\(directory)/packages.tar"
    /// The same unpacked: a flat repository.
    public static let repository = "\(directory)/repository"
}
