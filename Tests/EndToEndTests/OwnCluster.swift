import Foundation
import TestDoors

/// A PostgreSQL such as an office has of its own, and the commands that `deploy/BACKUP.md` gives for it. All of it runs
/// as an unprivileged user, as PostgreSQL wants.
final class OwnCluster {
    /// The page's blocks of shell, in their order; the first names what differs from office to office.
    enum Block: Int { case names, archive, base, prune, restore }

    private let folder: URL
    private let blocks: [String]
    var url: String { "postgresql://peyvand@/peyvand?host=\(folder.path)" }

    /// - Throws: `Fault` when the page has other blocks than this knows.
    init(in folder: URL) throws {
        self.folder = folder
        let page = BackupOffice.repository.appending(path: "deploy/BACKUP.md")
        let parts = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```sh\n").dropFirst()
        blocks = parts.compactMap { $0.components(separatedBy: "\n```").first }
        guard blocks.count == 5 else { throw Fault("BACKUP.md has \(blocks.count) blocks of shell; this test knows 5") }
    }

    /// In place of the page's first block.
    private var names: String {
        """
        export PATH=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1):$PATH
        cd '\(folder.path)'
        PGDATA='\(folder.path)/data'
        CONF='\(folder.path)/conf'
        WAL='\(folder.path)/wal'
        BASE='\(folder.path)/base'
        URL='\(url)'
        stop() { pg_ctl -D "$PGDATA" -m fast -w stop >> pg_ctl.log; }
        start() {
            pg_ctl -D "$PGDATA" -w -t 60 -l server.log -o "-c config_file=$CONF/postgresql.conf" start >> pg_ctl.log
        }
        """
    }

    /// As Debian lays it out: the configuration apart from the data.
    func make() async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        if geteuid() == 0 {
            let entry = getpwnam("nobody")
            chown(folder.path, entry?.pointee.pw_uid ?? 65_534, entry?.pointee.pw_gid ?? 65_534)
        }
        try await run(
            """
            initdb -D "$PGDATA" --username=peyvand --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-instructions \
                --data-checksums --no-sync > initdb.log
            mkdir -p "$CONF/conf.d"
            mv "$PGDATA"/postgresql.conf "$PGDATA"/pg_hba.conf "$PGDATA"/pg_ident.conf "$CONF"
            cat >> "$CONF/postgresql.conf" <<END
            data_directory = '$PGDATA'
            hba_file = '$CONF/pg_hba.conf'
            ident_file = '$CONF/pg_ident.conf'
            listen_addresses = ''
            unix_socket_directories = '\(folder.path)'
            include_dir = 'conf.d'
            END
            start
            createdb -h '\(folder.path)' -U peyvand peyvand
            """)
    }

    @discardableResult
    func run(_ block: Block, _ before: String = "") async throws -> String {
        try await run(before + "\n" + blocks[block.rawValue])
    }

    /// Runs lines of shell; the first that fails ends them.
    /// - Returns: what they wrote.
    @discardableResult
    func run(_ lines: String) async throws -> String {
        let user = geteuid() == 0 ? ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"] : []
        let words = user + ["bash", "-euo", "pipefail", "-c", names + "\n" + lines]
        let result = try await Program.run(words[0], Array(words.dropFirst()), within: .seconds(90))
        guard result.code == 0 else {
            let log = (try? String(contentsOf: folder.appending(path: "server.log"), encoding: .utf8)) ?? ""
            throw Fault("\(lines)\nended with \(result.code): \(result.output) \(result.errors)\n\(log.suffix(2000))")
        }
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func stop() async throws { try await run("stop") }

    /// For the end of a test, whatever came of it.
    func end() async { _ = try? await run("stop -m immediate 2> /dev/null || true") }
}
