import CLibSSH
import Foundation
import Shared

extension SSHConnection {
    /// Exchanges versions and keys with the server.
    func agreeOnKeys(_ session: LibSSHSession) async throws {
        let silent = PgafError(
            .machineUnreachable,
            "Port \(parameters.port) of \(parameters.host) accepted the connection but did not speak SSH within"
                + " \(parameters.connectTimeout.brief).",
            remedy: "Check that this port is the SSH server's, and that the machine has finished booting.")
        let result = try await untilDone(
            session, again: SSH_AGAIN, deadline: parameters.connectTimeout, late: silent
        ) { session.connect() }
        guard result == SSH_OK else {
            throw PgafError(
                .machineUnreachable, "No SSH session could be agreed on with \(parameters.host):\(parameters.port).",
                remedy: "Check that this port is the SSH server's, and that the machine has finished booting.",
                cause: session.lastError)
        }
    }

    /// Compares the server's key with the expected fingerprint and the machine's known_hosts; learns it once.
    ///
    /// - Throws: `ssh.host-key-changed`, `file.failed`.
    func checkHostKey(of session: LibSSHSession) throws {
        let shown = try fingerprint(of: session)
        if let expected = parameters.expectedHostKey, expected != shown {
            throw PgafError(
                .hostKeyChanged,
                "The host key of \(parameters.display) is \(shown), but \(expected) is what the configuration expects.",
                remedy: "If the machine was rebuilt on purpose, write the new fingerprint to machine.ssh.host_key in"
                    + " pgaf.yaml; if not, somebody may be posing as the machine.")
        }
        let text = (try? String(contentsOfFile: parameters.knownHostsFile, encoding: .utf8)) ?? ""
        let known = HostKeyFingerprint.all(inKnownHosts: text)
        let isKnown = known.contains { $0.fingerprint == shown }
        let verdict = ssh_session_is_known_server(session.raw)
        switch verdict {
        // libssh's word alone is not enough: with StrictHostKeyChecking off it calls every server known.
        case SSH_KNOWN_HOSTS_OK where isKnown: return
        case SSH_KNOWN_HOSTS_UNKNOWN, SSH_KNOWN_HOSTS_NOT_FOUND:
            // A forwarded port or an address may move (Vagrant's auto_correct, DHCP), a virtual machine behind it stays the
            // same; under another name of the configuration there may be another machine.
            let others = parameters.knownHostsCopy == nil ? known.filter { $0.host == parameters.host } : known
            guard isKnown || others.isEmpty else {
                throw changed(to: shown, from: known.map(\.fingerprint))
            }
            try learn(from: session)
        case SSH_KNOWN_HOSTS_OK, SSH_KNOWN_HOSTS_CHANGED, SSH_KNOWN_HOSTS_OTHER:
            throw changed(to: shown, from: known.map(\.fingerprint))
        default:
            throw PgafError(
                .fileFailed, "The known hosts in \(parameters.knownHostsFile) could not be compared.",
                remedy: "Look at the file; if it is damaged, delete it, and the key is learned anew.",
                cause: session.lastError)
        }
    }

    private func learn(from session: LibSSHSession) throws {
        let file = parameters.knownHostsFile
        do {
            try FileManager.default.createDirectory(
                atPath: URL(fileURLWithPath: file).deletingLastPathComponent().path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw notWritten(file, cause: "\(error)")
        }
        guard ssh_session_update_known_hosts(session.raw) == SSH_OK else {
            throw notWritten(file, cause: session.lastError)
        }
        chmod(file, 0o600)
    }

    private func notWritten(_ file: String, cause: String) -> PgafError {
        PgafError(
            .fileFailed, "The host key could not be written to \(file).",
            remedy: "Make the directory writable for you, then run the same command again.", cause: cause)
    }

    private func changed(to shown: String, from known: [String]) -> PgafError {
        let copies = (parameters.knownHostsCopy.map { [$0] } ?? []).filter { MachineFiles().exists($0) }
        let files = [parameters.knownHostsFile] + copies
        let former = known.isEmpty ? "another" : Set(known).sorted().joined(separator: " or ")
        return PgafError(
            .hostKeyChanged, "The host key of \(parameters.display) is now \(shown); it was \(former).",
            remedy:
                "If the machine was rebuilt on purpose, type `rm \(files.map(ShellQuoting.quoteIfNeeded).joined(separator: " "))` and run the"
                + " same command again; if not, somebody may be posing as the machine.")
    }

    private func fingerprint(of session: LibSSHSession) throws -> String {
        var key: ssh_key?
        var text: UnsafeMutablePointer<CChar>?
        defer {
            ssh_key_free(key)
            ssh_string_free_char(text)
        }
        guard ssh_get_server_publickey(session.raw, &key) == SSH_OK, let key,
            ssh_pki_export_pubkey_base64(key, &text) == SSH_OK, let text,
            let fingerprint = HostKeyFingerprint.of(base64: String(cString: text))
        else {
            throw PgafError(
                .machineUnreachable, "The SSH server of \(parameters.display) showed no usable host key.",
                remedy: "Look at the server's configuration (`sshd -T | grep hostkey`).", cause: session.lastError)
        }
        return fingerprint
    }
}
