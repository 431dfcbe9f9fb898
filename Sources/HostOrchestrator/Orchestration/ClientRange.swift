import Shared

/// Whether `access.client_cidr` lets in the clients of this host, whom the servers see under another address.
enum ClientRange {
    /// - Returns: a sentence for those whom it keeps out; nil also where nobody knows yet as whom they come.
    static func warning(_ configuration: Configuration, on machine: any Machine) async -> String? {
        let range = configuration.access.clientCIDR
        guard let address = await machine.clientAddress(), IPv4Network(range)?.contains(address) != true else {
            return nil
        }
        return "Clients on this computer come through the forwarded ports from the address \(address), which"
            + " access.client_cidr \(range) does not let in; a range that contains \(address)/32 would."
    }
}

extension Machine {
    /// All that should be known of this machine with a configuration, in sentences.
    func warnings(with configuration: Configuration) async -> [String] {
        let range = await ClientRange.warning(configuration, on: self)
        return (range.map { [$0] } ?? []) + (await warnings())
    }
}
