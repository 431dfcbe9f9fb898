import Shared

/// The files from which the nodes' image is built, as pure text.
public struct ImageFiles: Sendable, Equatable {
    public var dockerfile: String
    public var entrypoint: String
    /// Further files of the build context by name: keys and sources of package repositories.
    public var extra: [String: String]

    /// - Parameters:
    ///   - base: reference of the base image.
    ///   - version: major version of PostgreSQL.
    ///   - packages: extra packages; `%v` stands for the version.
    ///   - repository: PGDG's repository for images of that source, with the key as armored text.
    ///   - archive: the Debian archive to use instead of the one from which the base image was made.
    public init(
        base: String, version: Int, packages: [String], repository: (repository: AptRepository, key: String)? = nil,
        archive: String? = nil
    ) {
        entrypoint = Self.entrypointScript
        extra = [:]
        var lines = [
            "FROM \(base)",
            "ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 LC_ALL=C.UTF-8",
        ]
        if let archive {
            extra["debian.list"] = BaseSystem.sources(archive).joined(separator: "\n") + "\n"
            lines.append("COPY debian.list /etc/apt/sources.list")
        }
        if let (repository, key) = repository {
            extra["pgdg.asc"] = key
            extra["pgdg.list"] = repository.sourcesLine + "\n"
            lines += [
                "RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates"
                    + " && rm -rf /var/lib/apt/lists/* /var/cache/apt/*",
                "COPY pgdg.asc \(repository.keyring)",
                "COPY pgdg.list /etc/apt/sources.list.d/pgdg.list",
            ]
        }
        let installed =
            ["postgresql-\(version)", "postgresql-client-\(version)", "postgresql-\(version)-auto-failover"]
            + ["pg-auto-failover-cli", "gosu", "openssl"]
            + packages.map { $0.replacingBytes(of: "%v", with: "\(version)") }
        let samples = "/usr/share/postgresql/\(version)"
        lines += [
            // The server's package would make a cluster of its own otherwise; pg_autoctl makes ours.
            "RUN apt-get update \\",
            " && apt-get install -y --no-install-recommends postgresql-common \\",
            " && sed -ri 's/^#?create_main_cluster.*/create_main_cluster = false/'"
                + " /etc/postgresql-common/createcluster.conf \\",
            " && apt-get install -y --no-install-recommends \(installed.joined(separator: " ")) \\",
            // 170 MB of packages and apt's own indexes of them would stay in the image otherwise.
            " && rm -rf /var/lib/apt/lists/* /var/cache/apt/*",
            // initdb copies these samples, so that every cluster made with this image reads pgaf's files: access
            // rules before all others, settings after all others.
            "RUN sed -i '1i include_if_exists \(ContainerLayout.configuration)/pg_hba.conf'"
                + " \(samples)/pg_hba.conf.sample \\",
            " && sed -i '1i include_if_exists \(ContainerLayout.configuration)/pg_ident.conf'"
                + " \(samples)/pg_ident.conf.sample \\",
            " && echo \"include_if_exists = '\(ContainerLayout.configuration)/postgresql.conf'\""
                + " >> \(samples)/postgresql.conf.sample \\",
            " && mkdir -p \(ContainerLayout.volume) \\",
            " && chown postgres:postgres \(ContainerLayout.volume)",
            "ENV PATH=/usr/lib/postgresql/\(version)/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\",
            "    PG_USER=postgres PG_GROUP=postgres PGDATA=\(ContainerLayout.data) \\",
            "    XDG_DATA_HOME=\(ContainerLayout.stateHome) XDG_CONFIG_HOME=\(ContainerLayout.configurationHome) \\",
            "    PGPASSFILE=\(ContainerLayout.passwordFile)",
            "COPY entrypoint.sh \(ContainerLayout.entrypoint)",
            "RUN chmod 0755 \(ContainerLayout.entrypoint)",
            "WORKDIR \(ContainerLayout.volume)",
            "ENTRYPOINT [\"\(ContainerLayout.entrypoint)\"]",
            "CMD [\"pg_autoctl\", \"run\"]",
        ]
        dockerfile = lines.joined(separator: "\n") + "\n"
    }

