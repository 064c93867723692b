package dev.sennit.queue.sqlite;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerException.Kind;
import dev.sennit.queue.sql.Schema;
import dev.sennit.queue.sql.Session;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;

/**
 * The file of a broker, and how connections to it are opened. The file itself is never opened but by SQLite: as soon as
 * a process closes a file, the system gives all its locks of that file free, those of SQLite among them.
 */
final class Database {
    /** How long to wait for a transaction of another program that does not take turns. */
    static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final Set<String> NETWORK = Set.of("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p",
            "afs",
            "ncpfs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "ocfs2", "gfs2", "webdav", "davfs", "afpfs");

    final Path path;
    final String name;
    private final boolean isFull;
    private final boolean allowsNetwork;
    /** Which file it is; written once, before others use it. */
    private @Nullable Object key;

    Database(Path path, String name, boolean isFull, boolean allowsNetwork) {
        this.path = path;
        this.name = name;
        this.isFull = isFull;
        this.allowsNetwork = allowsNetwork;
    }

    /** Checks what can be checked without opening the file. */
    void ensureUsable() {
        Path folder = path.getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw refused("has no folder " + folder + ": create it, or name another file");
        }
        if (Files.isDirectory(path)) {
            throw refused("is a directory: name a file in it");
        }
        if (Files.exists(path) ? !Files.isWritable(path) || !Files.isReadable(path) : !Files.isWritable(folder)) {
            throw refused("cannot be written: check the rights of the file and its folder");
        }
        if (!Files.isWritable(folder)) {
            throw refused("is in a folder that cannot be written, and SQLite keeps files beside it");
        }
        if (!allowsNetwork) {
            ensureLocal(folder);
        }
    }

    private void ensureLocal(Path folder) {
        String type;
        try {
            FileStore store = Files.getFileStore(folder);
            type = store.type();
        } catch (IOException e) {
            return; // what kind of file system it is cannot be seen
        }
        if (isNetwork(type)) {
            throw refused("is on a network file system (" + type
                    + "), where locks cannot be trusted and machines share no"
                    + " memory: use a local disk, another broker, or ?network=allow if one machine uses it only");
        }
    }

    static boolean isNetwork(String type) {
        String lower = type.toLowerCase(Locale.ROOT);
        return NETWORK.contains(lower)
                || lower.startsWith("fuse.") && !lower.equals("fuse.fuse-overlayfs") && !lower.equals("fuse.ntfs")
                        && !lower.equals("fuse.exfat") && !lower.equals("fuse.mergerfs");
    }

    private BrokerException refused(String why) {
        return new BrokerException(Kind.REFUSED, false, name + " " + why, null);
    }

    /** Opens a connection that writes, and creates or updates the tables. Called in turn, see {@link WriteLock}. */
    Connection create(SqliteDialect dialect, Schema schema) throws SQLException {
        Connection connection = connect(SQLiteConfig.TransactionMode.IMMEDIATE);
        try {
            execute(connection, "PRAGMA journal_mode = WAL");
            Transaction.begin(connection);
            try (var session = new Session(connection, dialect)) {
                schema.migrate(session, name);
                Transaction.commit(connection);
            } catch (SQLException | RuntimeException e) {
                Transaction.rollBack(connection);
                throw e;
            }
            if (key == null) {
                key = fileKey();
            }
            return connection;
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    /** Opens a connection that reads. */
    Connection reader() throws SQLException {
        Connection connection = connect(SQLiteConfig.TransactionMode.DEFERRED);
        try {
            execute(connection, "PRAGMA query_only = ON");
            return connection;
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    private Connection connect(SQLiteConfig.TransactionMode mode) throws SQLException {
        var config = new SQLiteConfig();
        config.setBusyTimeout((int) PATIENCE.toMillis());
        config.setTransactionMode(mode);
        config.setSynchronous(isFull ? SQLiteConfig.SynchronousMode.FULL : SQLiteConfig.SynchronousMode.NORMAL);
        config.setJournalSizeLimit(64 << 20);
        config.setCacheSize(-16_000); // KiB
        config.setTempStore(SQLiteConfig.TempStore.MEMORY);
        return config.createConnection("jdbc:sqlite:" + path);
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /**
     * Checks that the file is still the one that was opened: SQLite would go on with one that nobody finds again.
     *
     * @param isDone whether something has just been written
     */
    void ensureSame(boolean isDone) {
        Object now = fileKey();
        if (key != null && !key.equals(now)) {
            throw new BrokerException(Kind.UNUSABLE, isDone, name + " was " + (now == null ? "removed" : "replaced")
                    + " while it was in use: what was done since is lost; restart, or put the file back", null);
        }
    }

    private @Nullable Object fileKey() {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        } catch (IOException e) {
            return null;
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
