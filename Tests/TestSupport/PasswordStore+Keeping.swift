import Shared

extension PasswordStore {
    /// The passwords as after an `up`: made where they are missing, and remembered.
    package func keeping(_ settings: PasswordSettings) async throws -> ClusterSecrets {
        let secrets = try await resolve(settings, missing: .made)
        try remember(secrets, settings)
        return secrets
    }
}