    /// What decides whether an image is up to date: every byte that goes into the build, and the base image's own id.
    public func hash(baseIdentifier: String) -> String {
        let files = extra.sorted { $0.key < $1.key }.map { "\($0.key)\n\($0.value)" }
        return ContentHash.of(["image", dockerfile, entrypoint, baseIdentifier] + files)
    }

    /// Starts as root, puts the volume into order, leaves no trace of a dead predecessor, and goes on as `postgres`.
    private static let entrypointScript = """
        #!/bin/bash
        # Written by pgaf into the image of the cluster's nodes.
        set -euo pipefail
        umask 077
        user="${PG_USER:-postgres}"
        group="${PG_GROUP:-postgres}"

        # A new volume belongs to root; an old one may have been made with an image whose ids were other ones.
        if [ "$(stat -c %U:%G "\(ContainerLayout.volume)")" != "$user:$group" ]; then
            chown -R "$user:$group" "\(ContainerLayout.volume)"
        fi

        install -d -o "$user" -g "$group" -m 0700 "\(ContainerLayout.runtime)"
        install -d -o "$user" -g "$group" -m 0755 "\(ContainerLayout.sockets)"
        for file in "\(ContainerLayout.secrets)"/*; do
            [ ! -f "$file" ] || install -o "$user" -g "$group" -m 0600 "$file" "\(ContainerLayout.runtime)/"
        done

        # A disk that ran full leaves empty files of pg_autoctl's, which it could never read again.
        find "$XDG_CONFIG_HOME" "$XDG_DATA_HOME" -name 'pg_autoctl.*' -size 0 -delete 2>/dev/null || true

        # Without its settings, or without the group in them, pg_autoctl takes a registered node for one that was dropped: it
        # throws its memory away and registers once more, which the monitor refuses. All nodes are in group 0; the
        # other settings are options of the command, of which pg_autoctl itself would add some.
        data="\(ContainerLayout.data)"
        settings="\(ContainerLayout.keeperConfiguration)"
        if [ "${*:1:3}" = "pg_autoctl create postgres" ] && [ -s "\(ContainerLayout.keeperState)" ]; then
            if [ ! -e "$settings" ]; then
                declare -A options=()
                for ((index = 4; index < $#; index++)); do options["${@:index:1}"]="${@:index+1:1}"; done
                gosu "$user" mkdir -p "$(dirname "$settings")"
                install -o "$user" -g "$group" -m 0600 /dev/stdin "$settings.new" <<END
        [pg_autoctl]
        role = keeper
        nodekind = standalone
        formation = default
        group = 0
        monitor = ${options[--monitor]}
        name = ${options[--name]}
        hostname = ${options[--hostname]}

        [postgresql]
        pgdata = $data
        port = \(ContainerLayout.port)
        listen_addresses = *
        auth_method = trust
        hba_level = skip

        [ssl]
        active = 1
        sslmode = ${options[--ssl-mode]}
        ca_file = ${options[--ssl-ca-file]}
        cert_file = ${options[--server-cert]}
        key_file = ${options[--server-key]}
        END
                mv "$settings.new" "$settings"
            elif grep -q '^group *= *-1$' "$settings"; then
                sed -i 's/^group *= *-1$/group = 0/' "$settings"
            fi
        fi

        # initdb that was killed half-way leaves a directory which it would refuse ever after. One in which no server has
        # run, and which pg_autoctl has not configured, has nothing in it that anybody wrote.
        if [ -d "$data" ] && [ ! -e "$data/postmaster.opts" ] && [ ! -e "$data/postgresql-auto-failover.conf" ]; then
            find "$data" -mindepth 1 -delete
        fi

        # After a crash these files name processes of the container's earlier life, and pg_autoctl and PostgreSQL would
        # refuse to start beside them. Nothing of this volume runs yet.
        rm -rf /tmp/pg_autoctl
        rm -f "$data/postmaster.pid"

        exec gosu "$user" "$@"

        """
}
