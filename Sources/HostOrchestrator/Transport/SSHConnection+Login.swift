import CLibSSH
import Foundation
import Shared

extension SSHConnection {
    /// Offers the keys of the files in their order, then those of the ssh-agent.
    ///
    /// - Throws: `ssh.login-refused`, which names every key that was tried and what became of it.
    func logIn(_ session: LibSSHSession) async throws {
        var outcomes: [String] = []
        // Required before the first key: it asks the server what it takes at all.
        if try await attempt(session, { ssh_userauth_none(session.raw, nil) }) == .accepted { return }
        for path in parameters.identityFiles {
            switch try await offer(path, to: session) {
            case .accepted: return
            case .refused(let why): outcomes.append("\(path): \(why)")
            case .disconnected: throw refused(outcomes + ["\(path): the server hung up"], session)
            }
        }
        if parameters.usesAgent {
            if getenv("SSH_AUTH_SOCK") == nil {
                outcomes.append("ssh-agent: none is running")
            } else {
                switch try await attempt(session, { ssh_userauth_agent(session.raw, nil) }) {
                case .accepted: return
                case .refused(let why): outcomes.append("keys of the ssh-agent: \(why)")
                case .disconnected: throw refused(outcomes + ["ssh-agent: the server hung up"], session)
                }
            }
        }
        throw refused(outcomes, session)
    }

    private enum Attempt: Equatable {
        case accepted, disconnected
        case refused(String)
    }

    private func offer(_ path: String, to session: LibSSHSession) async throws -> Attempt {
        guard FileManager.default.isReadableFile(atPath: path) else {
            return .refused(FileManager.default.fileExists(atPath: path) ? "not readable" : "no such file")
        }
        var key: ssh_key?
        // An empty passphrase keeps libssh from asking for one on the terminal.
        guard ssh_pki_import_privkey_file(path, "", nil, nil, &key) == SSH_OK, let key else {
            return .refused("no private key, or one with a passphrase (`ssh-add` it to an ssh-agent)")
        }
        defer { ssh_key_free(key) }
        return try await attempt(session) { ssh_userauth_publickey(session.raw, nil, key) }
    }

    private func attempt(_ session: LibSSHSession, _ call: () -> Int32) async throws -> Attempt {
        let late = PgafError(
            .machineUnreachable,
            "\(parameters.display) did not answer the login within \(parameters.connectTimeout.brief).",
            remedy: "Look at the load of the machine and at its SSH server's log, then run the same command again.")
        let again = Int32(SSH_AUTH_AGAIN.rawValue)
        let result = try await untilDone(
            session, again: again, deadline: parameters.connectTimeout, late: late, call)
        switch result {
        case Int32(SSH_AUTH_SUCCESS.rawValue): return .accepted
        case _ where !session.isConnected: return .disconnected
        case Int32(SSH_AUTH_PARTIAL.rawValue): return .refused("accepted, but the server asks for more than a key")
        default: return .refused("refused by the server")
        }
    }

    private func refused(_ outcomes: [String], _ session: LibSSHSession) -> PgafError {
        let tried = outcomes.isEmpty ? "no key was there to try" : outcomes.joined(separator: "; ")
        return PgafError(
            .loginRefused, "\(parameters.display) refused the login. Tried: \(tried).",
            remedy: "Put the public key into ~/.ssh/authorized_keys of \(parameters.user) on the machine, or name the"
                + " right key with machine.ssh.identity_files in pgaf.yaml.",
            cause: session.lastError)
    }
}
