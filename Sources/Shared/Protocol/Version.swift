/// The release that both programs belong to.
public enum PgafVersion {
    public static let current = "0.1.0"
}
