/// A Vagrant box in pgaf's cache.
public struct Box: Sendable, Equatable {
    /// The name under which Vagrant knows the box that pgaf makes.
    public static let name = "pgaf/debian-13"

    /// Hash of everything that the box was made from.
    public var hash: String
    /// The box file.
    public var file: String
    /// Whether it had to be made, or was there already.
    public var built: Bool
    /// Whether the images of the cluster's nodes are in it.
    public var images: Bool
}
